#include "journal/group_commit.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/format.h"
#include "journal/frame.h"
#include "journal/span_collector.h"

namespace journal {

GroupCommitWriter::GroupCommitWriter(const WriterOptions& options,
                                     OpenedLog opened)
    : options_(options),
      clock_(*options.clock),
      report_(std::move(opened.report)),
      directory_(opened.directory),
      listener_(options.listener),
      snapshotter_(SnapshotterOptions(opened), std::move(opened.snapshot),
                   opened.log->segment_id() - 1,
                   opened.log->state().segment_id),
      committer_(options, std::move(opened.log), statistics_, listener_,
                 snapshotter_),
      lock_(std::move(opened.lock)),
      durable_lsn_(committer_.log().durable_lsn()),
      confirmed_lsn_(committer_.log().confirmed_lsn()),
      timer_(options.sync_mode, options.sync_interval),
      async_half_bytes_(
          std::min(options.async_bytes_max, options.queue_bytes_max) / 2),
      async_(async_half_bytes_,
             [this](CommitRequest& request) { return Submit(request); }) {}

Snapshotter::Options GroupCommitWriter::SnapshotterOptions(
    const OpenedLog& opened) {
  Snapshotter::Options snapshots;
  snapshots.fs = options_.file_system;
  snapshots.clock = options_.clock;
  snapshots.directory = directory_;
  snapshots.uuid = opened.log->uuid();
  snapshots.cipher = options_.cipher;
  snapshots.compactor = options_.compactor;
  snapshots.policy = options_.snapshots;
  snapshots.on_error = [this](const absl::Status& error) {
    NoteBackgroundError(error);
  };
  snapshots.on_snapshot = [this](const Manifest& manifest) {
    StatisticsCollector::Add(statistics_.snapshots, 1);
    listener_.TellSnapshot(manifest.last_lsn);
  };
  return snapshots;
}

void GroupCommitWriter::NoteBackgroundError(const absl::Status& error) {
  statistics_.CountBackgroundError();
  listener_.TellError(error, /*for_good=*/false);
}

void GroupCommitWriter::StartScrub() {
  // What opening has read is not read again.
  if (options_.scrub_bytes_per_second == 0 || report_.full) return;
  Scrubber::Options scrub;
  scrub.fs = options_.file_system;
  scrub.clock = options_.clock;
  scrub.directory = directory_;
  scrub.bytes_per_second = options_.scrub_bytes_per_second;
  scrub.on_damage = [this](const absl::Status& damage) {
    NoteBackgroundError(damage);
  };
  scrubber_ = std::make_unique<Scrubber>(scrub);
}

absl::Status GroupCommitWriter::Start() {
  committer_.TellFailures(
      [this](const absl::Status& error) { NoteBackgroundError(error); });
  // Opening verified from the disk all that it found; now say so in the log.
  if (const Lsn last = committer_.log().last_lsn(); last > 0) {
    if (absl::Status s = committer_.Confirm(last); !s.ok()) {
      absl::MutexLock lock(&mutex_);
      poison_ = s;
      return s;
    }
    PublishLsns();
  }
  StartScrub();
  timer_thread_ = std::thread([this] { RunTimer(); });
  return absl::OkStatus();
}

void GroupCommitWriter::PublishLsns() {
  durable_lsn_ = committer_.log().durable_lsn();
  confirmed_lsn_ = committer_.log().confirmed_lsn();
}

// ---------------------------------------------------------------------------
// Callers

absl::Status GroupCommitWriter::Validate(
    absl::Span<const RecordView> records) const {
  if (records.empty()) {
    return MakeError(ErrorKind::kInvalidArgument, "no record to append");
  }
  uint64_t bytes = 0;
  uint64_t stored_bytes = 0;
  for (const RecordView& record : records) {
    // A span pays for its frames' headers, so that many empty records are
    // bounded, too; a single record has all of the bound for its body.
    bytes += records.size() == 1 ? record.body.size()
                                 : FrameBytes(record.body.size());
    stored_bytes +=
        FrameBytes(StoredBytes(options_.cipher, record.body.size()));
  }
  if (bytes > options_.max_record_bytes) {
    return MakeError(
        ErrorKind::kInvalidArgument,
        absl::StrCat("an append of ", bytes, " bytes; the most is ",
                     options_.max_record_bytes));
  }
  if (records.size() > 1 && stored_bytes > kSpanBytesMax) {
    return MakeError(
        ErrorKind::kInvalidArgument,
        absl::StrCat("an append of several records that takes ", stored_bytes,
                     " bytes; the most is ", kSpanBytesMax));
  }
  return absl::OkStatus();
}

AppendOp GroupCommitWriter::PrepareAppend(
    absl::Span<const RecordView> records) const {
  AppendOp append;
  append.records = records;
  append.seed = committer_.seed();
  append.checksums.reserve(records.size());
  for (const RecordView& record : records) {
    // What will be stored of an encrypted body is known when its LSN is.
    if (options_.cipher == nullptr) {
      append.checksums.push_back(BodyChecksum(append.seed, record.body));
    }
    append.frame_bytes +=
        FrameBytes(StoredBytes(options_.cipher, record.body.size()));
    append.weight += record.sync_weight;
  }
  return append;
}

absl::StatusOr<Lsn> GroupCommitWriter::Append(const RecordView& record) {
  return Append(absl::MakeConstSpan(&record, 1));
}

absl::StatusOr<Lsn> GroupCommitWriter::Append(
    absl::Span<const RecordView> records) {
  if (absl::Status s = MayWait(); !s.ok()) return s;
  if (absl::Status s = Validate(records); !s.ok()) return s;
  AppendOp append = PrepareAppend(records);
  CommitRequest request;
  request.appends = absl::MakeSpan(&append, 1);
  request.frame_bytes = append.frame_bytes;
  if (absl::Status s = Submit(request); !s.ok()) return s;
  if (!append.status.ok()) return append.status;
  return append.lsn;
}

absl::Status GroupCommitWriter::AppendAsync(const RecordView& record,
                                            AppendCallback done) {
  if (absl::Status s = MayWait(); !s.ok()) return s;
  return QueueAsync(record, std::move(done), /*may_wait=*/true);
}

absl::Status GroupCommitWriter::TryAppend(const RecordView& record,
                                          AppendCallback done) {
  return QueueAsync(record, std::move(done), /*may_wait=*/false);
}

absl::Status GroupCommitWriter::QueueAsync(const RecordView& record,
                                           AppendCallback done, bool may_wait) {
  const absl::Span<const RecordView> records = absl::MakeConstSpan(&record, 1);
  if (absl::Status s = Validate(records); !s.ok()) return s;
  if (poisoned_.load(std::memory_order_relaxed)) {
    absl::MutexLock lock(&mutex_);
    return Unusable();
  }
  if (!async_used_.load(std::memory_order_relaxed)) async_used_ = true;
  return async_.Add(record, PrepareAppend(records), std::move(done), may_wait);
}

uint64_t GroupCommitWriter::QueueBytesMax() const {
  return options_.queue_bytes_max - (async_used_ ? async_half_bytes_ : 0);
}

absl::Status GroupCommitWriter::MayWait() const {
  return async_.OnThread()
             ? MakeError(ErrorKind::kInvalidArgument,
                         "called in a callback of the same journal, where it "
                         "would wait for itself; TryAppend may be called there")
             : absl::OkStatus();
}

absl::Status GroupCommitWriter::Sync() {
  if (absl::Status s = MayWait(); !s.ok()) return s;
  CommitRequest request;
  request.kind = CommitRequest::Kind::kSync;
  return Submit(request);
}

absl::StatusOr<uint64_t> GroupCommitWriter::SealSegment(bool for_removal) {
  if (absl::Status s = MayWait(); !s.ok()) return s;
  CommitRequest request;
  request.kind = CommitRequest::Kind::kSeal;
  request.for_removal = for_removal;
  if (absl::Status s = Submit(request); !s.ok()) return s;
  if (!request.sealed.ok()) return request.sealed;
  return request.sealed_segment;
}

absl::Status GroupCommitWriter::Snapshot() {
  absl::StatusOr<uint64_t> sealed = SealSegment(/*for_removal=*/false);
  if (!sealed.ok()) return sealed.status();
  return snapshotter_.Cover(*sealed);
}

absl::Status GroupCommitWriter::RemoveBefore(Lsn lsn) {
  absl::StatusOr<uint64_t> sealed = SealSegment(/*for_removal=*/true);
  if (!sealed.ok()) return sealed.status();
  if (lsn > durable_lsn() + 1) {
    return MakeError(ErrorKind::kInvalidArgument,
                     absl::StrCat("LSN ", lsn, " was never appended"));
  }
  return snapshotter_.RemoveBefore(lsn);
}

absl::Status GroupCommitWriter::WaitDurable(Lsn lsn, absl::Time deadline) {
  if (durable_lsn() >= lsn) return absl::OkStatus();
  if (absl::Status s = MayWait(); !s.ok()) return s;
  if (deadline == absl::InfiniteFuture()) {
    if (absl::Status s = Sync(); !s.ok()) return s;
    if (durable_lsn() >= lsn) return absl::OkStatus();
    return MakeError(ErrorKind::kInvalidArgument,
                     absl::StrCat("LSN ", lsn, " was never appended"));
  }
  absl::MutexLock lock(&mutex_);
  timer_.WantSync();
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

absl::Status GroupCommitWriter::Submit(CommitRequest& request) {
  {
    absl::MutexLock lock(&mutex_);
    // Where nobody leads nothing waits in the queue, and nobody has to wait.
    const bool waits = leading_;
    if (waits) request.since = clock_.Monotonic();
    while (Unusable().ok() && queue_bytes_ > 0 &&
           queue_bytes_ + request.frame_bytes > QueueBytesMax()) {
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
    // The end of a commit has let it lead.
    if (waits) request.waited = last_commit_end_ - request.since;
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
  if (failure.ok()) failure = committer_.Commit(batch);
  statistics_.queue_depth.Record(batch.size());
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
  last_commit_end_ = committer_.now();
  if (failure.ok()) {
    CountWaits(batch);
    NoteCommitted(batch);
  } else if (poison_.ok()) {
    Poison(failure);
  }
  for (CommitRequest* request : batch) {
    request->status = failure;
    request->done = true;
    request->wake.Signal();
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

void GroupCommitWriter::CountWaits(const Batch& batch) {
  for (const CommitRequest* request : batch) {
    if (request->kind != CommitRequest::Kind::kAppend) continue;
    // The front has led the batch; the others stood behind it.
    const absl::Duration waited = request == batch.front()
                                      ? request->waited
                                      : last_commit_end_ - request->since;
    statistics_.wait_ns.Record(static_cast<uint64_t>(
        std::max<int64_t>(0, absl::ToInt64Nanoseconds(waited))));
  }
}

void GroupCommitWriter::Poison(const absl::Status& failure) {
  poison_ = failure;
  poisoned_ = true;
  statistics_.CountBackgroundError();
  listener_.TellError(failure, /*for_good=*/true);
  queue_shrank_.SignalAll();
}

void GroupCommitWriter::NoteCommitted(const Batch& batch) {
  PublishLsns();
  CommitTimer::Committed committed;
  for (const CommitRequest* request : batch) {
    committed.confirmed |= request->kind == CommitRequest::Kind::kConfirm;
    for (const AppendOp& append : request->appends) {
      if (append.status.ok()) committed.last_record_lsn = append.lsn;
    }
  }
  committed.durable_lsn = durable_lsn();
  committed.confirmed_lsn = confirmed_lsn();
  committed.all_synced = committer_.log().all_synced();
  timer_.NoteCommitted(committed, last_commit_end_);
}

// ---------------------------------------------------------------------------
// The timer

bool GroupCommitWriter::AwaitTimer(CommitRequest* request) {
  absl::MutexLock lock(&mutex_);
  while (!timer_stop_) {
    const CommitTimer::Due due =
        Unusable().ok() ? timer_.Next(clock_.Monotonic()) : CommitTimer::Due();
    if (due.in == absl::ZeroDuration()) {
      timer_.NoteSubmitted();
      request->kind = due.kind;
      request->confirm_lsn = due.confirm_lsn;
      return true;
    }
    if (due.in == absl::InfiniteDuration()) {
      timer_asleep_ = true;
      timer_wake_.Wait(&mutex_);
      timer_asleep_ = false;
    } else {
      clock_.WaitWithTimeout(&timer_wake_, &mutex_, due.in);
    }
  }
  return false;
}

void GroupCommitWriter::RunTimer() {
  for (;;) {
    CommitRequest request;
    if (!AwaitTimer(&request)) return;
    // Its error reaches every caller through the poison.
    Submit(request).IgnoreError();
  }
}

// ---------------------------------------------------------------------------
// The end

absl::Status GroupCommitWriter::Close() {
  if (absl::Status s = MayWait(); !s.ok()) return s;
  if (listener_.OnThread()) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "a listener must not close the journal it listens to");
  }
  {
    absl::MutexLock lock(&mutex_);
    if (close_begun_) {
      while (!closed_) idle_.Wait(&mutex_);
      return close_status_;
    }
    close_begun_ = true;
  }
  async_.Drain();
  // The log is whole without it: its failure is told, not returned.
  if (options_.snapshots.on_close) Snapshot().IgnoreError();
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    timer_stop_ = true;
    timer_wake_.Signal();
    queue_shrank_.SignalAll();
    durable_.SignalAll();
    while (leading_) idle_.Wait(&mutex_);
  }
  if (timer_thread_.joinable()) timer_thread_.join();
  // Nothing is renamed or removed once the lock is gone.
  scrubber_.reset();
  snapshotter_.Stop();
  absl::Status status;
  {
    absl::MutexLock lock(&mutex_);
    status = poison_.ok() ? absl::OkStatus()
                          : MakeError(ErrorKind::kPoisoned, poison_.message());
  }
  if (status.ok()) status = committer_.Close();
  if (status.ok()) PublishLsns();
  committer_.Release();
  listener_.Drain();
  lock_.reset();
  absl::MutexLock lock(&mutex_);
  close_status_ = status;
  closed_ = true;
  idle_.SignalAll();
  return status;
}

}  // namespace journal
