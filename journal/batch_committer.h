// The leader's part of the group commit: a batch of requests into the log.
#ifndef JOURNAL_BATCH_COMMITTER_H_
#define JOURNAL_BATCH_COMMITTER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "journal/commit_request.h"
#include "journal/listener_thread.h"
#include "journal/segment_log.h"
#include "journal/snapshotter.h"
#include "journal/types.h"
#include "journal/writer.h"
#include "journal/writer_statistics.h"

namespace journal {

// Not thread-safe, but for seed(): the leader of the moment has it to itself.
// After an error nothing may be called but Release() and the destructor.
class BatchCommitter {
 public:
  // Counts in `statistics`, tells `listener` and `snapshotter` of sealed
  // segments; all outlive this.
  BatchCommitter(const WriterOptions& options, std::unique_ptr<SegmentLog> log,
                 StatisticsCollector& statistics, ListenerThread& listener,
                 Snapshotter& snapshotter);

  // Writes the batch in order, fsyncs if the mode or a request needs it, and
  // sets each append's result. A full disk is the append's own error; any other
  // is everybody's.
  absl::Status Commit(absl::Span<CommitRequest* const> batch);

  // Returns when everything up to `lsn` is confirmed on disk, or when there is
  // no room to say so.
  absl::Status Confirm(Lsn lsn);

  absl::Status Close() { return log_->Close(); }

  // Closes the files, whatever state they are in. Only seed() may follow.
  void Release() { log_.reset(); }

  const SegmentLog& log() const { return *log_; }
  // As SegmentPreparer's.
  void TellFailures(std::function<void(const absl::Status&)> tell) {
    log_->TellFailures(std::move(tell));
  }

  // When the last commit came to its end, by the options' clock.
  absl::Duration now() const { return now_; }

  // Of the newest segment, for callers that compute checksums ahead: a rotation
  // may make it an old one at any time. Thread-safe.
  uint64_t seed() const { return seed_.load(std::memory_order_relaxed); }

 private:
  absl::Status CommitAppend(AppendOp& append);
  absl::Status MakeRoom(uint64_t frame_bytes);
  absl::Status Rotate(uint64_t frame_bytes);
  // Begins the new segment with this state, unless that finds no room.
  absl::Status RotateWith(uint64_t frame_bytes,
                          absl::optional<std::string> state);
  absl::Status Seal(CommitRequest& request);
  void StageRecords(AppendOp& append);
  absl::Status FlushStaged();
  absl::Status MaybeRotateForState();
  absl::optional<std::string> SaveIfDue();
  absl::Status WriteState(std::string state);
  absl::Status SyncLog();
  void Fold(const AppendOp& append);
  void CountStaged(uint64_t log_bytes);
  // Reads the clock; returns the nanoseconds since the last time.
  uint64_t Tick();

  const WriterOptions options_;
  std::unique_ptr<SegmentLog> log_;
  Snapshotter& snapshotter_;
  std::atomic<uint64_t> seed_;
  uint64_t unsynced_weight_ = 0;
  uint64_t state_retry_at_ = 0;    // In bytes since the last state.
  std::vector<AppendOp*> staged_;  // Written with the next WriteStaged.

  StatisticsCollector& statistics_;
  ListenerThread& listener_;
  absl::Duration now_;
  uint64_t batch_records_ = 0;  // Of the commit under way.
};

}  // namespace journal

#endif  // JOURNAL_BATCH_COMMITTER_H_
