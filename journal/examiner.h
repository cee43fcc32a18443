// The one walk over a journal that opening, verifying, salvaging and the tools
// share.
#ifndef JOURNAL_EXAMINER_H_
#define JOURNAL_EXAMINER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/file_system.h"
#include "journal/folder.h"
#include "journal/recovery.h"
#include "journal/recovery_report.h"
#include "journal/segment_header.h"
#include "journal/segment_scanner.h"
#include "journal/types.h"

namespace journal {

// Where a walk stands: behind the last frame of which everything is known.
struct Cursor {
  Lsn last_lsn = 0;
  uint64_t end_offset = 0;
  uint64_t chain = 0;
  uint64_t segment_records = 0;  // Records in this segment so far.
  uint64_t records = 0;          // In the whole journal so far.
};

// Where the log ends, and what a writer must do to go on from there.
struct JournalEnd {
  JournalUuid uuid = {};
  SegmentHeader header;  // Of the segment in which it ends.
  Cursor cursor;
  bool sealed = false;  // The segment is sealed, its successor is gone.
  // Bytes of the segment that are torn or given up: [end_offset, cut_end).
  uint64_t cut_end = 0;
  // Later segments given up (mode point-in-time).
  std::vector<uint64_t> given_up_segments;
  // The rotation to this header was begun and its seal is still to be written.
  bool rotation_unfinished = false;
  SegmentHeader successor;
  // The newest state frame; segment 0 when there is none.
  uint64_t state_segment_id = 0;
  uint64_t state_offset = 0;
  Lsn state_lsn = 0;
};

struct Examination {
  RecoveryReport report;
  JournalEnd end;
};

// Used once. Not thread-safe.
class Examiner {
 public:
  // `on_record` may be empty.
  Examiner(absl::string_view directory, const ExamineOptions& options,
           std::function<void(const Record&)> on_record);

  absl::StatusOr<Examination> Run();

 private:
  struct Segment {
    uint64_t id = 0;
    std::string name;
    uint64_t file_bytes = 0;
    bool usable = false;  // Has a header that belongs here.
    SegmentHeader header;
  };

  // Reading the heads.
  absl::Status ListSegments();
  void LoadHeader(Segment& segment);
  void ChooseUuid();
  void CheckNumbering();

  // Where to begin.
  size_t ChooseStart();
  bool RestoreState(size_t* start);
  void CheckSkipped(size_t start);
  void StartOver();

  // The walk.
  void Walk(size_t start);
  void EnterSegment(size_t i);
  void ScanSegment(size_t i);
  bool HandleBad(size_t i, SegmentScanner& scanner, Frame* frame);
  void HandleTorn(size_t i, SegmentScanner& scanner, uint64_t from, Lsn lsn);
  void ProcessFrame(size_t i, const Frame& frame);
  void ProcessSeal(size_t i, const Frame& frame);
  void ProcessState(size_t i, const Frame& frame);
  void FinishSegment(size_t i, SegmentScanner& scanner);
  bool FinishRotation(size_t i, SegmentScanner& scanner);
  bool HasNoFrames(const Segment& segment);
  static bool CutShort(const Segment& segment);
  void AddCutShort(size_t i, uint64_t from, Lsn lsn);
  void FindSuccessor(size_t i);

  // Records and spans.
  void TakeRecord(size_t i, const Frame& frame);
  void LoseRestOfSpan(size_t i, const Frame& frame);
  void Emit(const Record& record);
  void DropSpan();
  void Settle();

  void Add(FindingKind kind, const Segment& segment, uint64_t offset,
           uint64_t bytes, Lsn first, Lsn last, std::string detail);
  bool NameLost(absl::string_view before, Lsn last);
  void StopBefore(size_t i);
  bool IsLast(size_t i) const { return i + 1 == segments_.size(); }

  const std::string directory_;
  const ExamineOptions options_;
  FileSystem& fs_;
  const std::function<void(const Record&)> on_record_;

  std::deque<Segment> segments_;  // Stay where they are while it grows.
  RecoveryReport report_;
  JournalEnd end_;

  Cursor cursor_;   // Behind the last whole frame.
  Cursor settled_;  // The same, but never inside a span.
  Lsn expected_lsn_ = 1;
  uint64_t start_offset_ = kFirstFrameOffset;
  uint64_t previous_id_ = 0;
  bool chain_known_ = true;
  bool delivering_ = true;
  bool stopped_ = false;
  bool sealed_ = false;
  bool closed_ = false;
  bool finished_ = false;  // Torn tail or unfinished rotation: the end.
  uint64_t successor_id_ = 0;
  int relists_ = 0;

  struct SpanRecord {
    Record record;
    std::unique_ptr<char[]> bytes;
  };
  std::vector<SpanRecord> span_;
  uint64_t span_bytes_ = 0;
  Lsn span_first_lsn_ = 0;
};

// The seal frame that ends a segment, whole, and the chain after it. `end` is
// where the frame before it ends.
struct SealFrame {
  uint64_t offset = 0;
  uint64_t end = 0;
  Lsn lsn = 0;
  uint64_t chain_after = 0;
  std::string bytes;
};
SealFrame BuildSeal(const JournalUuid& uuid, uint64_t segment_id,
                    const Cursor& cursor, Lsn watermark, uint64_t successor_id);

Position MakePosition(uint64_t segment_id, uint64_t offset);
uint64_t PositionSegment(Position position);
uint64_t PositionOffset(Position position);

}  // namespace journal

#endif  // JOURNAL_EXAMINER_H_
