// The lock of a journal's one writer.
#ifndef JOURNAL_JOURNAL_LOCK_H_
#define JOURNAL_JOURNAL_LOCK_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/file_system.h"

namespace journal {

// Lies in the journal's directory, also while nobody holds it.
inline constexpr absl::string_view kLockFileName = "LOCK";

// Takes it without waiting; for who writes to a journal, or moves it. Errors:
// kLocked, naming the holder; kIo.
absl::StatusOr<std::unique_ptr<FileLock>> LockJournal(
    FileSystem& fs, absl::string_view directory);

}  // namespace journal

#endif  // JOURNAL_JOURNAL_LOCK_H_
