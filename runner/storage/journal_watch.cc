#include "runner/storage/journal_watch.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "journal/error.h"

namespace runner {

uint64_t JournalBytes(journal::FileSystem& fs, absl::string_view directory) {
  absl::StatusOr<std::vector<std::string>> names = fs.List(directory);
  if (!names.ok()) return 0;
  uint64_t bytes = 0;
  for (const std::string& name : *names) {
    absl::StatusOr<std::unique_ptr<journal::File>> file =
        fs.Open(journal::JoinPath(directory, name), journal::OpenMode::kRead);
    if (!file.ok()) continue;
    bytes += (*file)->Size().value_or(0);
  }
  return bytes;
}

void JournalWatch::OnBackgroundError(const absl::Status& error) {
  if (journal::KindOf(error) != journal::ErrorKind::kDamage) return;
  absl::MutexLock lock(&mutex_);
  if (damage_.ok()) damage_ = error;
}

void JournalWatch::OnSnapshot(journal::Lsn last_lsn) {
  if (on_snapshot_) on_snapshot_(last_lsn);
}

absl::Status JournalWatch::damage() const {
  absl::MutexLock lock(&mutex_);
  return damage_;
}

}  // namespace runner
