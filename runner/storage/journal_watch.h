// How much of a journal is read when it is opened, and what the reading that
// goes on behind finds.
#ifndef RUNNER_STORAGE_JOURNAL_WATCH_H_
#define RUNNER_STORAGE_JOURNAL_WATCH_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "journal/file_system.h"
#include "journal/listener.h"

namespace runner {

// What opening did not read is read in the background, this fast.
inline constexpr uint64_t kScrubBytesPerSecond = 128 << 20;

// Of all files in the directory; those that cannot be asked count nothing.
uint64_t JournalBytes(journal::FileSystem& fs, absl::string_view directory);

// Keeps the first damage that the background meets. Thread-safe.
class JournalWatch final : public journal::WriterListener {
 public:
  void OnBackgroundError(const absl::Status& error) override
      ABSL_LOCKS_EXCLUDED(mutex_);

  // OK while there is none.
  absl::Status damage() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable absl::Mutex mutex_;
  absl::Status damage_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace runner

#endif  // RUNNER_STORAGE_JOURNAL_WATCH_H_
