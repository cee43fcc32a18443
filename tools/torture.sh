#!/bin/bash
# The long counts: builds the layers of the test stack optimised, runs them for
# as long as they are asked to, and prints a table of what was tried and found.
#
#   tools/torture.sh                    hours: see the numbers below
#   tools/torture.sh --quick            minutes: as many as CI runs
#   tools/torture.sh --only=kills,engine-kills --kills=500 --jobs=1
#
#   --only=LAYER,…        these: power-losses kills engine-kills injected-calls
#                         file-systems byte-matrix snapshot-matrix exhaustive
#                         soak fuzz mutation
#   --power-losses=N      simulated ones
#   --kills=N             kill -9 of the runner, spread over workers and modes
#   --engine-kills=N      kill -9 of a process that only appends
#   --points=every|one    which system calls of each kind are made to fail
#   --fuzz-seconds=N      for each target
#   --soak-seconds=N      of everything at once
#   --jobs=N              layers at a time (2)
#   --folder=DIR          for logs and temporary files; made if need be
#
# TORTURE_BAZEL_STARTUP and TORTURE_BAZEL_OPTIONS are handed on to Bazel.
# Exits 1 if anything was found or could not be tried. A layer whose script or
# test is not there is said to be missing, and counts as not tried.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

power_losses=1000000 kills=2000 engine_kills=20000 points=every
fuzz_seconds=600 matrix_stride=1 soak_seconds=600 jobs=2 folder='' only=''
for option in "$@"; do
  value=${option#*=}
  case "$option" in
    --quick)
      power_losses=15000 kills=90 engine_kills=80 points=one fuzz_seconds=30
      matrix_stride=23 soak_seconds=3
      ;;
    --only=*) only=$value ;;
    --power-losses=*) power_losses=$value ;;
    --kills=*) kills=$value ;;
    --engine-kills=*) engine_kills=$value ;;
    --points=every | --points=one) points=$value ;;
    --fuzz-seconds=*) fuzz_seconds=$value ;;
    --soak-seconds=*) soak_seconds=$value ;;
    --jobs=*) jobs=$value ;;
    --folder=*) folder=$value ;;
    *)
      sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
      exit 2
      ;;
  esac
done
for number in "$power_losses" "$kills" "$engine_kills" "$fuzz_seconds" \
  "$soak_seconds" "$jobs"
do
  if [[ ! $number =~ ^[1-9][0-9]*$ ]]; then
    echo "torture.sh: '$number' is no count" >&2
    exit 2
  fi
done
folder=${folder:-$(mktemp -d "${TMPDIR:-/tmp}/torture-XXXXXX")}
mkdir -p "$folder"
folder=$(realpath "$folder")

readonly kWaysToKill=9  # crash_test kills so often for each of them.
seed=$((RANDOM * 32768 + RANDOM))

wanted() { [[ -z $only || ",$only," == *",$1,"* ]]; }

layers=()
# LAYER LABEL [NAME=VALUE…]: a test. It runs as a copy, so that a build
# meanwhile does not change it.
declare -A label settings
add_test() {
  wanted "$1" || return 0
  layers+=("$1")
  label[$1]=$2
  settings[$1]="${*:3}"
}
# LAYER SCRIPT [ARGUMENT…]
declare -A script
add_script() {
  wanted "$1" || return 0
  layers+=("$1")
  script[$1]="${*:2}"
}

point_setting=NONE=1
if [[ $points == every ]]; then
  point_setting=INJECTED_EVERY_POINT=1
fi
# One life in four ends by the death of the process alone.
add_test power-losses //journal:power_loss_test \
  "JOURNAL_POWER_CRASHES=$((power_losses * 4 / 3))" "JOURNAL_POWER_SEED=$seed"
add_test kills //tests:crash_test \
  "CRASH_KILLS=$(((kills + kWaysToKill - 1) / kWaysToKill))" \
  "CRASH_SEED=$((seed % 1000000))"
add_test engine-kills //tests:engine_kill_test \
  "ENGINE_KILLS=$engine_kills" "ENGINE_KILL_SEED=$((seed % 1000000))"
add_test injected-calls //tests:injected_calls_test "$point_setting"
add_test file-systems //tests:file_systems_test
add_test byte-matrix //journal:byte_matrix_test JOURNAL_MATRIX_STRIDE=1
# Files of some 64 KiB in all.
add_test snapshot-matrix //journal:snapshot_matrix_test \
  JOURNAL_MATRIX_KIB=100 "JOURNAL_MATRIX_STRIDE=$matrix_stride"
add_test exhaustive //journal:exhaustive_test
add_test soak //tests:soak_test "JOURNAL_SOAK_SECONDS=$soak_seconds"
add_script fuzz tools/fuzz.sh "$fuzz_seconds"
add_script mutation tools/mutate.sh
for name in ${only//,/ }; do
  if [[ " ${layers[*]} " != *" $name "* ]]; then
    echo "torture.sh: no layer is called '$name'" >&2
    exit 2
  fi
done

# A test of the tree; those that are not there have no target.
exists() {
  local package=${label[$1]%:*}
  grep -qs "name = \"${label[$1]#*:}\"" "${package#//}/BUILD.bazel"
}

read -ra bazel_startup <<<"${TORTURE_BAZEL_STARTUP:-}"
read -ra bazel_options <<<"${TORTURE_BAZEL_OPTIONS:-}"
bazel_options+=(--config=opt --dynamic_mode=off)
build() {
  local labels=() layer path
  for layer in "${layers[@]}"; do
    if [[ -n ${label[$layer]:-} ]] && exists "$layer"; then
      labels+=("${label[$layer]}")
    fi
  done
  [[ ${#labels[@]} -eq 0 ]] && return
  bazel "${bazel_startup[@]}" build "${bazel_options[@]}" "${labels[@]}"
  local bin
  bin=$(bazel "${bazel_startup[@]}" info "${bazel_options[@]}" bazel-bin \
    2>/dev/null)
  for layer in "${layers[@]}"; do
    if [[ -n ${label[$layer]:-} ]] && exists "$layer"; then
      path=${label[$layer]#//}
      rm -rf "${folder:?}/$layer"
      cp -rL "$bin/${path/:/\/}.runfiles/bench_journal" "$folder/$layer"
    fi
  done
}

# Writes LAYER.log, and LAYER.end: exit code and seconds.
run_layer() {
  local layer=$1 start=$SECONDS status=0 path
  if [[ -n ${script[$layer]:-} ]]; then
    if [[ -x ${script[$layer]%% *} ]]; then
      # shellcheck disable=SC2086  # Words of its command line.
      ${script[$layer]} >"$folder/$layer.log" 2>&1 || status=$?
    else
      status=missing
    fi
  elif ! exists "$layer"; then
    status=missing
  else
    path=${label[$layer]#//}
    mkdir -p "$folder/$layer.tmp"
    # shellcheck disable=SC2086  # NAME=VALUE words.
    (cd "$folder/$layer" && exec env TEST_TMPDIR="$folder/$layer.tmp" \
      ${settings[$layer]} "./${path/:/\/}" --gtest_color=no) \
      >"$folder/$layer.log" 2>&1 || status=$?
  fi
  echo "$status $((SECONDS - start))" >"$folder/$layer.end"
}

# "1002 kills, 48 short calls": the sums of a log's lines "torture: N what, …".
counts() {
  [[ -e $folder/$1.log ]] || return 0
  awk '
    /^torture: / {
      number = $2
      sub(/^torture: [0-9]+ /, ""); sub(/,.*/, "")
      if (!($0 in sum)) order[++kinds] = $0
      sum[$0] += number
    }
    END {
      for (i = 1; i <= kinds; ++i) {
        printf "%s%d %s", (i > 1 ? ", " : ""), sum[order[i]], order[i]
      }
    }' "$folder/$1.log"
}

tests_run() {
  grep -c '^\[       OK \]\|^\[  FAILED  \].*ms)$' "$folder/$1.log" || true
}

report() {
  local layer status seconds tried found seeds bad=0
  printf '\n%-15s %-9s %-16s %-30s %s\n' layer time found seed tried
  for layer in "${layers[@]}"; do
    read -r status seconds <"$folder/$layer.end"
    tried=$(counts "$layer")
    if [[ -z $tried && -n ${label[$layer]:-} && -e $folder/$layer.log ]]; then
      tried="$(tests_run "$layer") test cases"
    fi
    seeds=$(grep -hoE '[A-Z_]*SEED=[0-9]+' "$folder/$layer.log" 2>/dev/null |
      sort -u | head -n 3 | paste -sd ' ' || true)
    if [[ -z $seeds && ${settings[$layer]:-} == *SEED=* ]]; then
      seeds=$(grep -oE '[A-Z_]*SEED=[0-9]+' <<<"${settings[$layer]}")
    fi
    case "$status" in
      0)
        found=nothing
        # All skipped, or none of what it is for: that shows nothing.
        if [[ ! $tried =~ [1-9] ]]; then
          found='NOTHING TRIED' bad=1
        fi
        ;;
      missing) found='MISSING' tried='not in this tree' bad=1 ;;
      *) found="FAILED, exit $status" bad=1 ;;
    esac
    printf '%-15s %-9s %-16s %-30s %s\n' "$layer" \
      "$((seconds / 3600))h$((seconds / 60 % 60))m$((seconds % 60))s" \
      "$found" "${seeds:--}" "${tried:--}"
    if [[ $found == FAILED* ]]; then
      grep -hE '^\[  FAILED  \] |Failure$|; run |repeat with' \
        "$folder/$layer.log" | sort -u | head -n 5 | sed 's/^/    /' || true
    fi
  done
  printf '\nlogs: %s\n' "$folder"
  return "$bad"
}

build
running=0
for layer in "${layers[@]}"; do
  if ((running == jobs)); then
    wait -n || true
    running=$((running - 1))
  fi
  echo "torture.sh: $layer begins ($(date -u +%H:%M:%S)), log $folder/$layer.log"
  run_layer "$layer" &
  running=$((running + 1))
done
wait
report
