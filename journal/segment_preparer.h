// Makes space ahead of the log: zero-written segment files, in the background.
#ifndef JOURNAL_SEGMENT_PREPARER_H_
#define JOURNAL_SEGMENT_PREPARER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "journal/file_system.h"

namespace journal {

// The smallest segment that is worth having when the disk is nearly full.
inline constexpr uint64_t kSegmentBytesSmallest = 64 << 10;

struct PreparedSegment {
  std::unique_ptr<File> file;
  std::string path;           // "<segment>.new"
  uint64_t bytes = 0;         // How far it may be written.
  uint64_t zeroed_bytes = 0;  // How far it was zero-written and fsynced.
};

// Thread-safe; owns one thread.
class SegmentPreparer {
 public:
  // `fs` is not owned and must outlive this.
  SegmentPreparer(FileSystem& fs, absl::string_view directory, bool zero_ahead);
  ~SegmentPreparer();  // Removes what was prepared and not taken.

  // Begins to prepare segment `id` of `bytes` in the background. A second call
  // for the same segment does nothing.
  void Request(uint64_t id, uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  // From now on `tell` is called, in the preparer's thread, with each error of
  // preparing in the background; with one that has come before, at once.
  void TellFailures(std::function<void(const absl::Status&)> tell)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Segment `id`, at least `bytes_min` long and `bytes` if there is space:
  // waits for what was requested, or prepares it here. kNoSpace when the disk
  // has no room for `bytes_min`; a later call tries again.
  absl::StatusOr<PreparedSegment> Take(uint64_t id, uint64_t bytes_min,
                                       uint64_t bytes)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<PreparedSegment> Prepare(uint64_t id, uint64_t bytes_min,
                                          uint64_t bytes);
  // Returns how far it got: less than `bytes` only when the disk is full.
  absl::StatusOr<uint64_t> WriteZeros(File& file, uint64_t bytes);
  bool StopRequested() ABSL_LOCKS_EXCLUDED(mutex_);

  FileSystem& fs_;
  const std::string directory_;
  const bool zero_ahead_;

  enum class State { kIdle, kWanted, kWorking, kReady };
  absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kIdle;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t id_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::StatusOr<PreparedSegment> ready_ ABSL_GUARDED_BY(mutex_);
  std::function<void(const absl::Status&)> tell_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace journal

#endif  // JOURNAL_SEGMENT_PREPARER_H_
