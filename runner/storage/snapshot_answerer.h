// Makes the snapshots that other processes ask a journal's writer for.
#ifndef RUNNER_STORAGE_SNAPSHOT_ANSWERER_H_
#define RUNNER_STORAGE_SNAPSHOT_ANSWERER_H_

#include <cstddef>
#include <deque>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "journal/file_system.h"
#include "journal/writer.h"
#include "runner/storage/snapshot_request.h"

namespace runner {

// Looks for requests (snapshot_request.h) every kRequestLookInterval, in a
// thread of its own; what is asked for meanwhile gets one snapshot together.
// What an earlier writer took and did not answer is taken again, and answers
// that nobody fetches within kAnswerKept are removed. Thread-safe.
class SnapshotAnswerer {
 public:
  // Of one look; the rest is for the next.
  static constexpr size_t kRequestsMax = 64;
  static constexpr absl::Duration kAnswerKept = absl::Minutes(2);

  // Both outlive it.
  SnapshotAnswerer(journal::FileSystem& fs, absl::string_view directory,
                   journal::Writer& writer);
  SnapshotAnswerer(const SnapshotAnswerer&) = delete;
  SnapshotAnswerer& operator=(const SnapshotAnswerer&) = delete;
  // Waits for a snapshot that is being made: closing the writer cuts it short.
  ~SnapshotAnswerer();

  // Looks no more; does not wait.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  void Look(bool first);
  void RemoveOldAnswers();
  bool Move(const std::string& token, RequestState from, RequestState to);

  journal::FileSystem& fs_;
  const std::string directory_;
  journal::Writer& writer_;
  struct Answer {
    absl::Time at;
    std::string path;
  };
  std::deque<Answer> answers_;  // Given and perhaps not fetched; the thread's.
  absl::Mutex mutex_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace runner

#endif  // RUNNER_STORAGE_SNAPSHOT_ANSWERER_H_
