#include "journal/batch_committer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "journal/error.h"
#include "journal/folder.h"
#include "journal/format.h"
#include "journal/frame.h"
#include "journal/segment_header.h"

namespace journal {
namespace {

// A segment begins with a state if the log behind the last one would else grow
// beyond this much, and beyond this many times the state's own size, before the
// segment is full: opening reads a bounded tail, and states cost a bounded
// share of what is written. In the middle of a segment no opening would find
// one before the next rotation names it.
constexpr uint64_t kStateLogBytesMin = 16 << 20;
constexpr uint64_t kStateLogFactor = 16;

// A state larger than this is not written: opening then reads more.
constexpr uint64_t kStateBytesMax = 512 << 20;

// A write that no fsync follows takes little longer than reading the clock: one
// of so many is timed.
constexpr uint64_t kUnsyncedWritesPerTimed = 16;

uint64_t StateLogBytes(uint64_t state_bytes) {
  return std::max(kStateLogBytesMin, kStateLogFactor * state_bytes);
}

}  // namespace

BatchCommitter::BatchCommitter(const WriterOptions& options,
                               std::unique_ptr<SegmentLog> log,
                               StatisticsCollector& statistics,
                               ListenerThread& listener,
                               Snapshotter& snapshotter)
    : options_(options),
      log_(std::move(log)),
      snapshotter_(snapshotter),
      seed_(log_->seed()),
      statistics_(statistics),
      listener_(listener),
      now_(options.clock->Monotonic()) {}

absl::Status BatchCommitter::Commit(absl::Span<CommitRequest* const> batch) {
  bool sync = false;
  Lsn confirm = 0;
  batch_records_ = 0;
  for (CommitRequest* request : batch) {
    switch (request->kind) {
      case CommitRequest::Kind::kAppend:
        for (AppendOp& append : request->appends) {
          if (absl::Status s = CommitAppend(append); !s.ok()) return s;
          sync |= options_.sync_mode == SyncMode::kEach && append.status.ok();
        }
        break;
      case CommitRequest::Kind::kConfirm:
        confirm = request->confirm_lsn;
        break;
      case CommitRequest::Kind::kSync:
        sync = true;
        break;
      case CommitRequest::Kind::kSeal:
        if (absl::Status s = Seal(*request); !s.ok()) return s;
        break;
    }
  }
  if (absl::Status s = FlushStaged(); !s.ok()) return s;
  if (batch_records_ > 0) statistics_.batch_records.Record(batch_records_);
  StatisticsCollector::Add(statistics_.batches, 1);
  if (absl::Status s = MaybeRotateForState(); !s.ok()) return s;
  sync |= options_.sync_mode == SyncMode::kBatch &&
          unsynced_weight_ >= options_.sync_records;
  if (sync) {
    if (absl::Status s = SyncLog(); !s.ok()) return s;
  }
  return confirm == 0 ? absl::OkStatus() : Confirm(confirm);
}

absl::Status BatchCommitter::CommitAppend(AppendOp& append) {
  absl::Status room = MakeRoom(append.frame_bytes);
  if (KindOf(room) == ErrorKind::kNoSpace) {
    append.status = std::move(room);
    return absl::OkStatus();
  }
  if (!room.ok()) return room;
  StageRecords(append);
  return absl::OkStatus();
}

absl::Status BatchCommitter::MakeRoom(uint64_t frame_bytes) {
  if (!log_->Fits(frame_bytes)) {
    if (absl::Status s = Rotate(frame_bytes); !s.ok()) return s;
  }
  if (!log_->WithinUnsyncedBound(frame_bytes)) {
    if (absl::Status s = FlushStaged(); !s.ok()) return s;
    return SyncLog();
  }
  return absl::OkStatus();
}

absl::Status BatchCommitter::Rotate(uint64_t frame_bytes) {
  // The state stands for what was staged, too.
  if (absl::Status s = FlushStaged(); !s.ok()) return s;
  return RotateWith(frame_bytes, SaveIfDue());
}

absl::Status BatchCommitter::RotateWith(uint64_t frame_bytes,
                                        absl::optional<std::string> state) {
  const uint64_t sealed_id = log_->segment_id();
  const uint64_t sealed_bytes = log_->end_offset();
  log_->SetSnapshotMarks(
      {snapshotter_.snapshot_lsn(), snapshotter_.removed_before_lsn()});
  const uint64_t state_frame_bytes =
      state.has_value()
          ? log_->RecordFrameBytes(kStateBodyPrefixBytes + state->size())
          : 0;
  absl::Status rotated = log_->Rotate(frame_bytes, state_frame_bytes);
  if (KindOf(rotated) == ErrorKind::kNoSpace && state.has_value()) {
    // A state is a convenience: on a full disk there is none for now.
    state.reset();
    state_retry_at_ = log_->state().bytes_since + kStateLogBytesMin;
    rotated = log_->Rotate(frame_bytes);
  }
  if (!rotated.ok()) return rotated;
  StatisticsCollector::Add(statistics_.rotations, 1);
  listener_.TellSealed(sealed_id, log_->last_lsn());
  // The state that the new header points to is all that opening needs.
  snapshotter_.NoteSealed(sealed_id, sealed_bytes, log_->state().segment_id);
  unsynced_weight_ = 0;
  seed_.store(log_->seed(), std::memory_order_relaxed);
  return state.has_value() ? WriteState(*std::move(state)) : absl::OkStatus();
}

absl::Status BatchCommitter::Seal(CommitRequest& request) {
  log_->AllowRemovals();
  if (absl::Status s = FlushStaged(); !s.ok()) return s;
  if (log_->segment_records() > 0 || !log_->marks_removals()) {
    absl::Status rotated = Rotate(0);
    const bool full = KindOf(rotated) == ErrorKind::kNoSpace;
    if (full && !(request.for_removal && log_->marks_removals())) {
      request.sealed = std::move(rotated);
      return absl::OkStatus();
    }
    if (!full && !rotated.ok()) return rotated;
  }
  request.sealed_segment = log_->segment_id() - 1;
  return absl::OkStatus();
}

void BatchCommitter::StageRecords(AppendOp& append) {
  for (size_t i = 0; i < append.records.size(); ++i) {
    const RecordView& record = append.records[i];
    SegmentLog::FrameInput frame;
    frame.type = record.type;
    frame.flags = (record.ignorable ? kIgnorable : 0) |
                  (i + 1 < append.records.size() ? kSpanContinues : 0) |
                  (i > 0 ? kSpanFollows : 0);
    frame.body = record.body;
    if (options_.cipher == nullptr) {
      frame.body_checksum = append.seed == log_->seed()
                                ? append.checksums[i]
                                : BodyChecksum(log_->seed(), record.body);
    }
    const SegmentLog::Placed placed = log_->Stage(frame);
    append.lsn = placed.lsn;
    if (i == 0) append.first_offset = placed.offset;
  }
  append.segment_id = log_->segment_id();
  unsynced_weight_ += append.weight;
  staged_.push_back(&append);
}

uint64_t BatchCommitter::Tick() {
  const absl::Duration before = now_;
  now_ = options_.clock->Monotonic();
  return static_cast<uint64_t>(
      std::max<int64_t>(0, absl::ToInt64Nanoseconds(now_ - before)));
}

absl::Status BatchCommitter::FlushStaged() {
  const uint64_t bytes = log_->staged_bytes();
  const bool timed =
      bytes > 0 && (options_.sync_mode != SyncMode::kNone ||
                    statistics_.writes % kUnsyncedWritesPerTimed == 0);
  if (timed) Tick();
  if (absl::Status s = log_->WriteStaged(); !s.ok()) return s;
  const uint64_t took_ns = Tick();
  if (timed) statistics_.write_ns.Record(took_ns);
  if (bytes > 0) CountStaged(bytes);
  if (options_.folder != nullptr) {
    for (const AppendOp* append : staged_) Fold(*append);
  }
  staged_.clear();
  return absl::OkStatus();
}

void BatchCommitter::CountStaged(uint64_t log_bytes) {
  uint64_t records = 0;
  uint64_t payload_bytes = 0;
  for (const AppendOp* append : staged_) {
    records += append->records.size();
    for (const RecordView& record : append->records) {
      payload_bytes += record.body.size();
    }
  }
  batch_records_ += records;
  StatisticsCollector::Add(statistics_.writes, 1);
  StatisticsCollector::Add(statistics_.log_bytes, log_bytes);
  StatisticsCollector::Add(statistics_.appends, staged_.size());
  StatisticsCollector::Add(statistics_.records, records);
  StatisticsCollector::Add(statistics_.payload_bytes, payload_bytes);
}

void BatchCommitter::Fold(const AppendOp& append) {
  uint64_t offset = append.first_offset;
  Lsn lsn = append.lsn - (append.records.size() - 1);
  for (const RecordView& view : append.records) {
    Record record;
    record.lsn = lsn++;
    record.position = MakePosition(append.segment_id, offset);
    record.type = view.type;
    record.ignorable = view.ignorable;
    record.body = view.body;
    options_.folder->Fold(record);
    offset += log_->RecordFrameBytes(view.body.size());
  }
}

// Many short lives, each of which ends before its first segment is full, or
// states that were put off, leave more log than a rotation would have let grow.
absl::Status BatchCommitter::MaybeRotateForState() {
  const StatePlace& last = log_->state();
  if (options_.folder == nullptr || last.bytes_since < log_->capacity() ||
      last.bytes_since < StateLogBytes(last.state_bytes)) {
    return absl::OkStatus();
  }
  absl::optional<std::string> state = SaveIfDue();
  if (!state.has_value()) return absl::OkStatus();
  absl::Status rotated = RotateWith(0, std::move(state));
  return KindOf(rotated) == ErrorKind::kNoSpace ? absl::OkStatus() : rotated;
}

// The state that the next segment is to begin with. REQUIRES: nothing staged.
absl::optional<std::string> BatchCommitter::SaveIfDue() {
  const StatePlace& last = log_->state();
  const uint64_t next_bytes = log_->next_segment_bytes();
  const uint64_t log_bytes = last.bytes_since + next_bytes;
  if (options_.folder == nullptr || last.bytes_since < state_retry_at_ ||
      log_bytes < StateLogBytes(last.state_bytes)) {
    return absl::nullopt;
  }
  std::string state = options_.folder->Save();
  // Too large, or grown: not again with each small segment either.
  if (state.size() > kStateBytesMax) {
    state_retry_at_ = last.bytes_since + StateLogBytes(state.size());
    return absl::nullopt;
  }
  if (log_bytes < StateLogBytes(state.size())) {
    state_retry_at_ = StateLogBytes(state.size()) - next_bytes;
    return absl::nullopt;
  }
  return state;
}

// The first frame of a segment: all that it stands for is in segments before
// it, which are durable by then.
absl::Status BatchCommitter::WriteState(std::string state) {
  const uint64_t state_bytes = state.size();
  state_retry_at_ = 0;
  StatePrefix prefix;
  prefix.as_of_lsn = log_->last_lsn();
  prefix.chain = log_->chain();
  prefix.records = log_->records();
  prefix.folder_version = options_.folder->version();
  // No second copy is kept: states are large.
  std::string body = std::move(state);
  body.insert(0, kStateBodyPrefixBytes, '\0');
  EncodeStatePrefix(prefix,
                    absl::string_view(body).substr(kStateBodyPrefixBytes),
                    body.data());
  SegmentLog::FrameInput frame;
  frame.kind = FrameKind::kState;
  frame.body = body;
  if (options_.cipher == nullptr) {
    frame.body_checksum = BodyChecksum(log_->seed(), body);
  }
  log_->NoteState(log_->Stage(frame), state_bytes);
  body = std::string();
  if (absl::Status s = FlushStaged(); !s.ok()) return s;
  StatisticsCollector::Add(statistics_.states, 1);
  return absl::OkStatus();
}

absl::Status BatchCommitter::SyncLog() {
  const bool needed = !log_->all_synced();
  if (absl::Status s = log_->Sync(); !s.ok()) return s;
  if (needed) {
    // Since the write before it: nothing lies between.
    statistics_.fsync_ns.Record(Tick());
    StatisticsCollector::Add(statistics_.fsyncs, 1);
  }
  unsynced_weight_ = 0;
  return absl::OkStatus();
}

// One small frame, fsynced, whose watermark covers everything before it; none
// when a frame that came meanwhile does.
absl::Status BatchCommitter::Confirm(Lsn lsn) {
  Tick();
  if (absl::Status s = SyncLog(); !s.ok()) return s;
  if (log_->confirmed_lsn() >= lsn || !log_->FitsWatermark()) {
    return absl::OkStatus();
  }
  SegmentLog::FrameInput frame;
  frame.kind = FrameKind::kWatermark;
  frame.body_checksum = BodyChecksum(log_->seed(), "");
  log_->Stage(frame);
  if (absl::Status s = FlushStaged(); !s.ok()) return s;
  StatisticsCollector::Add(statistics_.watermarks, 1);
  return SyncLog();
}

}  // namespace journal
