#!/bin/bash
# Takes the engine's safeguards out, one at a time, in a copy of the tree, and
# runs the tests that must notice. Prints which test did.
#
#   tools/mutate.sh                        all of them
#   tools/mutate.sh poison head-chain      these only
#   tools/mutate.sh --list                 their names, if all can be made
#   tools/mutate.sh --disk_cache=/tmp/d    with this option of Bazel's
#
# Ends with 1 if a mutant survives, and with 2 if one cannot be made: its text
# must stand in its file exactly once, so that this script cannot rot unseen.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A mutant that makes a test hang is noticed, too, after so many seconds.
readonly test_timeout=300

names=() files=() texts=() replacements=() targets=()

# mutant NAME FILE TEXT REPLACEMENT TARGETS
mutant() {
  names+=("$1") files+=("$2") texts+=("$3") replacements+=("$4") targets+=("$5")
}

# -- The directory fsync -----------------------------------------------------

mutant rotation-directory-fsync journal/segment_log.cc \
  'return Failed(options_.fs->SyncDirectory(options_.directory));' \
  'return absl::OkStatus();' \
  '//journal:exhaustive_test'
mutant parent-directory-fsync journal/writer_open.cc \
  'absl::Status s = fs.SyncDirectory(ParentDirectory(directory));' \
  'absl::Status s;' \
  '//journal:exhaustive_test'
mutant opening-directory-fsync journal/writer_open.cc \
  '  return fs.SyncDirectory(directory);' \
  '  return absl::OkStatus();' \
  '//journal:recovery_cases_test //journal:writer_fault_test'
mutant torn-directory-fsync journal/repair.cc \
  'if (absl::Status s = fs.SyncDirectory(directory); !s.ok()) return s;' \
  '' \
  '//journal:recovery_cases_test //journal:writer_fault_test'
mutant aside-directory-fsync journal/repair.cc \
  '  return fs.SyncDirectory(directory);' \
  '  return absl::OkStatus();' \
  '//journal:recovery_cases_test'

# -- The watermark update ----------------------------------------------------

mutant frame-watermark journal/segment_log.cc \
  '  header.watermark = durable_lsn_;
  header.type' \
  '  header.type' \
  '//journal:watermark_test'
mutant frame-watermark-undercounts journal/segment_log.cc \
  '  header.watermark = durable_lsn_;
  header.type' \
  '  header.watermark = durable_lsn_ / 2 * 2;
  header.type' \
  '//journal:watermark_test'
mutant head-watermark journal/segment_log.cc \
  '    header.watermark = durable_lsn_;
  }' \
  '  }' \
  '//journal:watermark_test'
mutant durable-lsn journal/segment_log.cc \
  '  fsync_issued_ = true;
  unsynced_bytes_ = 0;
  durable_lsn_ = cursor_.last_lsn;' \
  '  fsync_issued_ = true;
  unsynced_bytes_ = 0;' \
  '//journal:watermark_test'
mutant watermark-below-lsn journal/frame.cc \
  ' && header->watermark < header->lsn' \
  '' \
  '//journal:format_test'

# -- The chain check ---------------------------------------------------------

mutant head-chain journal/examiner.cc \
  'header.chain_start == cursor_.chain &&' \
  '' \
  '//journal:recovery_cases_test'
mutant seal-chain journal/examiner_frame.cc \
  'seal.chain == cursor_.chain &&' \
  '' \
  '//journal:recovery_cases_test'
mutant close-chain journal/examiner_frame.cc \
  ' && (!chain_known_ || close.chain == cursor_.chain)' \
  '' \
  '//journal:recovery_cases_test'
mutant unread-chain journal/examiner_start.cc \
  ' &&
         ExtendChain(seal.chain, frame.header) == next.chain_start' \
  '' \
  '//journal:recovery_cases_test'
mutant state-chain journal/examiner_start.cc \
  'prefix.chain != header.chain_start ||' \
  '' \
  '//journal:folder_test'
mutant snapshot-chain journal/examiner_start.cc \
  'header.chain_start == base.chain_end &&' \
  '' \
  '//journal:folder_test'

# -- The header checksums ----------------------------------------------------

mutant frame-header-checksum journal/frame.cc \
  'if (header->header_checksum != HeaderChecksum(from, segment_seed, offset)) {' \
  'if (header->header_checksum + HeaderChecksum(from, segment_seed, offset) == 1) {' \
  '//journal:format_test'
mutant segment-header-checksum journal/segment_header.cc \
  'LoadLittleEndian<uint64_t>(from + kChecksumAt) !=
          XXH3_64bits(from, kChecksumAt)' \
  'false' \
  '//journal:format_test'

# -- The poison flag ---------------------------------------------------------

mutant poison journal/group_commit.cc \
  '  poison_ = failure;' \
  '' \
  '//journal:writer_fault_test'

# -- The length check of a file ----------------------------------------------

mutant file-length journal/examiner_end.cc \
  'return list_.segments[i].file_bytes < list_.segments[i].header.zeroed_bytes;' \
  'return list_.segments.empty() && i > 0;' \
  '//journal:byte_matrix_test'
mutant file-length-for-readers journal/log_reader.cc \
  '                         scanner.file_bytes() < current_.header.zeroed_bytes;' \
  '                         false;' \
  '//journal:reader_damage_test'

# -- Opening -----------------------------------------------------------------

mutant opening-fsync journal/writer_open.cc \
  '    if (absl::Status s = (*file)->Sync(); !s.ok()) return s;
' \
  '' \
  '//journal:exhaustive_test'
mutant opening-uncached journal/writer_open.cc \
  '    if (absl::Status s = (*file)->DropCache(); !s.ok()) return s;
' \
  '' \
  '//journal:writer_fault_test'

# -- Removing the log --------------------------------------------------------

mutant part-read-back journal/snapshot_builder.cc \
  'absl::Status verified = VerifyPart(entry);' \
  'absl::Status verified;' \
  '//journal:snapshot_test'
mutant part-read-back-uncached journal/snapshot_builder.cc \
  '  if (absl::Status s = (*part)->DropCache(); !s.ok()) return s;
  absl::Status first;' \
  '  absl::Status first;' \
  '//journal:snapshot_test'
mutant removal-of-unverified journal/snapshot_keeper.cc \
  'verified.count(part.part_id) == 0' \
  'verified.count(part.part_id) > 1' \
  '//journal:snapshot_test'
mutant removal-below-the-newest journal/snapshot_keeper.cc \
  'manifests->size() < kManifestsAgreeing' \
  'manifests->empty()' \
  '//journal:snapshot_test'

# ----------------------------------------------------------------------------

# All of them first: a build takes longer than this.
for i in "${!names[@]}"; do
  source_text=$(<"${files[i]}")
  without=${source_text//"${texts[i]}"/}
  if [[ $((${#source_text} - ${#without})) -ne ${#texts[i]} ]]; then
    echo "mutate.sh: ${names[i]}: in ${files[i]} this must stand once:" >&2
    echo "${texts[i]}" >&2
    exit 2
  fi
done

options=() wanted=()
for argument in "$@"; do
  case "$argument" in
    --list) printf '%s\n' "${names[@]}"; exit 0 ;;
    --*) options+=("$argument") ;;
    *) wanted+=("$argument") ;;
  esac
done
for name in "${wanted[@]}"; do
  if [[ " ${names[*]} " != *" $name "* ]]; then
    echo "mutate.sh: no mutant is called '$name'; --list names them" >&2
    exit 2
  fi
done

scratch=$(mktemp -d "${TMPDIR:-/tmp}/mutate.XXXXXX")
run_bazel() {
  (cd "$scratch/tree" && bazel --output_base="$scratch/output" "$@")
}
clean_up() {
  run_bazel shutdown >/dev/null 2>&1 || true
  chmod -R u+w "$scratch"
  rm -rf "$scratch"
}
trap clean_up EXIT

mkdir "$scratch/tree"
git ls-files -z --cached --others --exclude-standard |
  tar --null --files-from=- --create --ignore-failed-read |
  tar --extract --directory="$scratch/tree"

# The test that failed, or hung.
noticed_by() {
  local logs log name
  mapfile -t logs < <(find -L "$scratch/links-testlogs" -name test.log)
  name=$(grep -hoE '^\[  FAILED  \] [A-Za-z0-9_./]+' "${logs[@]}" | head -n 1)
  if [[ -n $name ]]; then
    echo "${name#*] }"
    return
  fi
  for log in "${logs[@]}"; do
    if grep -q 'Test timed out' "$log"; then
      name=$(grep -oE '^\[ RUN      \] .*' "$log" | tail -n 1)
      echo "${name#*] } (hung)"
      return
    fi
    # A crash, or an assertion that ended the process.
    if ! grep -qE '^\[  PASSED  \]' "$log"; then
      name=$(grep -oE '^\[ RUN      \] .*' "$log" | tail -n 1)
      echo "${name#*] } (ended)"
      return
    fi
  done
}

# TARGET…: these tests, over the tree as it is now.
test_tree() {
  run_bazel test --symlink_prefix="$scratch/links-" --test_output=summary \
    --notest_keep_going --test_timeout=$test_timeout \
    --test_env=JOURNAL_HISTORY_LENGTH=2 --test_arg=--gtest_fail_fast \
    "${options[@]}" "$@" >"$scratch/log" 2>&1
}
is_wanted() {
  [[ ${#wanted[@]} -eq 0 || " ${wanted[*]} " == *" $1 "* ]]
}

# A test that fails anyhow, or is too slow here, would notice every mutant.
needed=()
for i in "${!names[@]}"; do
  # shellcheck disable=SC2206  # Several targets.
  if is_wanted "${names[i]}"; then needed+=(${targets[i]}); fi
done
mapfile -t needed < <(printf '%s\n' "${needed[@]}" | sort -u)
if ! test_tree "${needed[@]}"; then
  echo "mutate.sh: the tests do not pass without a mutant:" >&2
  tail -n 40 "$scratch/log" >&2
  exit 2
fi

tried=0 survivors=0
for i in "${!names[@]}"; do
  name=${names[i]}
  is_wanted "$name" || continue
  source_text=$(<"${files[i]}")
  mutated=$scratch/tree/${files[i]}
  printf '%s\n' "${source_text/"${texts[i]}"/"${replacements[i]}"}" >"$mutated"
  [[ ! -e $scratch/links-testlogs ]] ||
    find -L "$scratch/links-testlogs" -name test.log -delete
  status=0
  # shellcheck disable=SC2086  # Several targets.
  test_tree ${targets[i]} || status=$?
  tried=$((tried + 1))
  case $status in
    0)
      printf '%-28s SURVIVED %s\n' "$name" "${targets[i]}"
      survivors=$((survivors + 1))
      ;;
    3) printf '%-28s %s\n' "$name" "$(noticed_by)" ;;
    *)
      echo "mutate.sh: $name: cannot be built or run:" >&2
      tail -n 40 "$scratch/log" >&2
      exit 2
      ;;
  esac
  cp "${files[i]}" "$mutated"
done

echo "torture: $tried mutants"
if [[ $survivors -gt 0 ]]; then
  echo "mutate.sh: $survivors survived" >&2
  exit 1
fi
