#!/usr/bin/env bash
# The quick start: installs what is missing, builds, and runs a benchmark that
# is killed in the middle and goes on. No network but for missing packages, no
# key.
#
#   tools/quickstart.sh           build and run
#   tools/quickstart.sh --run     run what is built already
#   BENCH_RUNNER=… JOURNALCTL=…   programs other than bazel-bin's
set -euo pipefail
cd "$(dirname "$0")/.."

readonly questions=400
readonly work=${QUICKSTART_DIR:-$(mktemp -d "${TMPDIR:-/tmp}/quickstart.XXXXXX")}
if [[ ${1:-} != --run ]]; then
  tools/setup.sh
  bazel build --config=opt //runner:bench-runner //tools:journalctl-bench
fi
bench_runner=${BENCH_RUNNER:-bazel-bin/runner/bench-runner}
journalctl=${JOURNALCTL:-bazel-bin/tools/journalctl-bench}

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() { printf '$ %s\n' "$*"; }

# command NAME: sets the command line that asks every question, with four bc
# workers; they count the calls in $work/NAME.calls.
command_line() {
  export CALLS=$work/$1.calls
  : >>"$CALLS"
  command=("$bench_runner" run --dataset "$work/sums.jsonl" --model bc
    --worker-command tools/quickstart/bc_worker.sh
    --scorer exact_match --workers 4
    --journal-dir "$work/$1" --results "$work/$1.json")
}

say "$questions questions, made here"
for ((i = 1; i <= questions; ++i)); do
  a=$((i * 7919 % 1000)) b=$((i * 104729 % 1000))
  printf '{"id":"q%d","input":"%d * %d + %d","target":"%d"}\n' \
    "$i" "$a" "$b" "$i" $((a * b + i))
done >"$work/sums.jsonl"
head -n 2 "$work/sums.jsonl"

say "A run that nothing interrupts"
command_line quiet
"${command[@]}"

say "The same run, killed with kill -9 in the middle"
command_line killed
"${command[@]}" &
runner=$!
while [[ $(wc -l <"$CALLS") -lt $((questions / 2)) ]]; do
  kill -0 "$runner"
done
kill -9 "$runner"
{ wait "$runner" || true; } 2>/dev/null
echo "killed after $(wc -l <"$CALLS") calls"
show "journalctl-bench list"
"$journalctl" list "$work/killed"

say "The same command again: it goes on"
"${command[@]}" 2>&1 | tee "$work/resumed.log"
show "journalctl-bench verify"
"$journalctl" verify "$work/killed"

say "What it cost"
asked=$(wc -l <"$CALLS")
twice=$(sort "$CALLS" | uniq -d)
again=$(grep -c . <<<"$twice" || true)
doubt=$(sed -n 's/.*In doubt: \([0-9]*\) .*/\1/p' "$work/resumed.log")
echo "asked $asked times for $questions questions; asked twice: $again" \
  "(in doubt after the kill: ${doubt:-0})"
in_doubt=$(sed -n 's/.*In doubt: [0-9]* (\(.*\)):.*/\1/p' "$work/resumed.log")
for id in $twice; do
  if [[ ", $in_doubt, " != *", $id, "* ]]; then
    echo "FAIL: $id was asked twice and is not listed in doubt" >&2
    exit 1
  fi
done
cmp "$work/quiet.jsonl" "$work/killed.jsonl"
# All of results.json but "timing", its last member.
untimed() { sed '/^  "timing"/,$d' "$1"; }
diff <(untimed "$work/quiet.json") <(untimed "$work/killed.json")
echo "Nothing answered was asked twice, and the results are the same, byte for" \
  "byte: $work/killed.json"
