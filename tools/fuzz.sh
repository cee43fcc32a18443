#!/bin/bash
# Fuzzes: builds the targets of tests/fuzz with libFuzzer, ASan and UBSan, runs
# one after the other, and prints a table of what was tried and found.
#
#   tools/fuzz.sh                       each target for 600 s
#   tools/fuzz.sh 30                    each for 30 s
#   tools/fuzz.sh 3600 journal_fuzz     this one, for an hour
#
# Starts from tests/corpus/, which it does not change. What is found is kept in
# $FUZZ_DIR (by default bench-journal-fuzz below $TMPDIR or /tmp), for the next
# time to go on from:
#
#   TARGET/corpus/    all inputs that covered something new
#   TARGET/new/       the least of them that add to tests/corpus/TARGET
#   TARGET/findings/  inputs that crash, leak, hang or break an invariant
#   TARGET/log        libFuzzer's output, with the stack of a finding
#
# TORTURE_BAZEL_STARTUP and TORTURE_BAZEL_OPTIONS are handed on to Bazel. Exits
# 1 if there is a finding. A target stops at its first one.
set -euo pipefail

readonly kSeconds=600
readonly kRssMib=2048    # Of the process.
readonly kMallocMib=512  # In one piece.
readonly kTimeout=10     # Seconds for one input.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=$kSeconds
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  seconds=$1
  shift
fi
mapfile -t all < <(
  sed -nE 's/^ *name = "(.*_fuzz)",$/\1/p' tests/fuzz/BUILD.bazel
)
targets=("$@")
if [[ ${#targets[@]} -eq 0 ]]; then
  targets=("${all[@]}")
fi
for target in "${targets[@]}"; do
  if ! grep -qxF "$target" < <(printf '%s\n' "${all[@]}"); then
    echo "fuzz.sh: no target '$target'; known: ${all[*]}" >&2
    exit 2
  fi
done

tools/setup.sh --dev

read -ra bazel_startup <<<"${TORTURE_BAZEL_STARTUP:-}"
read -ra bazel_options <<<"${TORTURE_BAZEL_OPTIONS:-}"
bazel_options+=(--config=fuzz)
bazel "${bazel_startup[@]}" build "${bazel_options[@]}" -- \
  "${targets[@]/#///tests/fuzz:}"
bin=$(bazel "${bazel_startup[@]}" info "${bazel_options[@]}" bazel-bin \
  2>/dev/null)/tests/fuzz
work=${FUZZ_DIR:-${TMPDIR:-/tmp}/bench-journal-fuzz}
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1

count_files() {
  find "$1" -type f | wc -l
}

# A build of another kind that comes meanwhile writes to the same place.
for target in "${targets[@]}"; do
  mkdir -p "$work/$target/corpus"
  cp -f "$bin/$target" "$work/$target/fuzz"
done

# What `corpus` covers and the repository's corpus does not.
merge() {
  local target=$1 dir=$2
  rm -rf "$dir/merged" "$dir/new"
  cp -r "tests/corpus/$target" "$dir/merged"
  mkdir "$dir/new"
  "$dir/fuzz" -merge=1 -rss_limit_mb=$kRssMib -timeout=$kTimeout \
    "$dir/merged" "$dir/corpus" >"$dir/merge.log" 2>&1 || true
  local file
  for file in "$dir"/merged/*; do
    if [[ ! -e tests/corpus/$target/${file##*/} ]]; then
      cp "$file" "$dir/new/"
    fi
  done
  rm -rf "$dir/merged"
}

rows=()
found=0
tried=0
for target in "${targets[@]}"; do
  dir=$work/$target
  rm -rf "$dir/findings"
  mkdir "$dir/findings"
  echo "fuzz.sh: $target, $seconds s" >&2
  "$dir/fuzz" -max_total_time="$seconds" -print_final_stats=1 \
    -rss_limit_mb=$kRssMib -malloc_limit_mb=$kMallocMib -timeout=$kTimeout \
    -artifact_prefix="$dir/findings/" "$dir/corpus" "tests/corpus/$target" \
    >"$dir/log" 2>&1 || true
  executions=$(sed -nE 's/^stat::number_of_executed_units: *//p' "$dir/log")
  findings=$(count_files "$dir/findings")
  # Ended for a reason that left no input.
  if [[ -z $executions && $findings -eq 0 ]]; then
    findings=1
  fi
  found=$((found + findings))
  tried=$((tried + ${executions:-0}))
  merge "$target" "$dir"
  rows+=("$(printf '%-22s %12s %8s %8s %8s' "$target" "${executions:--}" \
    "$(count_files "tests/corpus/$target")" "$(count_files "$dir/new")" \
    "$findings")")
  echo "fuzz.sh: ${rows[-1]}" >&2
done

printf '%-22s %12s %8s %8s %8s\n' target executions corpus new findings
printf '%s\n' "${rows[@]}"
echo "kept in $work"
# For torture.sh's table.
printf 'torture: %d inputs\ntorture: %d findings\n' "$tried" "$found"
[[ $found -eq 0 ]]
