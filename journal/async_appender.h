// Appends that nobody waits for: a bounded buffer, and the thread that takes
// what is in it to the group commit and calls back.
#ifndef JOURNAL_ASYNC_APPENDER_H_
#define JOURNAL_ASYNC_APPENDER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "journal/append_callback.h"
#include "journal/commit_request.h"
#include "journal/types.h"

namespace journal {

// Two halves: callers copy records into one while the thread has the other
// committed, as one request with an append for each record. So the appenders
// and the disk work side by side, a record costs one short critical section,
// and nobody is woken but once for each batch.
//
//   callers                      the thread
//   ───────                      ──────────
//   copy into the filling half   commit the flying half, call back
//   wait when it is full         exchange the halves, wake who waits
//
// Thread-safe.
class AsyncAppender {
 public:
  // Commits the request and returns when it is done, like a caller's own
  // append. Called from the thread only.
  using Committer = std::function<absl::Status(CommitRequest&)>;

  // At most `half_bytes_max` in each half, or one record that is larger.
  AsyncAppender(uint64_t half_bytes_max, Committer committer);
  ~AsyncAppender() { Drain(); }
  AsyncAppender(const AsyncAppender&) = delete;
  AsyncAppender& operator=(const AsyncAppender&) = delete;

  // Copies the record, whose append is prepared but for its `records`, and
  // returns. `done` will be called, once, unless this fails. When there is no
  // room it waits if it may, else it fails with kBusy. kClosed after Drain().
  // REQUIRES: not OnThread(), to wait.
  absl::Status Add(const RecordView& record, AppendOp append,
                   AppendCallback done, bool may_wait)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether this is the thread that calls back.
  bool OnThread() const;

  // Completes all that was added and ends the thread. REQUIRES: not OnThread().
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Half {
    bool empty() const { return records.empty(); }
    void Clear();

    // Bodies lie in the arena, whose capacity is fixed, so that they stay where
    // they are; or, if they are long, in memory of their own.
    std::vector<char> arena;
    std::deque<std::string> long_bodies;
    // One each for each record.
    std::vector<RecordView> records;
    std::vector<AppendOp> appends;
    std::vector<AppendCallback> callbacks;
    uint64_t bytes = 0;
  };

  bool HasRoom(uint64_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StartThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Put(RecordView record, std::string long_body, AppendOp append,
           AppendCallback done) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits for records and takes them; null at the end.
  Half* TakeHalf() ABSL_LOCKS_EXCLUDED(mutex_);
  void Complete(Half& half);

  const uint64_t half_bytes_max_;
  const Committer committer_;

  absl::Mutex mutex_;
  Half halves_[2];
  Half* filling_ ABSL_GUARDED_BY(mutex_) = &halves_[0];
  Half* flying_ = &halves_[1];  // The thread's.
  absl::CondVar room_;          // The filling half was taken.
  absl::CondVar filled_;        // It is not empty any more, or draining_.
  bool thread_waits_ ABSL_GUARDED_BY(mutex_) = false;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  // Started by the first record: a writer without them has no such thread.
  std::thread thread_;
};

}  // namespace journal

#endif  // JOURNAL_ASYNC_APPENDER_H_
