// How much of a journal is read when it is opened, and what the reading that
// goes on behind finds.
#ifndef RUNNER_STORAGE_JOURNAL_WATCH_H_
#define RUNNER_STORAGE_JOURNAL_WATCH_H_

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "journal/file_system.h"
#include "journal/listener.h"
#include "journal/types.h"

namespace runner {

// What opening did not read is read in the background, this fast.
inline constexpr uint64_t kScrubBytesPerSecond = 128 << 20;

// Of all files in the directory; those that cannot be asked count nothing.
uint64_t JournalBytes(journal::FileSystem& fs, absl::string_view directory);

// Keeps the first damage that the background meets, and passes on which
// snapshots are made. Thread-safe.
class JournalWatch final : public journal::WriterListener {
 public:
  // Before the journal is opened. Empty: nobody wants to know.
  void set_on_snapshot(std::function<void(journal::Lsn)> on_snapshot) {
    on_snapshot_ = std::move(on_snapshot);
  }

  void OnBackgroundError(const absl::Status& error) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  void OnSnapshot(journal::Lsn last_lsn) override;

  // OK while there is none.
  absl::Status damage() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  std::function<void(journal::Lsn)> on_snapshot_;
  mutable absl::Mutex mutex_;
  absl::Status damage_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace runner

#endif  // RUNNER_STORAGE_JOURNAL_WATCH_H_
