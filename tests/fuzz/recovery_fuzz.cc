// Salvage, and opening for writing in every mode, over the journals of
// journal_program_fuzz.
//
// Input: u8 what to try (the lowest bits the mode, 0x40 salvage instead of
// opening, 0x80 append after damage); then operations of journal_program.h.

#include "journal/testing/memory_file_system.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/journal_checks.h"
#include "tests/fuzz/journal_program.h"

namespace {

constexpr char kDirectory[] = "/journal";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::FuzzInput input(data, size);
  const uint8_t choice = input.Take<uint8_t>();
  const auto mode =
      static_cast<journal::RecoveryMode>(choice % journal::kRecoveryModeCount);
  const bool append_after_damage = (choice & 0x80) != 0;
  const fuzz::Program program = fuzz::RunProgram(input);
  if (program.files.empty()) return 0;
  journal::MemoryFileSystem disk;
  fuzz::PutFiles(program, kDirectory, disk);
  if ((choice & 0x40) != 0) {
    fuzz::CheckSalvage(disk, kDirectory);
  } else {
    fuzz::CheckOpening(disk, kDirectory, mode, append_after_damage);
  }
  return 0;
}
