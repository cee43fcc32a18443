#!/usr/bin/env bash
# A worker: reads one request a line, lets bc do the sum, writes one answer a
# line. Any language will do. The id of each question asked goes into $CALLS,
# so that it can be counted what was asked.
set -u

while IFS= read -r request; do
  [[ $request =~ \"id\":\"([^\"]*)\" ]] && id=${BASH_REMATCH[1]}
  [[ $request =~ \"prompt\":\"([^\"]*)\" ]] && prompt=${BASH_REMATCH[1]}
  [[ $request =~ \"query\":\{\"id\":\"([^\"]*)\" ]] && question=${BASH_REMATCH[1]}
  echo "$question" >>"$CALLS"
  printf '{"id":"%s","output":"%s"}\n' "$id" "$(bc <<<"$prompt")"
done
