// Makes a snapshot of a journal every so many results, beside the run.
#ifndef RUNNER_STORAGE_SNAPSHOT_PACER_H_
#define RUNNER_STORAGE_SNAPSHOT_PACER_H_

#include <cstdint>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "journal/writer.h"

namespace runner {

// Thread-safe. Results that arrive while a snapshot is being made count for the
// next one. A snapshot that fails costs nothing that is journaled; the next one
// is tried after as many results.
class SnapshotPacer {
 public:
  // `writer` outlives it. `results`: at least 1.
  SnapshotPacer(journal::Writer& writer, uint64_t results);
  ~SnapshotPacer();  // Waits for the one that is being made.

  void NoteResults(uint64_t count);

  // Of the newest snapshot that failed; OK if none did.
  absl::Status error() const;

 private:
  void Run();
  bool IsDue() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stop_ || pending_ >= results_;
  }

  journal::Writer& writer_;
  const uint64_t results_;
  mutable absl::Mutex mutex_;
  uint64_t pending_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace runner

#endif  // RUNNER_STORAGE_SNAPSHOT_PACER_H_
