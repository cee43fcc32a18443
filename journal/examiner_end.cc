// What an examination asks where the frames of a segment end: whether it was
// sealed, closed, cut short, or left by a crash in the middle of a rotation.

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "journal/examiner.h"
#include "journal/frame.h"

namespace journal {
namespace {

// How often the list of segments grows because a living writer rotates.
constexpr int kRelistMax = 1000;

}  // namespace

void Examiner::FinishSegment(size_t i, SegmentScanner& scanner) {
  if (finished_) return;
  if (span_.open()) {
    if (IsLast(i) && !closed_) RaiseWatermark(scanner, settled_.end_offset);
    if (IsTorn(i, scanner, span_.first_lsn())) {
      AddTorn(i, scanner, settled_.end_offset, span_.first_lsn());
      return;
    }
    LoseSpan(i, settled_.end_offset, "a span without an end");
  }
  if (sealed_) {
    FinishSealed(i, scanner);
  } else if (!IsLast(i)) {
    FinishUnsealed(i);
  } else if (!closed_ && CutShort(i) && !cut_short_named_) {
    const ListedSegment& segment = list_.segments[i];
    Add(FindingKind::kAckedLoss, segment.name, segment.file_bytes,
        segment.header.zeroed_bytes - segment.file_bytes, expected_lsn_, 0,
        CutShortText(i));
    StopBefore(i + 1);
  }
}

void Examiner::FinishSealed(size_t i, SegmentScanner& scanner) {
  if (!stopped_) end_.sealed = true;
  const uint64_t end = scanner.NonZeroEnd(cursor_.end_offset);
  if (end > cursor_.end_offset) {
    Add(FindingKind::kNoRecordLost, list_.segments[i].name, cursor_.end_offset,
        end - cursor_.end_offset, cursor_.last_lsn, cursor_.last_lsn,
        absl::StrCat("bytes behind the seal (LSN ", cursor_.last_lsn,
                     ") are damaged; no record is lost"));
    AddStray(i, cursor_.end_offset, end);
  }
  if (IsLast(i)) FindSuccessor(i);
}

void Examiner::FinishUnsealed(size_t i) {
  const ListedSegment& next = list_.segments[i + 1];
  // Behind a close, nothing is written into a successor before the seal.
  if (!chain_known_ || (closed_ && !next.usable)) return;
  const bool counted = next.usable && next.header.first_lsn > expected_lsn_;
  Add(FindingKind::kAckedLoss, list_.segments[i].name, cursor_.end_offset, 0,
      expected_lsn_, counted ? next.header.first_lsn - 1 : 0,
      "ends without a seal although a later segment has begun");
  chain_known_ = false;
  if (counted) expected_lsn_ = next.header.first_lsn;
  StopBefore(i + 1);
}

// The newest listed segment is sealed: its successor must be there. A living
// writer may have made it since the directory was listed.
void Examiner::FindSuccessor(size_t i) {
  const uint64_t id = list_.segments[i].id + 1;
  const std::string name = SegmentFileName(id);
  const absl::StatusOr<bool> exists = fs_.Exists(JoinPath(directory_, name));
  if (!exists.ok()) {
    Add(FindingKind::kReadError, name, 0, 0, expected_lsn_, 0,
        std::string(exists.status().message()));
  } else if (!*exists && GoOnInSnapshot(id)) {
    return;
  } else if (!*exists || relists_++ >= kRelistMax) {
    Add(FindingKind::kSegmentChain, name, 0, 0, expected_lsn_, 0,
        absl::StrCat("is missing: ", list_.segments[i].name,
                     " is sealed and names it as its successor"));
  } else {
    list_.findings.clear();
    ListOneMore(fs_, directory_, id, &list_);
    Take(&list_.findings);
    last_has_no_frames_.reset();
    return;
  }
  StopBefore(i + 1);
}

// Only a seal or a close frame lets a file become shorter than it was
// zero-written to.
bool Examiner::CutShort(size_t i) const {
  return list_.segments[i].file_bytes < list_.segments[i].header.zeroed_bytes;
}

std::string Examiner::CutShortText(size_t i) const {
  return absl::StrCat("the file has ", list_.segments[i].file_bytes,
                      " bytes and was written to ",
                      list_.segments[i].header.zeroed_bytes,
                      ": it has been cut short, or the frame that closed it "
                      "is damaged");
}

// True at the end of a segment whose successor was created by a rotation that
// a crash interrupted before the seal was whole.
bool Examiner::IsUnfinishedRotation(size_t i, SegmentScanner& scanner) {
  if (finished_) return true;
  if (i + 2 != list_.segments.size() || sealed_ || !chain_known_ ||
      span_.open() || !list_.segments[i + 1].usable ||
      !HasNoFrames(list_.segments[i + 1])) {
    return false;
  }
  const SegmentHeader& next = list_.segments[i + 1].header;
  const SealFrame seal = BuildSeal(end_.uuid, list_.segments[i].id, cursor_,
                                   next.watermark, next.segment_id);
  if (seal.end != next.predecessor_bytes || seal.lsn + 1 != next.first_lsn ||
      seal.chain_after != next.chain_start ||
      !scanner.IsZero(cursor_.end_offset, seal.offset) ||
      !scanner.IsZero(seal.end, scanner.file_bytes())) {
    return false;
  }
  finished_ = true;
  report_.watermark = std::max(report_.watermark, next.watermark);
  if (!stopped_) {
    end_.rotation_unfinished = true;
    end_.successor = next;
  }
  return true;
}

bool Examiner::HasNoFrames(const ListedSegment& segment) {
  if (last_has_no_frames_.has_value()) return *last_has_no_frames_;
  absl::StatusOr<std::unique_ptr<File>> file =
      fs_.Open(JoinPath(directory_, segment.name), OpenMode::kRead);
  if (!file.ok()) {
    Add(FindingKind::kReadError, segment.name, 0, 0, 0, 0,
        std::string(file.status().message()));
    last_has_no_frames_ = false;
    return false;
  }
  SegmentScanner scanner(file->get(), segment.file_bytes, end_.uuid,
                         segment.id);
  last_has_no_frames_ = scanner.IsZero(kFirstFrameOffset, segment.file_bytes);
  return *last_has_no_frames_;
}

}  // namespace journal
