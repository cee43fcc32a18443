"""A worker: reads requests from stdin, writes answers to stdout, a line each."""
import json
import sys

for line in sys.stdin:
    request = json.loads(line)
    answer = {"id": request["id"]}
    try:
        left, right = request["prompt"].split("*")
        answer["output"] = str(int(left) * int(right))  # Your model goes here.
    except ValueError as error:
        answer["error"] = {"type": "prompt", "message": str(error)}
    print(json.dumps(answer), flush=True)
