// What an examination makes of something that is not the next frame, and how it
// says so.

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/examiner.h"
#include "journal/frame.h"

namespace journal {
namespace {

// How often a place in one segment is looked at once more.
constexpr int kReadsAgainMax = 64;

}  // namespace

// At something that is not the next frame. Returns true if the walk goes on
// with `frame`.
bool Examiner::HandleBad(size_t i, SegmentScanner& scanner, Frame* frame) {
  if (IsUnfinishedRotation(i, scanner)) return false;
  const Lsn lost_from = span_.open() ? span_.first_lsn() : expected_lsn_;
  const uint64_t from =
      span_.open() ? settled_.end_offset : scanner.bad().offset;
  if (IsLast(i) && !closed_) RaiseWatermark(scanner, cursor_.end_offset);
  // What confirms it was read after it.
  if (ReadAgain(i, scanner, frame)) return true;
  if (IsTorn(i, scanner, lost_from)) {
    AddTorn(i, scanner, from, lost_from);
    return false;
  }
  return AddDamage(i, scanner, lost_from, frame);
}

// Once for all that lies ahead, so that a file full of bad places is not read
// once for each.
void Examiner::RaiseWatermark(SegmentScanner& scanner, uint64_t offset) {
  if (watermark_raised_) return;
  watermark_raised_ = true;
  report_.watermark =
      std::max(report_.watermark, scanner.MaxWatermarkFrom(offset));
}

bool Examiner::ReadAgain(size_t i, SegmentScanner& scanner, Frame* frame) {
  // Nothing is written behind a frame that was found bad in a quiet journal:
  // one look more is cheap, and only the first bad place can be one that was
  // being written.
  if (stopped_ || reads_again_++ >= kReadsAgainMax) return false;
  scanner.LookAgain();
  list_.segments[i].file_bytes = scanner.file_bytes();
  return scanner.Next(frame) == ScanStep::kFrame;
}

// Unconfirmed, in the newest segment, and no more than can have been in flight.
bool Examiner::IsTorn(size_t i, SegmentScanner& scanner, Lsn lost_from) {
  if (!IsLast(i) || sealed_ || closed_ || CutShort(i) ||
      report_.watermark >= lost_from) {
    return false;
  }
  const uint64_t from = span_.open() ? settled_.end_offset : scanner.offset();
  return scanner.NonZeroEnd(from) <=
         AlignUp(from, kSectorBytes) +
             list_.segments[i].header.max_unsynced_bytes;
}

void Examiner::AddTorn(size_t i, SegmentScanner& scanner, uint64_t from,
                       Lsn lsn) {
  const uint64_t end = std::max(scanner.NonZeroEnd(from), from);
  Add(FindingKind::kTornTail, list_.segments[i].name, from, end - from, lsn, 0,
      absl::StrCat("a torn tail of ", end - from,
                   " bytes that nothing confirms: written when the writer "
                   "died, and never acknowledged as confirmed"));
  span_.Drop();
  finished_ = true;
  if (!stopped_ || end_.header.segment_id == list_.segments[i].id) {
    end_.cut_end = std::max(end_.cut_end, end);
  }
}

// Names what is damaged and looks for the next whole frame.
bool Examiner::AddDamage(size_t i, SegmentScanner& scanner, Lsn lost_from,
                         Frame* frame) {
  const SegmentScanner::Bad bad = scanner.bad();
  const std::string& name = list_.segments[i].name;
  const bool in_span = span_.open();
  const bool more = scanner.Resync(frame) == ScanStep::kFrame;
  if (more && !in_span && frame->header.lsn == expected_lsn_) {
    Add(FindingKind::kNoRecordLost, name, bad.offset,
        frame->offset - bad.offset, expected_lsn_, expected_lsn_,
        absl::StrCat("bytes before the record LSN ", expected_lsn_,
                     " are damaged; no record is lost (", bad.reason, ")"));
    // Zeros longer than a writer leaves would be taken for the end.
    if (frame->offset == AlignUp(cursor_.end_offset, kSectorBytes)) {
      AddStray(i, cursor_.end_offset, frame->offset);
    }
    return true;
  }
  span_.Drop();
  StopBefore(i + 1);
  chain_known_ = false;
  Lsn last = std::max(report_.watermark, lost_from);
  uint64_t end = 0;
  if (more) {
    last = std::max(frame->header.lsn - 1, lost_from);
    end = frame->offset;
    cursor_.last_lsn = frame->header.lsn - 1;
  } else {
    // A checksum or a body may well end in zeros.
    end = std::max(scanner.NonZeroEnd(bad.offset), bad.end);
    if (!IsLast(i) && list_.segments[i + 1].usable) {
      // The successor's head says how far this segment went.
      last = std::max(list_.segments[i + 1].header.first_lsn - 1, lost_from);
    }
  }
  expected_lsn_ = last + 1;
  std::string detail = bad.reason;
  if (!more && IsLast(i) && !closed_ && CutShort(i)) {
    absl::StrAppend(&detail, "; ", CutShortText(i));
    cut_short_named_ = true;
    end = scanner.file_bytes();
    last = 0;  // How far it went, nobody can say.
  }
  Add(FindingKind::kAckedLoss, name, bad.offset, end - bad.offset, lost_from,
      last, std::move(detail));
  return more;
}

void Examiner::AddStray(size_t i, uint64_t from, uint64_t to) {
  if (stopped_ || end_.strays.size() >= kFindingsMax) return;
  end_.strays.push_back({list_.segments[i].id, from, to});
}

// ---------------------------------------------------------------------------
// Findings

Finding* Examiner::Add(FindingKind kind, absl::string_view file,
                       uint64_t offset, uint64_t bytes, Lsn first, Lsn last,
                       std::string detail) {
  // Also of those that are not kept.
  report_.outcome = std::max(report_.outcome, kind);
  if (report_.findings.size() >= kFindingsMax) {
    ++report_.findings_more;
    return nullptr;
  }
  report_.findings.push_back(
      {kind, std::string(file), offset, bytes, first, last, std::move(detail)});
  return &report_.findings.back();
}

void Examiner::Take(std::vector<Finding>* findings) {
  for (Finding& each : *findings) {
    Add(each.kind, each.file, each.offset, each.bytes, each.first_lsn,
        each.last_lsn, std::move(each.detail));
  }
  findings->clear();
}

// Segments that are not there or cannot be used say nothing of the LSNs that
// they held; the next one that can be used does, if there is one. Names the
// lost in the findings of all files `before` it (all, if empty). False if there
// were none.
bool Examiner::NameLost(absl::string_view before, Lsn last) {
  bool any = false;
  for (Finding& finding : report_.findings) {
    if (finding.first_lsn != 0 ||
        (finding.kind != FindingKind::kSegmentChain &&
         finding.kind != FindingKind::kHeadersBad) ||
        (!before.empty() && finding.file >= before)) {
      continue;
    }
    // A copy behind the end of a closed journal took nothing's place.
    if (last == 0 && closed_ && !sealed_) continue;
    finding.first_lsn = expected_lsn_;
    finding.last_lsn = last;
    any = true;
  }
  return any;
}

// From here on, what the log ends with does not change any more: damage lies
// ahead. `i` is the first segment that is given up whole.
void Examiner::StopBefore(size_t i) {
  if (stopped_) return;
  stopped_ = true;
  if (options_.mode != RecoveryMode::kSalvage) delivering_ = false;
  end_.cursor = settled_;
  for (size_t later = i; later < list_.segments.size(); ++later) {
    end_.given_up_segments.push_back(list_.segments[later].id);
  }
  // All that stands behind the good part of this segment goes with it.
  for (const ListedSegment& segment : list_.segments) {
    if (segment.id == end_.header.segment_id) end_.cut_end = segment.file_bytes;
  }
}

}  // namespace journal
