// Examines a journal without changing it.
#ifndef JOURNAL_RECOVERY_H_
#define JOURNAL_RECOVERY_H_

#include <functional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/cipher.h"
#include "journal/file_system.h"
#include "journal/folder.h"
#include "journal/recovery_report.h"
#include "journal/types.h"

namespace journal {

struct ExamineOptions {
  RecoveryMode mode = RecoveryMode::kStrict;
  // Read every byte. Else only the heads, the chain, the newest state, and
  // every byte after it.
  bool full = true;
  // Not owned; may be null. Restored from the newest state, or folded from the
  // first record when there is none or `full` is set.
  Folder* folder = nullptr;
  // The key of an encrypted journal; bodies are then authenticated, too. Not
  // owned. Null: of an encrypted journal everything can be verified but what
  // the bodies say, and none be read.
  const Cipher* cipher = nullptr;
  // Not owned; null means FileSystem::Posix().
  FileSystem* file_system = nullptr;
  // Asked again and again, with the bytes read since: false ends the
  // examination with CancelledError. May be empty; may wait, to read slowly.
  std::function<bool(uint64_t bytes)> keep_going;
};

// Reads the journal in `directory` and reports what is there. Takes no lock,
// writes nothing, may run beside a living writer (what the writer is just
// writing then looks like a torn tail). Memory is bounded by the largest
// record. Calls `on_record`, if given, for every whole record that the mode
// lets through, in LSN order; a span whose end is missing is left out.
//
// Errors: kNotFound when there is no journal; kIo when the directory itself
// cannot be read; kBusy when a living writer makes snapshots faster than their
// files can be looked at; kKey when the journal is encrypted and the key is
// another one, or is not there although bodies are asked for (a folder,
// `on_record`). A key that a plain journal does not need is not used. Damage is
// not an error but a finding: see StatusOf().
absl::StatusOr<RecoveryReport> Examine(absl::string_view directory,
                                       const ExamineOptions& options);
absl::StatusOr<RecoveryReport> Examine(
    absl::string_view directory, const ExamineOptions& options,
    absl::FunctionRef<void(const Record&)> on_record);

}  // namespace journal

#endif  // JOURNAL_RECOVERY_H_
