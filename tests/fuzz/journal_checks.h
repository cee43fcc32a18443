// What must hold of any journal, whatever its bytes.
#ifndef TESTS_FUZZ_JOURNAL_CHECKS_H_
#define TESTS_FUZZ_JOURNAL_CHECKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "journal/cipher.h"
#include "journal/file_system.h"
#include "journal/recovery_report.h"
#include "journal/types.h"

namespace fuzz {

// A record that owns its bytes.
struct OwnedRecord {
  journal::Lsn lsn = 0;
  journal::Position position = 0;
  uint16_t type = 0;
  bool ignorable = false;
  std::string body;

  friend bool operator==(const OwnedRecord&, const OwnedRecord&) = default;
};
using OwnedRecords = std::vector<OwnedRecord>;

OwnedRecord Own(const journal::Record& record);

struct Examined {
  journal::RecoveryReport report;
  OwnedRecords records;  // What the mode let through.
};

// Fails unless the examination itself succeeds.
// `cipher` is not owned and may be null.
Examined ExamineAll(journal::FileSystem& fs, absl::string_view directory,
                    journal::RecoveryMode mode,
                    const journal::Cipher* cipher = nullptr);

// What Reader delivers from the start, until it stands still.
OwnedRecords ReadThrough(journal::FileSystem& fs, absl::string_view directory,
                         const journal::Cipher* cipher);

// Examines the journal in all modes, whole and from its newest state, reads it
// by Reader from the start, from the middle and by position, and fails unless
// all of them agree as far as they promise to:
//
//   - LSNs and positions increase
//   - point-in-time lets through the beginning of what salvage does, and what
//     strict and absolute do
//   - without damage all modes and the reader deliver the same
//   - a quick look finds nothing that a full one does not, and at an undamaged
//     journal sees the same end
//
// There must be at least one segment. Returns the view in mode salvage.
Examined CheckJournal(journal::FileSystem& fs, absl::string_view directory);

// Salvages `directory` into "<directory>.salvaged", and fails unless that is a
// clean journal with just the records that could be read.
void CheckSalvage(journal::FileSystem& fs, absl::string_view directory);

// Opens `directory` for writing in `mode`, appends a record, closes it, and
// fails unless it opens just when it should, and is clean then, with just the
// records that it should have. `append_after_damage` as in
// journal::WriterOptions.
void CheckOpening(journal::FileSystem& fs, absl::string_view directory,
                  journal::RecoveryMode mode, bool append_after_damage);

}  // namespace fuzz

#endif  // TESTS_FUZZ_JOURNAL_CHECKS_H_
