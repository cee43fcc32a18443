// The same as journal_fuzz, over journals that are written by a program and
// changed with right checksums, so that more than the checksums is tried.
//
// Input: operations of journal_program.h.

#include "journal/testing/memory_file_system.h"
#include "tests/fuzz/allocation_bound.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/journal_checks.h"
#include "tests/fuzz/journal_program.h"

namespace {

constexpr char kDirectory[] = "/journal";

// A program writes 2 MiB at most.
constexpr size_t kBytesMax = 64 << 20;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::AllocationBound bound(kBytesMax);
  fuzz::FuzzInput input(data, size);
  const fuzz::Program program = fuzz::RunProgram(input);
  if (program.files.empty()) return 0;
  journal::MemoryFileSystem disk;
  fuzz::PutFiles(program, kDirectory, disk);
  const fuzz::Examined examined = fuzz::CheckJournal(disk, kDirectory);
  if (!program.intact) return 0;
  FUZZ_CHECK(examined.report.outcome == journal::FindingKind::kCleanEnd);
  FUZZ_CHECK(examined.records.size() == program.records.size());
  for (size_t i = 0; i < program.records.size(); ++i) {
    FUZZ_CHECK(examined.records[i].body == program.records[i]);
  }
  return 0;
}
