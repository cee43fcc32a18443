#include "journal/writer.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <deque>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "journal/error.h"
#include "journal/frame.h"
#include "journal/segment_log.h"
#include "journal/span_collector.h"
#include "journal/writer_open.h"

namespace journal {
namespace {

// A state frame is written when the log behind the last one has grown by this
// much, and by this many times the state's own size: opening reads a bounded
// tail, and states cost a bounded share of what is written.
constexpr uint64_t kStateLogBytesMin = 16 << 20;
constexpr uint64_t kStateLogFactor = 16;

// A state larger than this is not written: opening then reads more.
constexpr uint64_t kStateBytesMax = 512 << 20;

constexpr uint64_t kSegmentBytesLargest = 4ull << 30;

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
// `log_` and `folder_` belong to the leader; `mutex_` guards the rest.
class GroupCommitWriter final : public Writer {
 public:
  GroupCommitWriter(const WriterOptions& options, OpenedLog opened);
  ~GroupCommitWriter() override { Close().IgnoreError(); }

  // Confirms what opening found, and starts the timer.
  absl::Status Start();

  absl::StatusOr<Lsn> Append(const RecordView& record) override;
  absl::StatusOr<Lsn> Append(absl::Span<const RecordView> records) override;
  using Writer::WaitDurable;
  absl::Status WaitDurable(Lsn lsn, absl::Time deadline) override;
  absl::Status Sync() override;
  Lsn durable_lsn() const override { return durable_lsn_.load(); }
  Lsn confirmed_lsn() const override { return confirmed_lsn_.load(); }
  const RecoveryReport& recovery_report() const override { return report_; }
  absl::Status Close() override;

 private:
  // One caller's wish, on its stack until it is done.
  struct Request {
    enum class Kind { kAppend, kSync, kConfirm };
    Kind kind = Kind::kAppend;
    absl::Span<const RecordView> records;
    // Body checksums, computed before queueing under `seed`.
    absl::InlinedVector<uint64_t, 1> checksums;
    uint64_t seed = 0;
    uint64_t frame_bytes = 0;
    uint64_t weight = 0;

    absl::Status status;
    Lsn lsn = 0;
    uint64_t first_offset = 0;
    uint64_t segment_id = 0;
    bool done = false;
    bool lead = false;
    absl::CondVar wake;
  };
  using Batch = std::vector<Request*>;

  absl::Status Validate(absl::Span<const RecordView> records) const;
  // Queues the request and returns when it is done; leads if need be.
  absl::Status Submit(Request& request) ABSL_LOCKS_EXCLUDED(mutex_);
  void Lead() ABSL_LOCKS_EXCLUDED(mutex_);
  Batch TakeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishBatch(const Batch& batch, const absl::Status& failure)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // The leader's part, without the mutex. An error poisons the writer.
  absl::Status Commit(const Batch& batch);
  absl::Status CommitAppend(Request& request);
  absl::Status MakeRoom(uint64_t frame_bytes);
  void StageRecords(Request& request);
  absl::Status FlushStaged();
  absl::Status MaybeWriteState();
  absl::Status SyncLog();
  // Returns when everything up to `lsn` is confirmed on disk.
  absl::Status Confirm(Lsn lsn);
  void Fold(const Request& request);

  void RunTimer() ABSL_LOCKS_EXCLUDED(mutex_);
  // How long the timer may sleep, and what it does then.
  absl::Duration TimerDue(Request* request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteUnconfirmed(absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Unusable() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const WriterOptions options_;
  Clock& clock_;
  const RecoveryReport report_;

  // The leader's.
  std::unique_ptr<SegmentLog> log_;
  std::unique_ptr<FileLock> lock_;
  uint64_t unsynced_weight_ = 0;
  uint64_t state_retry_at_ = 0;   // In bytes since the last state.
  std::vector<Request*> staged_;  // Written with the next WriteStaged.

  std::atomic<uint64_t> seed_;
  std::atomic<Lsn> durable_lsn_;
  std::atomic<Lsn> confirmed_lsn_;

  absl::Mutex mutex_;
  std::deque<Request*> queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t queue_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::CondVar queue_shrank_;
  bool leading_ ABSL_GUARDED_BY(mutex_) = false;
  absl::CondVar idle_;     // Nobody leads.
  absl::CondVar durable_;  // durable_lsn_ rose, or the writer is unusable.
  absl::Status poison_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status close_status_ ABSL_GUARDED_BY(mutex_);

  // What the timer looks at.
  absl::CondVar timer_wake_;
  bool timer_stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool timer_asleep_ ABSL_GUARDED_BY(mutex_) = false;
  bool unsynced_ ABSL_GUARDED_BY(mutex_) = false;
  bool sync_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration first_unsynced_ ABSL_GUARDED_BY(mutex_);
  absl::Duration last_append_ ABSL_GUARDED_BY(mutex_);
  Lsn last_record_lsn_ ABSL_GUARDED_BY(mutex_) = 0;
  // Durable since unconfirmed_since_, and not confirmed yet; 0: nothing.
  Lsn unconfirmed_lsn_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration unconfirmed_since_ ABSL_GUARDED_BY(mutex_);
  std::thread timer_;
};

GroupCommitWriter::GroupCommitWriter(const WriterOptions& options,
                                     OpenedLog opened)
    : options_(options),
      clock_(*options.clock),
      report_(std::move(opened.report)),
      log_(std::move(opened.log)),
      lock_(std::move(opened.lock)),
      seed_(log_->seed()),
      durable_lsn_(log_->durable_lsn()),
      confirmed_lsn_(log_->confirmed_lsn()) {}

absl::Status GroupCommitWriter::Start() {
  // Opening verified from the disk all that it found; now say so in the log.
  if (log_->last_lsn() > 0) {
    if (absl::Status s = Confirm(log_->last_lsn()); !s.ok()) {
      absl::MutexLock lock(&mutex_);
      poison_ = s;
      return s;
    }
    durable_lsn_ = log_->durable_lsn();
    confirmed_lsn_ = log_->confirmed_lsn();
  }
  timer_ = std::thread([this] { RunTimer(); });
  return absl::OkStatus();
}

// ---------------------------------------------------------------------------
// Callers

absl::Status GroupCommitWriter::Validate(
    absl::Span<const RecordView> records) const {
  if (records.empty()) {
    return MakeError(ErrorKind::kInvalidArgument, "no record to append");
  }
  uint64_t bytes = 0;
  for (const RecordView& record : records) {
    // A span pays for its frames' headers, so that many empty records are
    // bounded, too; a single record has all of the bound for its body.
    bytes += records.size() == 1 ? record.body.size()
                                 : FrameBytes(record.body.size());
  }
  const uint64_t bytes_max =
      records.size() == 1
          ? options_.max_record_bytes
          : std::min<uint64_t>(options_.max_record_bytes, kSpanBytesMax);
  if (bytes > bytes_max) {
    return MakeError(ErrorKind::kInvalidArgument,
                     absl::StrCat("an append of ", bytes,
                                  " bytes; the most is ", bytes_max));
  }
  return absl::OkStatus();
}

absl::StatusOr<Lsn> GroupCommitWriter::Append(const RecordView& record) {
  return Append(absl::MakeConstSpan(&record, 1));
}

absl::StatusOr<Lsn> GroupCommitWriter::Append(
    absl::Span<const RecordView> records) {
  if (absl::Status s = Validate(records); !s.ok()) return s;
  Request request;
  request.records = records;
  // The expensive part of a frame, before any lock.
  request.seed = seed_.load(std::memory_order_relaxed);
  request.checksums.reserve(records.size());
  for (const RecordView& record : records) {
    request.checksums.push_back(BodyChecksum(request.seed, record.body));
    request.frame_bytes += FrameBytes(record.body.size());
    request.weight += record.sync_weight;
  }
  if (absl::Status s = Submit(request); !s.ok()) return s;
  return request.lsn;
}

absl::Status GroupCommitWriter::Sync() {
  Request request;
  request.kind = Request::Kind::kSync;
  return Submit(request);
}

absl::Status GroupCommitWriter::WaitDurable(Lsn lsn, absl::Time deadline) {
  if (durable_lsn() >= lsn) return absl::OkStatus();
  if (deadline == absl::InfiniteFuture()) {
    if (absl::Status s = Sync(); !s.ok()) return s;
    if (durable_lsn() >= lsn) return absl::OkStatus();
    return MakeError(ErrorKind::kInvalidArgument,
                     absl::StrCat("LSN ", lsn, " was never appended"));
  }
  absl::MutexLock lock(&mutex_);
  sync_wanted_ = true;
  timer_wake_.Signal();
  while (durable_lsn() < lsn) {
    if (absl::Status s = Unusable(); !s.ok()) return s;
    if (durable_.WaitWithDeadline(&mutex_, deadline) && durable_lsn() < lsn) {
      return absl::DeadlineExceededError(
          absl::StrCat("LSN ", lsn, " is not durable yet"));
    }
  }
  return absl::OkStatus();
}

absl::Status GroupCommitWriter::Unusable() const {
  if (!poison_.ok()) {
    return MakeError(ErrorKind::kPoisoned,
                     absl::StrCat("the journal stopped writing after an "
                                  "earlier error; open it again: ",
                                  poison_.message()));
  }
  if (closing_) return MakeError(ErrorKind::kClosed, "the journal is closed");
  return absl::OkStatus();
}

absl::Status GroupCommitWriter::Submit(Request& request) {
  {
    absl::MutexLock lock(&mutex_);
    while (Unusable().ok() && queue_bytes_ > 0 &&
           queue_bytes_ + request.frame_bytes > options_.queue_bytes_max) {
      queue_shrank_.Wait(&mutex_);
    }
    if (absl::Status s = Unusable(); !s.ok()) return s;
    queue_.push_back(&request);
    queue_bytes_ += request.frame_bytes;
    if (leading_) {
      while (!request.done && !request.lead) request.wake.Wait(&mutex_);
      if (request.done) return request.status;
    }
    leading_ = true;
  }
  Lead();
  return request.status;
}

// ---------------------------------------------------------------------------
// The leader

void GroupCommitWriter::Lead() {
  Batch batch;
  absl::Status failure;
  {
    absl::MutexLock lock(&mutex_);
    batch = TakeBatch();
    failure = poison_;
  }
  if (failure.ok()) failure = Commit(batch);
  absl::MutexLock lock(&mutex_);
  FinishBatch(batch, failure);
}

GroupCommitWriter::Batch GroupCommitWriter::TakeBatch() {
  Batch batch(queue_.begin(), queue_.end());
  queue_.clear();
  queue_bytes_ = 0;
  queue_shrank_.SignalAll();
  return batch;
}

void GroupCommitWriter::FinishBatch(const Batch& batch,
                                    const absl::Status& failure) {
  const absl::Duration now = clock_.Monotonic();
  if (!failure.ok() && poison_.ok()) {
    poison_ = failure;
    queue_shrank_.SignalAll();
  }
  for (Request* request : batch) {
    if (!failure.ok()) {
      request->status = failure;
    } else if (request->kind == Request::Kind::kAppend &&
               request->status.ok()) {
      last_append_ = now;
      last_record_lsn_ = std::max(last_record_lsn_, request->lsn);
    }
    request->done = true;
    request->wake.Signal();
  }
  if (failure.ok()) {
    durable_lsn_ = log_->durable_lsn();
    confirmed_lsn_ = log_->confirmed_lsn();
    const bool was_unsynced = unsynced_;
    unsynced_ = !log_->all_synced();
    if (unsynced_ && !was_unsynced) first_unsynced_ = now;
    NoteUnconfirmed(now);
    // A watermark that found no room is tried again later, not at once.
    if (batch.front()->kind == Request::Kind::kConfirm) {
      last_append_ = now;
      unconfirmed_since_ = now;
    }
  }
  durable_.SignalAll();
  if (timer_asleep_) timer_wake_.Signal();
  if (queue_.empty()) {
    leading_ = false;
    idle_.SignalAll();
  } else {
    queue_.front()->lead = true;
    queue_.front()->wake.Signal();
  }
}

absl::Status GroupCommitWriter::Commit(const Batch& batch) {
  bool sync = false;
  Lsn confirm = 0;
  for (Request* request : batch) {
    switch (request->kind) {
      case Request::Kind::kAppend:
        if (absl::Status s = CommitAppend(*request); !s.ok()) return s;
        sync |= options_.sync_mode == SyncMode::kEach && request->status.ok();
        break;
      case Request::Kind::kConfirm:
        confirm = request->lsn;
        break;
      case Request::Kind::kSync:
        sync = true;
        break;
    }
  }
  if (absl::Status s = FlushStaged(); !s.ok()) return s;
  if (absl::Status s = MaybeWriteState(); !s.ok()) return s;
  sync |= options_.sync_mode == SyncMode::kBatch &&
          unsynced_weight_ >= options_.sync_records;
  if (sync) {
    if (absl::Status s = SyncLog(); !s.ok()) return s;
  }
  return confirm == 0 ? absl::OkStatus() : Confirm(confirm);
}

// A full disk is the request's own error; any other is everybody's.
absl::Status GroupCommitWriter::CommitAppend(Request& request) {
  absl::Status room = MakeRoom(request.frame_bytes);
  if (KindOf(room) == ErrorKind::kNoSpace) {
    request.status = std::move(room);
    return absl::OkStatus();
  }
  if (!room.ok()) return room;
  StageRecords(request);
  return absl::OkStatus();
}

absl::Status GroupCommitWriter::MakeRoom(uint64_t frame_bytes) {
  if (!log_->Fits(frame_bytes)) {
    if (absl::Status s = FlushStaged(); !s.ok()) return s;
    absl::Status rotated = log_->Rotate(frame_bytes);
    if (!rotated.ok()) return rotated;
    unsynced_weight_ = 0;
    seed_.store(log_->seed(), std::memory_order_relaxed);
  }
  if (!log_->WithinUnsyncedBound(frame_bytes)) {
    if (absl::Status s = FlushStaged(); !s.ok()) return s;
    return SyncLog();
  }
  return absl::OkStatus();
}

void GroupCommitWriter::StageRecords(Request& request) {
  for (size_t i = 0; i < request.records.size(); ++i) {
    const RecordView& record = request.records[i];
    SegmentLog::FrameInput frame;
    frame.type = record.type;
    frame.flags = (record.ignorable ? kIgnorable : 0) |
                  (i + 1 < request.records.size() ? kSpanContinues : 0) |
                  (i > 0 ? kSpanFollows : 0);
    frame.body = record.body;
    frame.body_checksum = request.seed == log_->seed()
                              ? request.checksums[i]
                              : BodyChecksum(log_->seed(), record.body);
    const SegmentLog::Placed placed = log_->Stage(frame);
    request.lsn = placed.lsn;
    if (i == 0) request.first_offset = placed.offset;
  }
  request.segment_id = log_->segment_id();
  unsynced_weight_ += request.weight;
  staged_.push_back(&request);
}

absl::Status GroupCommitWriter::FlushStaged() {
  if (absl::Status s = log_->WriteStaged(); !s.ok()) return s;
  if (options_.folder != nullptr) {
    for (const Request* request : staged_) Fold(*request);
  }
  staged_.clear();
  return absl::OkStatus();
}

void GroupCommitWriter::Fold(const Request& request) {
  uint64_t offset = request.first_offset;
  Lsn lsn = request.lsn - (request.records.size() - 1);
  for (const RecordView& view : request.records) {
    Record record;
    record.lsn = lsn++;
    record.position = MakePosition(request.segment_id, offset);
    record.type = view.type;
    record.ignorable = view.ignorable;
    record.body = view.body;
    options_.folder->Fold(record);
    offset += FrameBytes(view.body.size());
  }
}

absl::Status GroupCommitWriter::MaybeWriteState() {
  const StatePlace& last = log_->state();
  if (options_.folder == nullptr || last.bytes_since < state_retry_at_ ||
      last.bytes_since <
          std::max(kStateLogBytesMin, kStateLogFactor * last.state_bytes)) {
    return absl::OkStatus();
  }
  const std::string state = options_.folder->Save();
  // Not now: the state has grown, or is too large, or the disk is full. Not
  // again with the next commit either.
  state_retry_at_ = std::max(last.bytes_since + kStateLogBytesMin,
                             kStateLogFactor * uint64_t{state.size()});
  if (state.size() > kStateBytesMax ||
      last.bytes_since < kStateLogFactor * state.size()) {
    return absl::OkStatus();
  }
  const uint64_t body_bytes = kStateBodyPrefixBytes + state.size();
  absl::Status room = MakeRoom(FrameBytes(body_bytes));
  // A state is a convenience: on a full disk there is none for now.
  if (KindOf(room) == ErrorKind::kNoSpace) return absl::OkStatus();
  if (!room.ok()) return room;
  state_retry_at_ = 0;
  StatePrefix prefix;
  prefix.as_of_lsn = log_->last_lsn();
  prefix.chain = log_->chain();
  prefix.records = log_->records();
  prefix.folder_version = options_.folder->version();
  std::string body(body_bytes, '\0');
  EncodeStatePrefix(prefix, state, body.data());
  std::copy(state.begin(), state.end(), body.begin() + kStateBodyPrefixBytes);
  SegmentLog::FrameInput frame;
  frame.kind = FrameKind::kState;
  frame.body = body;
  frame.body_checksum = BodyChecksum(log_->seed(), body);
  log_->NoteState(log_->Stage(frame), state.size());
  return log_->WriteStaged();
}

absl::Status GroupCommitWriter::SyncLog() {
  if (absl::Status s = log_->Sync(); !s.ok()) return s;
  unsynced_weight_ = 0;
  return absl::OkStatus();
}

// One small frame, fsynced, whose watermark covers everything before it; none
// when a frame that came meanwhile does.
absl::Status GroupCommitWriter::Confirm(Lsn lsn) {
  if (absl::Status s = SyncLog(); !s.ok()) return s;
  if (log_->confirmed_lsn() >= lsn || !log_->FitsWatermark()) {
    return absl::OkStatus();
  }
  SegmentLog::FrameInput frame;
  frame.kind = FrameKind::kWatermark;
  frame.body_checksum = BodyChecksum(log_->seed(), "");
  log_->Stage(frame);
  if (absl::Status s = log_->WriteStaged(); !s.ok()) return s;
  return SyncLog();
}

// ---------------------------------------------------------------------------
// The timer

// Confirmed trails durable by the sync interval at most, also while appends go
// on and on.
void GroupCommitWriter::NoteUnconfirmed(absl::Duration now) {
  if (confirmed_lsn() >= unconfirmed_lsn_) unconfirmed_lsn_ = 0;
  const Lsn durable = std::min(durable_lsn(), last_record_lsn_);
  if (unconfirmed_lsn_ == 0 && durable > confirmed_lsn()) {
    unconfirmed_lsn_ = durable;
    unconfirmed_since_ = now;
  }
}

absl::Duration GroupCommitWriter::TimerDue(Request* request) {
  const absl::Duration now = clock_.Monotonic();
  const auto left = [&](absl::Duration since) {
    return std::max(since + options_.sync_interval - now, absl::ZeroDuration());
  };
  if (!poison_.ok() || closing_) return absl::InfiniteDuration();
  request->kind = Request::Kind::kSync;
  if (sync_wanted_) return absl::ZeroDuration();
  if (options_.sync_mode == SyncMode::kNone) return absl::InfiniteDuration();
  absl::Duration due = absl::InfiniteDuration();
  if (unsynced_) due = left(first_unsynced_);
  // The end of a burst: everything is durable, and soon confirmed.
  if (!unsynced_ && confirmed_lsn() < last_record_lsn_ &&
      left(last_append_) < due) {
    due = left(last_append_);
    request->kind = Request::Kind::kConfirm;
    request->lsn = last_record_lsn_;
  }
  if (unconfirmed_lsn_ != 0 && left(unconfirmed_since_) < due) {
    due = left(unconfirmed_since_);
    request->kind = Request::Kind::kConfirm;
    request->lsn = unconfirmed_lsn_;
  }
  return due;
}

void GroupCommitWriter::RunTimer() {
  for (;;) {
    Request request;
    {
      absl::MutexLock lock(&mutex_);
      for (;;) {
        if (timer_stop_) return;
        const absl::Duration due = TimerDue(&request);
        if (due == absl::ZeroDuration()) break;
        if (due == absl::InfiniteDuration()) {
          timer_asleep_ = true;
          timer_wake_.Wait(&mutex_);
          timer_asleep_ = false;
        } else {
          clock_.WaitWithTimeout(&timer_wake_, &mutex_, due);
        }
      }
      sync_wanted_ = false;
    }
    // Its error reaches every caller through the poison.
    Submit(request).IgnoreError();
  }
}

absl::Status GroupCommitWriter::Close() {
  {
    absl::MutexLock lock(&mutex_);
    if (closing_) {
      while (!closed_) idle_.Wait(&mutex_);
      return close_status_;
    }
    closing_ = true;
    timer_stop_ = true;
    timer_wake_.Signal();
    queue_shrank_.SignalAll();
    durable_.SignalAll();
    while (leading_) idle_.Wait(&mutex_);
  }
  if (timer_.joinable()) timer_.join();
  absl::Status status;
  {
    absl::MutexLock lock(&mutex_);
    status = poison_.ok() ? absl::OkStatus()
                          : MakeError(ErrorKind::kPoisoned, poison_.message());
  }
  if (status.ok()) status = log_->Close();
  if (status.ok()) {
    durable_lsn_ = log_->durable_lsn();
    confirmed_lsn_ = log_->confirmed_lsn();
  }
  log_.reset();
  lock_.reset();
  absl::MutexLock lock(&mutex_);
  close_status_ = status;
  closed_ = true;
  idle_.SignalAll();
  return status;
}

absl::Status CheckOptions(const WriterOptions& options) {
  absl::string_view wrong;
  if (options.sync_records == 0) wrong = "sync_records must be at least 1";
  if (options.sync_interval <= absl::ZeroDuration()) {
    wrong = "sync_interval must be more than 0";
  }
  if (options.segment_bytes_min < kSegmentBytesSmallest ||
      options.segment_bytes_min > options.segment_bytes_max ||
      options.segment_bytes_max > kSegmentBytesLargest ||
      options.segment_bytes_min % kSectorBytes != 0) {
    wrong =
        "segment_bytes_min must be a multiple of 512, at least 65536 and "
        "at most segment_bytes_max, which is at most 4 GiB";
  }
  if (options.max_record_bytes == 0 ||
      options.max_record_bytes > kBodyBytesMax) {
    wrong = "max_record_bytes must be between 1 and 1 GiB";
  }
  return wrong.empty() ? absl::OkStatus()
                       : MakeError(ErrorKind::kInvalidArgument, wrong);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Writer>> Writer::Open(
    absl::string_view directory, const WriterOptions& options) {
  if (absl::Status s = CheckOptions(options); !s.ok()) return s;
  WriterOptions complete = options;
  if (complete.file_system == nullptr) {
    complete.file_system = FileSystem::Posix();
  }
  if (complete.clock == nullptr) complete.clock = Clock::Real();
  absl::StatusOr<OpenedLog> opened = OpenLog(directory, complete);
  if (!opened.ok()) return opened.status();
  auto writer =
      std::make_unique<GroupCommitWriter>(complete, *std::move(opened));
  if (absl::Status s = writer->Start(); !s.ok()) return s;
  return std::unique_ptr<Writer>(std::move(writer));
}

}  // namespace journal
