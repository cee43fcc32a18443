#!/bin/bash
# The guide's examples, as they stand in the tree: the worker in Python, and the
# job script of a shard, which is warned, saves and asks to be queued again.
set -euo pipefail

root=$PWD
cd "${TEST_TMPDIR:?run by bazel test}"
export PATH=$PWD/bin:$root/runner:$PATH
mkdir bin

say_wrong() {
  echo "examples_test: $*" >&2
  exit 1
}

if ! command -v python3 >/dev/null; then
  say_wrong "python3 is missing; run tools/setup.sh"
fi
for i in {1..40}; do
  printf '{"id": "q%d", "input": "%d * 3", "target": "%d"}\n' \
    "$i" "$i" $((i * 3))
done >products.jsonl

echo "The worker in Python"
worker="python3 $root/runner/examples/worker.py"
bench-runner run --dataset products.jsonl --worker-command "$worker" \
  --workers 2 --scorer exact_match --results python.json --min-score 1

echo "The job script of a shard"
cat >bin/scontrol <<'END'
#!/bin/bash
echo "$@" >>requeued
END
# Answers until it is told to dawdle, so that the warning comes in between.
cat >worker.sh <<'END'
#!/bin/bash
while read -r line; do
  [[ -e hurry ]] || sleep 1
  echo "$line" | sed -E 's/.*"id":"([^"]*)".*/{"id":"\1","output":"3"}/'
  echo >>answered
done
END
chmod +x bin/scontrol worker.sh
cat >bench.yaml <<'END'
dataset: products.jsonl
worker_command: ./worker.sh
scorer: [exact_match]
workers: 1
END
export SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_JOB_ID=7
script=$root/runner/examples/slurm.sh

bash "$script" &
job=$!
for ((i = 0; i < 600; ++i)); do
  [[ ! -s answered ]] || break
  sleep 0.1
done
[[ -s answered ]] || say_wrong "the shard answers nothing"
kill -TERM $job
code=0
wait $job || code=$?
[[ $code -eq 143 ]] || say_wrong "a shard that was warned ended with $code"
[[ $(<requeued) == "requeue 7_2" ]] || say_wrong "it was not queued again"

touch hurry
bash "$script" || say_wrong "the requeued shard ended with $?"
grep -q '"status":"complete"\|"status": "complete"' results/*/results.json ||
  say_wrong "the shard is not complete"
