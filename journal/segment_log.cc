#include "journal/segment_log.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "journal/body_decryptor.h"
#include "journal/error.h"
#include "journal/frame.h"

namespace journal {
namespace {

// Kept free behind the last record of a segment: whatever ends one (watermark,
// close, seal, each in a sector of its own) always fits, also when the disk is
// full.
constexpr uint64_t kTailReserveBytes = 8 * kSectorBytes;
constexpr uint64_t kLastFramesBytes = 2 * kSectorBytes;

// A staging buffer larger than this is given back after use.
constexpr size_t kStagedBytesKept = 8 << 20;

// kNoSpace promises that nothing has changed. Where bytes may have been
// written, or a name given, a full disk is a failure like any other.
absl::Status Failed(const absl::Status& status) {
  return KindOf(status) == ErrorKind::kNoSpace
             ? MakeError(ErrorKind::kIo, status.message())
             : status;
}

}  // namespace

SegmentLog::SegmentLog(const Options& options)
    : options_(options),
      preparer_(*options.fs, options.directory, options.zero_ahead),
      may_remove_segments_(options.may_remove_segments),
      next_segment_bytes_(options.segment_bytes_min) {}

absl::StatusOr<std::unique_ptr<SegmentLog>> SegmentLog::Create(
    const Options& options) {
  std::unique_ptr<SegmentLog> log(new SegmentLog(options));
  absl::StatusOr<PreparedSegment> prepared =
      log->preparer_.Take(1, kSegmentBytesSmallest, options.segment_bytes_min);
  if (!prepared.ok()) return prepared.status();
  SegmentHeader header;
  header.required_features = log->Features();
  header.uuid = NewUuid();
  header.segment_id = 1;
  header.first_lsn = 1;
  header.chain_start = FirstChain(header.uuid);
  header.zeroed_bytes = prepared->zeroed_bytes;
  header.max_unsynced_bytes = options.max_unsynced_bytes == 0
                                  ? prepared->bytes
                                  : options.max_unsynced_bytes;
  header.created_unix_ns = absl::ToUnixNanos(options.clock->Now());
  log->NameKey(&header);
  if (absl::Status s = log->Publish(*prepared, header); !s.ok()) return s;
  log->Enter(std::move(prepared->file), header, prepared->bytes);
  return log;
}

absl::StatusOr<std::unique_ptr<SegmentLog>> SegmentLog::Continue(
    const Options& options, const JournalEnd& end) {
  std::unique_ptr<SegmentLog> log(new SegmentLog(options));
  const std::string path =
      JoinPath(options.directory, SegmentFileName(end.header.segment_id));
  absl::StatusOr<std::unique_ptr<File>> file =
      options.fs->Open(path, OpenMode::kReadWrite);
  if (!file.ok()) return file.status();
  log->Enter(*std::move(file), end.header, 0);
  log->cursor_ = end.cursor;
  log->written_end_ = end.cursor.end_offset;
  log->sealed_ = end.sealed;
  log->durable_lsn_ = end.cursor.last_lsn;  // Opening has fsynced it.
  log->state_ = end.state;
  log->marks_.snapshot_lsn =
      end.snapshot.manifest_id == 0 ? 0 : end.snapshot.last_lsn;
  log->marks_.removed_before_lsn = end.snapshot.removed_before_lsn;
  log->may_remove_segments_ |= end.snapshot.last_segment > 0;
  if (end.rotation_unfinished) {
    if (absl::Status s = log->FinishRotation(end); !s.ok()) return s;
  }
  if (absl::Status s = log->Rotate(0); !s.ok()) return s;
  return log;
}

absl::Status SegmentLog::FinishRotation(const JournalEnd& end) {
  const SealFrame seal =
      BuildSeal(header_.uuid, header_.segment_id, cursor_,
                end.successor.watermark, end.successor.segment_id);
  if (absl::Status s = WriteSeal(*file_, seal); !s.ok()) return s;
  cursor_.last_lsn = seal.lsn;
  cursor_.chain = seal.chain_after;
  absl::StatusOr<std::unique_ptr<File>> next = options_.fs->Open(
      JoinPath(options_.directory, SegmentFileName(end.successor.segment_id)),
      OpenMode::kReadWrite);
  if (!next.ok()) return next.status();
  Enter(*std::move(next), end.successor, 0);
  return absl::OkStatus();
}

void SegmentLog::Enter(std::unique_ptr<File> file, const SegmentHeader& header,
                       uint64_t capacity) {
  file_ = std::move(file);
  header_ = header;
  capacity_ = capacity;
  seed_ = SegmentSeed(header.uuid, header.segment_id);
  cursor_.last_lsn = header.first_lsn - 1;
  cursor_.chain = header.chain_start;
  cursor_.records = header.records_before;
  cursor_.segment_records = 0;
  cursor_.end_offset = kFirstFrameOffset;
  written_end_ = kFirstFrameOffset;
  fsync_issued_ = false;
  unsynced_bytes_ = 0;
  durable_lsn_ = cursor_.last_lsn;
  // The header, durable by now, confirms all but the predecessor's seal.
  confirmed_lsn_ = std::max(confirmed_lsn_, header.watermark);
  written_watermark_ = header.watermark;
  sealed_ = false;
}

uint64_t SegmentLog::NextOffset() const {
  return fsync_issued_ && staged_.empty()
             ? AlignUp(cursor_.end_offset, kSectorBytes)
             : cursor_.end_offset;
}

bool SegmentLog::Fits(uint64_t frame_bytes) const {
  return !sealed_ &&
         NextOffset() + frame_bytes + kTailReserveBytes <= capacity_ &&
         frame_bytes + kSectorBytes <= header_.max_unsynced_bytes;
}

bool SegmentLog::FitsWatermark() const {
  return !sealed_ &&
         NextOffset() + kFrameHeaderBytes + kLastFramesBytes <= capacity_;
}

bool SegmentLog::WithinUnsyncedBound(uint64_t frame_bytes) const {
  return unsynced_bytes_ + staged_.size() + frame_bytes + kSectorBytes <=
         header_.max_unsynced_bytes;
}

bool SegmentLog::Encrypts(FrameKind kind) const {
  return options_.cipher != nullptr && HoldsApplicationBytes(kind);
}

SegmentLog::Placed SegmentLog::Stage(const FrameInput& input) {
  const uint64_t offset = NextOffset();
  if (staged_.empty()) staged_offset_ = offset;
  fsync_issued_ = false;
  const bool encrypt = Encrypts(input.kind);
  const uint64_t body_bytes =
      encrypt ? StoredBytes(options_.cipher, input.body.size())
              : input.body.size();
  const uint64_t frame_bytes = FrameBytes(body_bytes);
  const size_t at = staged_.size();
  staged_.resize(at + frame_bytes);  // Zeros: the padding is one.
  char* const body = staged_.data() + at + kFrameHeaderBytes;
  FrameHeader header;
  header.body_bytes = static_cast<uint32_t>(body_bytes);
  header.lsn = cursor_.last_lsn + 1;
  header.watermark = durable_lsn_;
  header.type = input.type;
  header.kind = input.kind;
  header.flags = input.flags | (encrypt ? kEncrypted : 0);
  if (encrypt) {
    options_.cipher->Encrypt(
        FrameContext(header_.uuid, header_.segment_id, header), input.body,
        body);
    header.body_checksum =
        BodyChecksum(seed_, absl::string_view(body, body_bytes));
  } else {
    std::copy(input.body.begin(), input.body.end(), body);
    header.body_checksum = input.body_checksum;
  }
  EncodeFrameHeader(header, seed_, offset, staged_.data() + at);
  cursor_.last_lsn = header.lsn;
  cursor_.end_offset = offset + frame_bytes;
  cursor_.chain = ExtendChain(cursor_.chain, header);
  if (input.kind == FrameKind::kRecord) {
    ++cursor_.records;
    ++cursor_.segment_records;
  }
  state_.bytes_since += frame_bytes;
  return {header.lsn, offset};
}

absl::Status SegmentLog::WriteStaged() {
  if (staged_.empty()) return absl::OkStatus();
  absl::Status status = file_->WriteAt(staged_offset_, staged_);
  if (!status.ok()) return Failed(status);
  unsynced_bytes_ += cursor_.end_offset - written_end_;
  written_end_ = cursor_.end_offset;
  written_watermark_ = durable_lsn_;
  staged_.clear();
  if (staged_.capacity() > kStagedBytesKept) staged_.shrink_to_fit();
  MaybeRequestNext();
  return absl::OkStatus();
}

void SegmentLog::MaybeRequestNext() {
  if (written_end_ * 2 > capacity_) {
    preparer_.Request(header_.segment_id + 1, next_segment_bytes_);
  }
}

absl::Status SegmentLog::Sync() {
  assert(staged_.empty());
  if (durable_lsn_ == cursor_.last_lsn) return absl::OkStatus();
  if (absl::Status s = file_->Sync(); !s.ok()) return Failed(std::move(s));
  fsync_issued_ = true;
  unsynced_bytes_ = 0;
  durable_lsn_ = cursor_.last_lsn;
  confirmed_lsn_ = std::max(confirmed_lsn_, written_watermark_);
  return absl::OkStatus();
}

void SegmentLog::NoteState(const Placed& placed, uint64_t state_bytes) {
  state_.segment_id = header_.segment_id;
  state_.offset = placed.offset;
  state_.lsn = placed.lsn;
  state_.state_bytes = state_bytes;
  state_.bytes_since = 0;
}

uint32_t SegmentLog::Features() const {
  return may_remove_segments_ ? kFeatureSnapshots : 0;
}

SegmentHeader SegmentLog::NextHeader(const PreparedSegment& prepared,
                                     uint64_t largest_bytes) const {
  SegmentHeader header;
  header.required_features = Features();
  header.uuid = header_.uuid;
  header.segment_id = header_.segment_id + 1;
  header.zeroed_bytes = prepared.zeroed_bytes;
  header.max_unsynced_bytes =
      options_.max_unsynced_bytes == 0
          ? prepared.bytes
          : std::max(options_.max_unsynced_bytes, largest_bytes + kSectorBytes);
  header.created_unix_ns = absl::ToUnixNanos(options_.clock->Now());
  header.predecessor_id = header_.segment_id;
  header.records_before = cursor_.records;
  header.state_segment_id = state_.segment_id;
  header.state_offset = state_.offset;
  header.state_lsn = state_.lsn;
  NameKey(&header);
  header.snapshot_lsn = marks_.snapshot_lsn;
  header.removed_before_lsn = marks_.removed_before_lsn;
  return header;
}

void SegmentLog::NameKey(SegmentHeader* header) const {
  if (options_.cipher == nullptr) return;
  header->required_features |= kFeatureEncryption;
  header->key_id = options_.cipher->id();
}

absl::Status SegmentLog::Rotate(uint64_t frame_bytes,
                                uint64_t first_frame_bytes) {
  assert(staged_.empty());
  // An fsync may lie before each of the two.
  const uint64_t needed = kFirstFrameOffset + first_frame_bytes + kSectorBytes +
                          frame_bytes + kSectorBytes + kTailReserveBytes;
  absl::StatusOr<PreparedSegment> prepared = preparer_.Take(
      header_.segment_id + 1, std::max(needed, kSegmentBytesSmallest),
      std::max(AlignUp(needed, options_.segment_bytes_min),
               next_segment_bytes_));
  if (!prepared.ok()) return prepared.status();
  if (absl::Status s = Sync(); !s.ok()) return s;
  SegmentHeader header =
      NextHeader(*prepared, std::max(frame_bytes, first_frame_bytes));
  SealFrame seal;
  if (sealed_) {
    // Only the successor is gone: what it said can be said again.
    header.first_lsn = cursor_.last_lsn + 1;
    header.predecessor_bytes = cursor_.end_offset;
    header.chain_start = cursor_.chain;
    header.watermark = cursor_.last_lsn;
  } else {
    seal = BuildSeal(header_.uuid, header_.segment_id, cursor_, durable_lsn_,
                     header.segment_id);
    header.first_lsn = seal.lsn + 1;
    header.predecessor_bytes = seal.end;
    header.chain_start = seal.chain_after;
    header.watermark = durable_lsn_;
  }
  if (absl::Status s = Publish(*prepared, header); !s.ok()) return s;
  if (!sealed_) {
    if (absl::Status s = WriteSeal(*file_, seal); !s.ok()) return s;
  }
  Enter(std::move(prepared->file), header, prepared->bytes);
  next_segment_bytes_ =
      std::min(next_segment_bytes_ * 2, options_.segment_bytes_max);
  return absl::OkStatus();
}

absl::Status SegmentLog::Publish(PreparedSegment& prepared,
                                 const SegmentHeader& header) {
  std::string copies(kFirstFrameOffset, '\0');
  for (int copy = 0; copy < kSegmentHeaderCopies; ++copy) {
    EncodeSegmentHeader(header, copies.data() + copy * kSegmentHeaderBytes);
  }
  const std::string path =
      JoinPath(options_.directory, SegmentFileName(header.segment_id));
  absl::Status status = prepared.file->WriteAt(0, copies);
  if (status.ok()) status = prepared.file->Sync();
  if (status.ok()) status = options_.fs->Rename(prepared.path, path);
  if (!status.ok()) {
    options_.fs->Remove(prepared.path).IgnoreError();
    return status;
  }
  return Failed(options_.fs->SyncDirectory(options_.directory));
}

absl::Status SegmentLog::WriteSeal(File& file, const SealFrame& seal) {
  absl::Status status = file.WriteAt(seal.offset, seal.bytes);
  if (status.ok()) status = file.Sync();
  // The space behind it is given back. Not fsynced: zeros behind a seal are as
  // good as no bytes.
  if (status.ok()) status = file.Truncate(seal.end);
  return Failed(status);
}

absl::Status SegmentLog::Close() {
  if (absl::Status s = Sync(); !s.ok()) return s;
  if (sealed_) return absl::OkStatus();
  char body[kCloseBodyBytes];
  EncodeSealBody({0, cursor_.chain, cursor_.segment_records}, body);
  const absl::string_view view(body, sizeof(body));
  FrameInput frame;
  frame.kind = FrameKind::kClose;
  frame.body = view;
  frame.body_checksum = BodyChecksum(seed_, view);
  Stage(frame);
  if (absl::Status s = WriteStaged(); !s.ok()) return s;
  if (absl::Status s = Sync(); !s.ok()) return s;
  absl::Status status = file_->Truncate(cursor_.end_offset);
  if (status.ok()) status = file_->Sync();
  return Failed(status);
}

}  // namespace journal
