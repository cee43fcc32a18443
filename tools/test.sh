#!/bin/bash
# Builds everything, runs every test, and prints as its last line how many test
# cases passed and failed.
#
#   tools/test.sh                       all tests
#   tools/test.sh --config=asan         all tests, with these options of Bazel's
#   tools/test.sh //journal:frame_test  these tests only
#
# Tests on real data find it in $BENCH_JOURNAL_SHARED, by default the folder
# "shared" beside the checkout.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup.sh

if [[ ! -e /proc/self ]]; then
  echo "test.sh: Bazel needs /proc; run: mount -t proc proc /proc" >&2
fi
# Bazel keeps its output below $HOME, which a chroot or a service may not set.
export HOME=${HOME:-~}
if [[ ! -w $HOME ]]; then
  HOME=${TMPDIR:-/tmp}/bench-journal-home
fi
# The compiler and Bazel's server want a folder for temporary files.
server_options=()
if [[ ! -w ${TMPDIR:-/tmp} ]]; then
  export TMPDIR=$HOME/.cache/bench-journal-tmp
  server_options=("--host_jvm_args=-Djava.io.tmpdir=$TMPDIR")
fi
mkdir -p "$HOME" "${TMPDIR:-/tmp}"

export BENCH_JOURNAL_SHARED=${BENCH_JOURNAL_SHARED:-$(realpath -m ../shared)}

options=()
targets=()
for argument in "$@"; do
  case "$argument" in
    //* | :* | @*) targets+=("$argument") ;;
    *) options+=("$argument") ;;
  esac
done
if [[ ${#targets[@]} -eq 0 ]]; then
  targets=(//...)
fi

# Below //... Bazel passes by its own links but follows those that another
# user's Bazel left here, into files that are not ours.
find . -maxdepth 1 -type l -name 'bazel-*' -delete

events=$(mktemp)
trap 'rm -f "$events"' EXIT
status=0
bazel "${server_options[@]}" test --keep_going \
  --build_event_json_file="$events" \
  --nobuild_event_json_file_path_conversion \
  "${options[@]}" -- "${targets[@]}" || status=$?
awk -v bazel_status="$status" -f tools/count_tests.awk "$events"
