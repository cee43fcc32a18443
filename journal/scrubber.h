// Reads, in the background, what opening did not.
#ifndef JOURNAL_SCRUBBER_H_
#define JOURNAL_SCRUBBER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "journal/clock.h"
#include "journal/file_system.h"

namespace journal {

// Owns one thread, which examines the whole journal once, beside its writer.
class Scrubber {
 public:
  struct Options {
    FileSystem* fs = nullptr;  // Not owned, like the clock.
    Clock* clock = nullptr;
    std::string directory;
    // How fast it may read, so that appends do not wait for it.
    uint64_t bytes_per_second = 0;
    // Called from the thread, at most once, with what is damaged (kDamage,
    // kIo, kNewerVersion).
    std::function<void(const absl::Status&)> on_damage;
  };

  explicit Scrubber(const Options& options);
  ~Scrubber() { Stop(); }

  // Ends the thread; what was not read yet stays unread.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run();
  absl::Status ExamineOnce();
  bool KeepGoing(uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  absl::Mutex mutex_;
  absl::CondVar wake_;
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t bytes_ = 0;
  const absl::Duration start_;
  std::thread thread_;
};

}  // namespace journal

#endif  // JOURNAL_SCRUBBER_H_
