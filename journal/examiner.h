// The one walk over a journal that opening, verifying, salvaging and the tools
// share.
#ifndef JOURNAL_EXAMINER_H_
#define JOURNAL_EXAMINER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "journal/body_decryptor.h"
#include "journal/file_system.h"
#include "journal/recovery.h"
#include "journal/recovery_report.h"
#include "journal/seal_frame.h"
#include "journal/segment_header.h"
#include "journal/segment_list.h"
#include "journal/segment_scanner.h"
#include "journal/snapshot_choice.h"
#include "journal/span_collector.h"
#include "journal/types.h"

namespace journal {

// The newest state frame of a journal; segment 0 when there is none.
struct StatePlace {
  uint64_t segment_id = 0;
  uint64_t offset = 0;
  Lsn lsn = 0;
  uint64_t state_bytes = 0;  // 0 when it was not read.
  uint64_t bytes_since = 0;  // Bytes of frames that were walked behind it.
};

// Where the log ends, and what a writer must do to go on from there.
struct JournalEnd {
  JournalUuid uuid = {};
  KeyId key_id = {};     // Zero: not encrypted, or no segment can be used.
  SegmentHeader header;  // Of the segment in which it ends.
  Cursor cursor;
  bool sealed = false;  // The segment is sealed, its successor is gone.
  // Bytes of the segment that are torn or given up: [end_offset, cut_end).
  uint64_t cut_end = 0;
  // Later segments given up (mode point-in-time).
  std::vector<uint64_t> given_up_segments;
  // Segments that stay and have one good copy of their header.
  std::vector<uint64_t> half_headers;
  // Bytes that belong to no frame and should be zero, in segments that stay; at
  // most kFindingsMax.
  struct Stray {
    uint64_t segment_id = 0;
    uint64_t from = 0;
    uint64_t to = 0;
  };
  std::vector<Stray> strays;
  // The rotation to this header was begun and its seal is still to be written.
  bool rotation_unfinished = false;
  SegmentHeader successor;
  StatePlace state;
  // The snapshot that all this stands on; manifest_id 0: none.
  Manifest snapshot;
};

struct Examination {
  RecoveryReport report;
  JournalEnd end;
};

// Used once. Not thread-safe.
class Examiner {
 public:
  // `on_record` may be empty. Run() answers kKey as Examine() does.
  Examiner(absl::string_view directory, const ExamineOptions& options,
           std::function<void(const Record&)> on_record);

  absl::StatusOr<Examination> Run();

 private:
  absl::Status CheckKeyGiven() const;

  // What there is, and what a walk over all of it begins with
  // (examiner_base.cc).
  absl::Status Load(bool full);
  absl::Status LoadOnce(bool full);
  absl::Status StartFromBase();
  void SetCoveredAside();
  void CheckCovered();
  void CheckCoveredSegment(const ListedSegment& segment, Lsn last_lsn);
  void EmitSnapshot(Lsn from);
  void DescribeBase();
  bool GoOnInSnapshot(uint64_t segment_id);
  bool KeepGoing(uint64_t bytes) const;

  // Where to begin instead, when not all need be read (examiner_start.cc).
  bool StartQuickly(size_t* start);
  bool RestoreState(size_t* start);
  bool RestoreStateAt(size_t i, uint64_t offset, Lsn lsn);
  void CheckSkipped(size_t start);
  bool FollowsSnapshot(size_t start) const;
  bool EndsAsNamed(size_t i);

  bool NeedsSnapshot(size_t start) const;

  // The walk.
  void Walk(size_t start);
  void BeginAt(size_t start);
  void EnterSegment(size_t i);
  void CheckHead(size_t i);
  void ScanSegment(size_t i);
  bool NextFrame(size_t i, SegmentScanner& scanner, Frame* frame);
  bool HandleBad(size_t i, SegmentScanner& scanner, Frame* frame);
  bool IsTorn(size_t i, SegmentScanner& scanner, Lsn lost_from);
  void AddTorn(size_t i, SegmentScanner& scanner, uint64_t from, Lsn lsn);
  bool AddDamage(size_t i, SegmentScanner& scanner, Lsn lost_from,
                 Frame* frame);
  void AddStray(size_t i, uint64_t from, uint64_t to);
  bool ReadAgain(size_t i, SegmentScanner& scanner, Frame* frame);
  void RaiseWatermark(SegmentScanner& scanner, uint64_t offset);
  void ProcessFrame(size_t i, const Frame& frame);
  void ProcessClose(size_t i, const Frame& frame);
  void ProcessSeal(size_t i, const Frame& frame);
  void ProcessState(size_t i, const Frame& stored);
  void FinishSegment(size_t i, SegmentScanner& scanner);
  void FinishSealed(size_t i, SegmentScanner& scanner);
  void FinishUnsealed(size_t i);
  void FindSuccessor(size_t i);
  bool IsUnfinishedRotation(size_t i, SegmentScanner& scanner);
  bool HasNoFrames(const ListedSegment& segment);
  bool CutShort(size_t i) const;
  std::string CutShortText(size_t i) const;
  void Describe(size_t i);

  // Records and spans.
  void TakeRecord(size_t i, const Frame& stored);
  void LoseRecord(size_t i, const Frame& frame, absl::string_view why);
  void LoseRestOfSpan(size_t i, const Frame& frame);
  void LoseSpan(size_t i, uint64_t offset, absl::string_view why);
  void Emit(const Record& record);
  void Settle();

  // Returns the finding, or null when there are too many to be kept.
  Finding* Add(FindingKind kind, absl::string_view file, uint64_t offset,
               uint64_t bytes, Lsn first, Lsn last, std::string detail);
  void Take(std::vector<Finding>* findings);
  bool NameLost(absl::string_view before, Lsn last);
  void StopBefore(size_t i);
  bool IsLast(size_t i) const { return i + 1 == list_.segments.size(); }

  const std::string directory_;
  const ExamineOptions options_;
  FileSystem& fs_;
  const std::function<void(const Record&)> on_record_;

  SegmentList list_;
  PartChecks part_checks_;
  SnapshotChoice base_;
  std::vector<ListedSegment> covered_;  // By the snapshot; not walked.
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
  bool finished_ = false;  // Torn tail or unfinished rotation: the end.

  // Of the segment that is walked.
  bool sealed_ = false;
  bool closed_ = false;
  bool watermark_raised_ = false;  // All that lies ahead was looked at.
  bool cut_short_named_ = false;
  int reads_again_ = 0;

  absl::optional<bool> last_has_no_frames_;
  int relists_ = 0;
  uint64_t replaced_up_to_ = 0;  // By a snapshot made since the list was.
  SpanCollector span_;
  BodyDecryptor decryptor_;
};

}  // namespace journal

#endif  // JOURNAL_EXAMINER_H_
