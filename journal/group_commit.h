// The group commit: many callers, one ordered writer at a time.
#ifndef JOURNAL_GROUP_COMMIT_H_
#define JOURNAL_GROUP_COMMIT_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "journal/append_callback.h"
#include "journal/async_appender.h"
#include "journal/batch_committer.h"
#include "journal/clock.h"
#include "journal/commit_request.h"
#include "journal/commit_timer.h"
#include "journal/file_system.h"
#include "journal/listener_thread.h"
#include "journal/recovery_report.h"
#include "journal/scrubber.h"
#include "journal/snapshotter.h"
#include "journal/types.h"
#include "journal/writer.h"
#include "journal/writer_open.h"
#include "journal/writer_statistics.h"

namespace journal {

// How group commit works. Every caller puts a request on its own stack into
// one bounded queue. Whoever finds no commit under way leads: it takes all that
// waits, in order, gives out LSNs, writes everything with one call, fsyncs if
// anybody needs it, and wakes the others. Requests that arrive meanwhile are
// the next batch; the first of them leads it. So batches form while a write or
// an fsync is under way, without a timer.
//
//   leader                         others
//   ──────                         ──────
//   take the queue (under mutex_)  put a request, wait
//   stage, write, fsync (no lock)  put a request, wait       ← the next batch
//   publish results, wake          return
//   hand over to the new front     lead
//
// `committer_` belongs to the leader; `mutex_` guards the rest.
class GroupCommitWriter final : public Writer {
 public:
  // `options` are complete: file system and clock are set.
  GroupCommitWriter(const WriterOptions& options, OpenedLog opened);
  ~GroupCommitWriter() override { Close().IgnoreError(); }

  // Confirms what opening found, and starts the timer.
  absl::Status Start();

  absl::StatusOr<Lsn> Append(const RecordView& record) override;
  absl::StatusOr<Lsn> Append(absl::Span<const RecordView> records) override;
  absl::Status AppendAsync(const RecordView& record,
                           AppendCallback done) override;
  absl::Status TryAppend(const RecordView& record,
                         AppendCallback done) override;
  using Writer::WaitDurable;
  absl::Status WaitDurable(Lsn lsn, absl::Time deadline) override;
  absl::Status Sync() override;
  Lsn durable_lsn() const override { return durable_lsn_.load(); }
  Lsn confirmed_lsn() const override { return confirmed_lsn_.load(); }
  const RecoveryReport& recovery_report() const override { return report_; }
  WriterStatistics statistics() const override {
    return statistics_.Snapshot();
  }
  absl::Status Snapshot() override;
  absl::Status RemoveBefore(Lsn lsn) override;
  absl::Status Close() override;

 private:
  using Batch = std::vector<CommitRequest*>;

  absl::Status Validate(absl::Span<const RecordView> records) const;
  // The expensive part of an append, before any lock.
  AppendOp PrepareAppend(absl::Span<const RecordView> records) const;
  Snapshotter::Options SnapshotterOptions(const OpenedLog& opened);
  void StartScrub();
  void NoteBackgroundError(const absl::Status& error);
  // Seals what was appended so far; returns the last sealed segment.
  absl::StatusOr<uint64_t> SealSegment(bool for_removal)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Queues the request and returns when it is done; leads if need be.
  absl::Status Submit(CommitRequest& request) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status QueueAsync(const RecordView& record, AppendCallback done,
                          bool may_wait);
  // How many bytes may wait in queue_.
  uint64_t QueueBytesMax() const;
  // An error in a callback, which must not wait for itself.
  absl::Status MayWait() const;
  absl::Status Unusable() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  void Lead() ABSL_LOCKS_EXCLUDED(mutex_);
  Batch TakeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishBatch(const Batch& batch, const absl::Status& failure)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountWaits(const Batch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteCommitted(const Batch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PublishLsns();
  void Poison(const absl::Status& failure)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void RunTimer() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits until something is due; false when the timer has to end.
  bool AwaitTimer(CommitRequest* request) ABSL_LOCKS_EXCLUDED(mutex_);

  const WriterOptions options_;
  Clock& clock_;
  const RecoveryReport report_;
  const std::string directory_;

  StatisticsCollector statistics_;
  ListenerThread listener_;
  Snapshotter snapshotter_;
  std::unique_ptr<Scrubber> scrubber_;

  // The leader's.
  BatchCommitter committer_;
  std::unique_ptr<FileLock> lock_;

  std::atomic<Lsn> durable_lsn_;
  std::atomic<Lsn> confirmed_lsn_;

  absl::Mutex mutex_;
  std::deque<CommitRequest*> queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t queue_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::CondVar queue_shrank_;
  bool leading_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration last_commit_end_ ABSL_GUARDED_BY(mutex_);
  absl::CondVar idle_;     // Nobody leads.
  absl::CondVar durable_;  // durable_lsn_ rose, or the writer is unusable.
  absl::Status poison_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> poisoned_ = false;  // poison_ is set.
  bool close_begun_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status close_status_ ABSL_GUARDED_BY(mutex_);

  CommitTimer timer_ ABSL_GUARDED_BY(mutex_);
  absl::CondVar timer_wake_;
  bool timer_stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool timer_asleep_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread timer_thread_;

  // Half of what appends that nobody waits for may occupy.
  const uint64_t async_half_bytes_;
  std::atomic<bool> async_used_ = false;
  AsyncAppender async_;
};

}  // namespace journal

#endif  // JOURNAL_GROUP_COMMIT_H_
