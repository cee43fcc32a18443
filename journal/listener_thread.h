// Tells a WriterListener what happens, in a thread of its own.
#ifndef JOURNAL_LISTENER_THREAD_H_
#define JOURNAL_LISTENER_THREAD_H_

#include <cstdint>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "journal/listener.h"
#include "journal/types.h"

namespace journal {

// Thread-safe. Has no thread, and does nothing, without a listener.
class ListenerThread {
 public:
  // `listener` is not owned and outlives this; it may be null.
  explicit ListenerThread(WriterListener* listener);
  ~ListenerThread() { Drain(); }
  ListenerThread(const ListenerThread&) = delete;
  ListenerThread& operator=(const ListenerThread&) = delete;

  // These return at once. One that is `for_good` is never dropped: at most one
  // of them comes.
  void TellError(const absl::Status& error, bool for_good)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void TellSealed(uint64_t segment_id, Lsn last_lsn)
      ABSL_LOCKS_EXCLUDED(mutex_);

  void TellSnapshot(Lsn last_lsn) ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether this is the thread that calls the listener.
  bool OnThread() const;

  // Returns when all is told, and tells nothing more. REQUIRES: not OnThread().
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Events {
    bool empty() const {
      return errors.empty() && segment_id == 0 && snapshot_lsn == 0;
    }
    std::vector<absl::Status> errors;
    uint64_t segment_id = 0;  // The newest sealed; 0: none.
    Lsn last_lsn = 0;
    Lsn snapshot_lsn = 0;  // Of the newest snapshot; 0: none.
  };

  void Run() ABSL_LOCKS_EXCLUDED(mutex_);

  WriterListener* const listener_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  Events events_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace journal

#endif  // JOURNAL_LISTENER_THREAD_H_
