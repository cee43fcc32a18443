#!/bin/bash
# The README's quick start, with the programs just built: it kills, resumes,
# compares, and fails by itself if anything was asked twice or differs.
set -euo pipefail

export BENCH_RUNNER=$PWD/runner/bench-runner
export JOURNALCTL=$PWD/tools/journalctl-bench
export QUICKSTART_DIR=${TEST_TMPDIR:?run by bazel test}/quickstart
mkdir -p "$QUICKSTART_DIR"
if ! command -v bc >/dev/null; then
  echo "quick_start_test: bc is missing; run tools/setup.sh" >&2
  exit 1
fi

tools/quickstart.sh --run 2>&1 | tee "$TEST_TMPDIR/said"

say_wrong() {
  echo "quick_start_test: $*" >&2
  exit 1
}
grep -q "^killed after" "$TEST_TMPDIR/said" || say_wrong "nothing was killed"
grep -q "Loaded checkpoint" "$TEST_TMPDIR/said" || say_wrong "nothing was resumed"
grep -q "the results are the same, byte for" "$TEST_TMPDIR/said" ||
  say_wrong "the results were not compared"
answered=$(grep -c . "$QUICKSTART_DIR/killed.jsonl")
[[ $answered -eq 400 ]] || say_wrong "$answered of 400 questions are answered"
if "$JOURNALCTL" verify "$QUICKSTART_DIR/killed"; then exit 0; fi
say_wrong "the journal is not sound"
