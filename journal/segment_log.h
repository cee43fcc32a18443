// The log as one thread writes it: frames into the newest segment, fsync,
// rotation, close.
#ifndef JOURNAL_SEGMENT_LOG_H_
#define JOURNAL_SEGMENT_LOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/cipher.h"
#include "journal/clock.h"
#include "journal/examiner.h"  // JournalEnd
#include "journal/file_system.h"
#include "journal/format.h"
#include "journal/segment_header.h"
#include "journal/segment_preparer.h"
#include "journal/types.h"

namespace journal {

// Not thread-safe: the writer's leader of the moment has it to itself. After an
// error other than kNoSpace nothing may be called but the destructor.
class SegmentLog {
 public:
  struct Options {
    FileSystem* fs = nullptr;  // Not owned, like the clock.
    Clock* clock = nullptr;
    std::string directory;
    bool zero_ahead = true;
    uint64_t segment_bytes_min = 1 << 20;
    uint64_t segment_bytes_max = 64 << 20;
    // Torn bytes after a crash can be no more than this. 0: a whole segment
    // (mode none).
    uint64_t max_unsynced_bytes = 32 << 20;
    // Encrypts what RECORD and STATE frames hold. Not owned; null: plain.
    const Cipher* cipher = nullptr;
    // Earlier segments may be removed: their headers say so to older versions.
    bool may_remove_segments = false;
  };

  // What the headers of segments to come say of snapshots.
  struct SnapshotMarks {
    Lsn snapshot_lsn = 0;
    Lsn removed_before_lsn = 0;
  };

  // A new journal's first segment, durable on return.
  static absl::StatusOr<std::unique_ptr<SegmentLog>> Create(
      const Options& options);

  // Goes on where an examination says that the log ends: finishes an unfinished
  // rotation and begins a new segment, durable on return. The torn tail must
  // have been cut.
  static absl::StatusOr<std::unique_ptr<SegmentLog>> Continue(
      const Options& options, const JournalEnd& end);

  struct FrameInput {
    FrameKind kind = FrameKind::kRecord;
    uint16_t type = 0;
    uint8_t flags = 0;
    absl::string_view body;
    uint64_t body_checksum = 0;  // Ignored if the body is to be encrypted.
  };
  struct Placed {
    Lsn lsn = 0;
    uint64_t offset = 0;
  };

  // Whether frames of `frame_bytes` in all fit behind what is staged, leaving
  // room for the frames that end a segment.
  bool Fits(uint64_t frame_bytes) const;
  // The same for a watermark frame, which may use that room but for the last
  // two frames.
  bool FitsWatermark() const;
  // Whether they may be written before the next Sync.
  bool WithinUnsyncedBound(uint64_t frame_bytes) const;

  // Adds a frame to the next write. REQUIRES: it fits.
  Placed Stage(const FrameInput& input);

  // What a frame with this body takes.
  uint64_t RecordFrameBytes(uint64_t body_bytes) const {
    return FrameBytes(StoredBytes(options_.cipher, body_bytes));
  }

  // Writes what is staged, in one call.
  absl::Status WriteStaged();

  // Makes what was written durable. Does nothing if all of it is.
  absl::Status Sync();

  // Ends this segment and begins the next, with room for frames of
  // `frame_bytes` in all, also behind a first one of `first_frame_bytes`.
  // kNoSpace, with nothing changed, when there is none. REQUIRES: nothing
  // staged.
  absl::Status Rotate(uint64_t frame_bytes, uint64_t first_frame_bytes = 0);

  // Holds for the headers of later segments. Segments may be removed only if
  // the newest one's header says so: marks_removals().
  void SetSnapshotMarks(const SnapshotMarks& marks) { marks_ = marks; }
  void AllowRemovals() { may_remove_segments_ = true; }
  bool marks_removals() const {
    return (header_.required_features & kFeatureSnapshots) != 0;
  }

  // CLOSE frame, fsync, trim, fsync. REQUIRES: nothing staged.
  absl::Status Close();

  // As SegmentPreparer's, for the next segment.
  void TellFailures(std::function<void(const absl::Status&)> tell) {
    preparer_.TellFailures(std::move(tell));
  }

  uint64_t seed() const { return seed_; }
  uint64_t segment_id() const { return header_.segment_id; }
  const JournalUuid& uuid() const { return header_.uuid; }
  uint64_t segment_records() const { return cursor_.segment_records; }
  uint64_t end_offset() const { return cursor_.end_offset; }
  // Of this segment, and of the one that Rotate() begins where nothing calls
  // for another size.
  uint64_t capacity() const { return capacity_; }
  uint64_t next_segment_bytes() const { return next_segment_bytes_; }
  // Of the last frame staged or written.
  Lsn last_lsn() const { return cursor_.last_lsn; }
  uint64_t chain() const { return cursor_.chain; }
  uint64_t records() const { return cursor_.records; }
  Lsn durable_lsn() const { return durable_lsn_; }
  Lsn confirmed_lsn() const { return confirmed_lsn_; }
  bool all_synced() const { return durable_lsn_ == cursor_.last_lsn; }
  uint64_t staged_bytes() const { return staged_.size(); }
  // The newest state frame, and the bytes of frames since then.
  const StatePlace& state() const { return state_; }
  // What was staged at `placed` is a state frame, of a state of that size.
  void NoteState(const Placed& placed, uint64_t state_bytes);

 private:
  explicit SegmentLog(const Options& options);

  uint32_t Features() const;
  SegmentHeader NextHeader(const PreparedSegment& prepared,
                           uint64_t largest_bytes) const;
  // Writes the header into the prepared file and gives it its name, durably.
  absl::Status Publish(PreparedSegment& prepared, const SegmentHeader& header);
  absl::Status WriteSeal(File& file, const SealFrame& seal);
  void Enter(std::unique_ptr<File> file, const SegmentHeader& header,
             uint64_t capacity);
  absl::Status FinishRotation(const JournalEnd& end);
  bool Encrypts(FrameKind kind) const;
  void NameKey(SegmentHeader* header) const;
  uint64_t NextOffset() const;
  void MaybeRequestNext();

  const Options options_;
  SegmentPreparer preparer_;
  SnapshotMarks marks_;
  bool may_remove_segments_ = false;
  std::unique_ptr<File> file_;
  SegmentHeader header_;
  uint64_t seed_ = 0;
  uint64_t capacity_ = 0;
  uint64_t next_segment_bytes_ = 0;
  bool sealed_ = false;  // Continue from a sealed segment: no second seal.

  Cursor cursor_;  // Behind the last frame staged.
  uint64_t written_end_ = 0;
  std::string staged_;
  uint64_t staged_offset_ = 0;
  bool fsync_issued_ = false;  // The next frame starts a new sector.
  uint64_t unsynced_bytes_ = 0;
  Lsn durable_lsn_ = 0;
  Lsn confirmed_lsn_ = 0;
  Lsn written_watermark_ = 0;  // The greatest in any frame written.
  StatePlace state_;
};

}  // namespace journal

#endif  // JOURNAL_SEGMENT_LOG_H_
