#include "journal/journal_lock.h"

namespace journal {

absl::StatusOr<std::unique_ptr<FileLock>> LockJournal(
    FileSystem& fs, absl::string_view directory) {
  return fs.Lock(JoinPath(directory, kLockFileName));
}

}  // namespace journal
