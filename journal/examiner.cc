#include "journal/examiner.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/clock.h"
#include "journal/error.h"
#include "journal/frame.h"

namespace journal {
namespace {

// How often the list of segments grows because a living writer rotates.
constexpr int kRelistMax = 1000;

// How often a place in one segment is looked at once more.
constexpr int kReadsAgainMax = 64;

}  // namespace

Examiner::Examiner(absl::string_view directory, const ExamineOptions& options,
                   std::function<void(const Record&)> on_record)
    : directory_(directory),
      options_(options),
      fs_(options.file_system ? *options.file_system : *FileSystem::Posix()),
      on_record_(std::move(on_record)) {
  report_.mode = options.mode;
}

absl::StatusOr<Examination> Examiner::Run() {
  const absl::Duration start_time = Clock::Real()->Monotonic();
  absl::StatusOr<SegmentList> list = ListSegments(fs_, directory_);
  if (!list.ok()) return list.status();
  list_ = *std::move(list);
  end_.uuid = list_.uuid;
  report_.journal_uuid = UuidHex(list_.uuid);
  Take(&list_.findings);
  Walk(ChooseStart());
  report_.last_lsn = settled_.last_lsn;
  report_.records = settled_.records;
  report_.closed = closed_ && !sealed_;
  report_.action = Decide(report_.outcome, report_.mode);
  if (report_.outcome != FindingKind::kCleanEnd &&
      end_.cut_end > settled_.end_offset) {
    report_.bytes_cut = end_.cut_end - settled_.end_offset;
  }
  report_.elapsed = Clock::Real()->Monotonic() - start_time;
  return Examination{std::move(report_), std::move(end_)};
}

// ---------------------------------------------------------------------------
// From segment to segment

void Examiner::Walk(size_t start) {
  BeginAt(start);
  for (size_t i = start; i < list_.segments.size() && !finished_; ++i) {
    const ListedSegment& segment = list_.segments[i];
    // What a missing one held is said when the next one has been entered.
    if (segment.id != previous_id_ + 1) StopBefore(i);
    if (!segment.usable) {
      StopBefore(i);
      chain_known_ = false;
      continue;
    }
    EnterSegment(i);
    ScanSegment(i);
    start_offset_ = kFirstFrameOffset;
  }
  if (!stopped_) end_.cursor = settled_;
  NameLost("", 0);
  if (end_.rotation_unfinished) {
    cursor_ = Cursor();
    cursor_.end_offset = kFirstFrameOffset;
    sealed_ = false;
    Describe(list_.segments.size() - 1);
  }
}

void Examiner::BeginAt(size_t start) {
  const ListedSegment& segment = list_.segments[start];
  if (start_offset_ == kFirstFrameOffset) {
    if (start > 0 && segment.usable) {
      cursor_.last_lsn = segment.header.first_lsn - 1;
      cursor_.records = segment.header.records_before;
      cursor_.chain = segment.header.chain_start;
      cursor_.end_offset = segment.header.predecessor_bytes;
    } else {
      cursor_.chain = FirstChain(end_.uuid);
    }
  }
  previous_id_ = start == 0 ? 0 : list_.segments[start - 1].id;
  expected_lsn_ = cursor_.last_lsn + 1;
  settled_ = cursor_;
}

void Examiner::EnterSegment(size_t i) {
  const ListedSegment& segment = list_.segments[i];
  const SegmentHeader& header = segment.header;
  if (start_offset_ == kFirstFrameOffset) {
    CheckHead(i);
    cursor_.last_lsn = header.first_lsn - 1;
    cursor_.chain = header.chain_start;
    cursor_.records = header.records_before;
    cursor_.segment_records = 0;
    chain_known_ = true;
    expected_lsn_ = header.first_lsn;
    if (!stopped_ && header.state_segment_id != 0 &&
        header.state_lsn > end_.state.lsn) {
      end_.state.segment_id = header.state_segment_id;
      end_.state.offset = header.state_offset;
      end_.state.lsn = header.state_lsn;
    }
  }
  cursor_.end_offset = start_offset_;
  report_.watermark = std::max(report_.watermark, header.watermark);
  sealed_ = false;
  closed_ = false;
  watermark_raised_ = false;
  cut_short_named_ = false;
  reads_again_ = 0;
  previous_id_ = segment.id;
  if (!stopped_) {
    settled_ = cursor_;
    end_.header = header;
    end_.sealed = false;
    end_.cut_end = 0;
  }
}

// The head of a segment against what came before it.
void Examiner::CheckHead(size_t i) {
  const ListedSegment& segment = list_.segments[i];
  const SegmentHeader& header = segment.header;
  const bool fits = header.first_lsn == expected_lsn_ &&
                    header.predecessor_id == previous_id_ &&
                    header.predecessor_bytes ==
                        (previous_id_ == 0 ? 0 : cursor_.end_offset) &&
                    header.chain_start == cursor_.chain &&
                    header.records_before == cursor_.records;
  // After damage only the numbers say what is missing.
  if (chain_known_ && previous_id_ + 1 == segment.id && !fits) {
    Add(FindingKind::kSegmentChain, segment.name, 0, 0, expected_lsn_,
        header.first_lsn > expected_lsn_ ? header.first_lsn - 1 : 0,
        "does not continue its predecessor");
    StopBefore(i);
  } else if (header.first_lsn > expected_lsn_) {
    if (!NameLost(segment.name, header.first_lsn - 1)) {
      Add(FindingKind::kAckedLoss, segment.name, 0, 0, expected_lsn_,
          header.first_lsn - 1, "records before this segment are lost");
    }
    StopBefore(i);
  }
}

void Examiner::ScanSegment(size_t i) {
  ListedSegment& segment = list_.segments[i];
  absl::StatusOr<std::unique_ptr<File>> file =
      fs_.Open(JoinPath(directory_, segment.name), OpenMode::kRead);
  if (!file.ok()) {
    Add(FindingKind::kReadError, segment.name, 0, 0, expected_lsn_, 0,
        std::string(file.status().message()));
    StopBefore(i + 1);
    chain_known_ = false;
    return;
  }
  // A living writer may have trimmed it since it was listed.
  if (absl::StatusOr<uint64_t> size = (*file)->Size(); size.ok()) {
    segment.file_bytes = *size;
  }
  SegmentScanner scanner(file->get(), segment.file_bytes, end_.uuid,
                         segment.id);
  scanner.Seek(start_offset_, expected_lsn_);
  Frame frame;
  // Behind a seal there is nothing: FinishSealed looks.
  while (!sealed_ && !finished_ && NextFrame(i, scanner, &frame)) {
    ProcessFrame(i, frame);
    expected_lsn_ = scanner.expected_lsn();
  }
  FinishSegment(i, scanner);
  for (const SegmentScanner::ReadError& error : scanner.read_errors()) {
    Add(FindingKind::kReadError, segment.name, error.offset, error.bytes, 0, 0,
        absl::StrCat("the disk did not return ", error.bytes,
                     " bytes: ", error.message));
  }
  Describe(i);
}

void Examiner::Describe(size_t i) {
  const ListedSegment& segment = list_.segments[i];
  SegmentInfo info;
  info.id = segment.id;
  info.file = segment.name;
  info.first_lsn = segment.header.first_lsn;
  info.last_lsn = cursor_.last_lsn;
  info.file_bytes = segment.file_bytes;
  info.end_offset = cursor_.end_offset;
  info.created = absl::FromUnixNanos(segment.header.created_unix_ns);
  info.sealed = sealed_;
  info.closed = closed_;
  report_.segments.push_back(std::move(info));
}

// ---------------------------------------------------------------------------
// From frame to frame

// The next frame that the walk goes on with; false at the segment's end.
bool Examiner::NextFrame(size_t i, SegmentScanner& scanner, Frame* frame) {
  switch (scanner.Next(frame)) {
    case ScanStep::kFrame:
      return true;
    case ScanStep::kBad:
      return HandleBad(i, scanner, frame);
    case ScanStep::kEnd:
      // A seal that is not there means damage once the successor has frames.
      // Beside a living writer both may just have been written: what shows
      // that it is missing was read first, so that it is there now or never.
      return !IsLast(i) && !IsUnfinishedRotation(i, scanner) &&
             ReadAgain(i, scanner, frame);
  }
  return false;
}

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

void Examiner::ProcessFrame(size_t i, const Frame& frame) {
  report_.watermark = std::max(report_.watermark, frame.header.watermark);
  end_.state.bytes_since += frame.end - frame.offset;
  switch (frame.header.kind) {
    case FrameKind::kState:
      ProcessState(i, frame);
      break;
    case FrameKind::kSeal:
      ProcessSeal(i, frame);
      break;
    case FrameKind::kClose:
      ProcessClose(i, frame);
      break;
    case FrameKind::kRecord:
    case FrameKind::kWatermark:
      break;
    default:
      if ((frame.header.flags & kIgnorable) != 0) break;
      Add(FindingKind::kNewerFormat, list_.segments[i].name, frame.offset, 0,
          frame.header.lsn, frame.header.lsn,
          absl::StrCat("a frame of kind ", static_cast<int>(frame.header.kind),
                       ", which this program does not know"));
  }
  const uint64_t frame_start = cursor_.end_offset;
  cursor_.last_lsn = frame.header.lsn;
  cursor_.end_offset = frame.end;
  cursor_.chain = ExtendChain(cursor_.chain, frame.header);
  if (frame.header.kind == FrameKind::kRecord) {
    TakeRecord(i, frame);
  } else if (span_.open()) {
    LoseSpan(i, frame_start, "a span without an end");
  } else {
    Settle();
  }
}

void Examiner::ProcessClose(size_t i, const Frame& frame) {
  SealBody close;
  closed_ = DecodeSealBody(frame.body, &close) && close.successor_id == 0;
  if (closed_ && (!chain_known_ || close.chain == cursor_.chain)) return;
  Add(FindingKind::kAckedLoss, list_.segments[i].name, frame.offset, 0,
      frame.header.lsn, frame.header.lsn,
      "the close frame disagrees with the frames before it");
}

void Examiner::ProcessSeal(size_t i, const Frame& frame) {
  SealBody seal;
  sealed_ = true;
  if (DecodeSealBody(frame.body, &seal) &&
      seal.successor_id == list_.segments[i].id + 1 &&
      (!chain_known_ || (seal.chain == cursor_.chain &&
                         seal.records == cursor_.segment_records))) {
    return;
  }
  Add(FindingKind::kAckedLoss, list_.segments[i].name, frame.offset, 0,
      frame.header.lsn, frame.header.lsn,
      "the seal frame disagrees with the frames before it");
}

void Examiner::ProcessState(size_t i, const Frame& frame) {
  StatePrefix prefix;
  absl::string_view state;
  if (!DecodeStateBody(frame.body, &prefix, &state) ||
      prefix.as_of_lsn + 1 != frame.header.lsn ||
      (chain_known_ &&
       (prefix.chain != cursor_.chain || prefix.records != cursor_.records))) {
    Add(FindingKind::kAckedLoss, list_.segments[i].name, frame.offset, 0,
        frame.header.lsn, frame.header.lsn,
        "the state frame disagrees with the frames before it");
    return;
  }
  if (stopped_) return;
  end_.state.segment_id = list_.segments[i].id;
  end_.state.offset = frame.offset;
  end_.state.lsn = frame.header.lsn;
  end_.state.state_bytes = state.size();
  end_.state.bytes_since = 0;
}

// ---------------------------------------------------------------------------
// The end of a segment

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

// ---------------------------------------------------------------------------
// Records and spans

void Examiner::TakeRecord(size_t i, const Frame& frame) {
  ++cursor_.records;
  ++cursor_.segment_records;
  switch (span_.Add(list_.segments[i].id, frame)) {
    case SpanCollector::Outcome::kPart:
      return;
    case SpanCollector::Outcome::kWhole:
      for (const Record& record : span_.records()) Emit(record);
      Settle();
      return;
    case SpanCollector::Outcome::kHeadless:
      LoseRestOfSpan(i, frame);
      return;
    case SpanCollector::Outcome::kTooLong:
      LoseSpan(i, frame.offset, "a span longer than any writer makes");
      return;
  }
}

// A record of a span whose head is damaged: all of them or none.
void Examiner::LoseRestOfSpan(size_t i, const Frame& frame) {
  if (!report_.findings.empty()) {
    Finding& before = report_.findings.back();
    if (before.kind == FindingKind::kAckedLoss &&
        before.file == list_.segments[i].name &&
        before.last_lsn + 1 == frame.header.lsn) {
      before.last_lsn = frame.header.lsn;
      return;
    }
  }
  Add(FindingKind::kAckedLoss, list_.segments[i].name, frame.offset, 0,
      frame.header.lsn, frame.header.lsn,
      "one of several records appended together, the first of which is lost");
  StopBefore(i + 1);
}

void Examiner::LoseSpan(size_t i, uint64_t offset, absl::string_view why) {
  Add(FindingKind::kAckedLoss, list_.segments[i].name, offset, 0,
      span_.first_lsn(), std::max(cursor_.last_lsn, span_.first_lsn()),
      std::string(why));
  span_.Drop();
  StopBefore(i + 1);
}

void Examiner::Emit(const Record& record) {
  if (!delivering_) return;
  if (options_.folder != nullptr) options_.folder->Fold(record);
  if (on_record_) on_record_(record);
}

void Examiner::Settle() {
  if (!stopped_) settled_ = cursor_;
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
