#include "journal/log_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/format.h"
#include "journal/frame.h"
#include "journal/segment_list.h"

namespace journal {
namespace {

// How often a directory is listed that changes before it is read.
constexpr int kListingsMax = 16;

}  // namespace

absl::StatusOr<LogReader::ReadSegment> LogReader::Open(uint64_t id) {
  absl::StatusOr<OpenedSegment> opened = OpenSegment(fs_, directory_, id);
  if (!opened.ok()) return opened.status();
  const std::string path = JoinPath(directory_, SegmentFileName(id));
  if (opened->state == HeaderState::kNewer) {
    return MakeError(ErrorKind::kNewerVersion,
                     absl::StrCat(path, ": written by a newer version"));
  }
  if (opened->state == HeaderState::kBad || opened->header.segment_id != id) {
    return MakeError(ErrorKind::kDamage,
                     absl::StrCat(path, ": the segment header is damaged"));
  }
  ReadSegment segment;
  segment.file = std::move(opened->file);
  segment.header = opened->header;
  segment.scanner = std::make_unique<SegmentScanner>(
      segment.file.get(), opened->file_bytes, segment.header.uuid, id);
  segment.scanner->Seek(kFirstFrameOffset, segment.header.first_lsn);
  return segment;
}

absl::Status LogReader::Start(Lsn start_lsn) {
  start_lsn_ = start_lsn;
  absl::StatusOr<ReadSegment> segment = Find();
  // A writer that removes segments may have done so since they were listed.
  for (int i = 1; i < kListingsMax; ++i) {
    if (KindOf(segment.status()) != ErrorKind::kNotFound) break;
    segment = Find();
  }
  if (!segment.ok()) return segment.status();
  if (absl::Status s = CheckKey(segment->header.key_id, cipher_); !s.ok()) {
    return WithContext(s, directory_);
  }
  current_ = *std::move(segment);
  confirmed_lsn_ = current_.header.watermark;
  begins_late_ = current_.header.first_lsn > std::max<Lsn>(start_lsn_, 1);
  return absl::OkStatus();
}

// The last segment that can be used and whose first LSN is not above the one
// asked for. Heads that cannot be used are passed over: whoever reads on up to
// one is told.
absl::StatusOr<LogReader::ReadSegment> LogReader::Find() {
  absl::StatusOr<std::vector<uint64_t>> ids = ListSegmentIds(fs_, directory_);
  if (!ids.ok()) return ids.status();
  if (ids->empty()) {
    return MakeError(ErrorKind::kNotFound,
                     absl::StrCat(directory_, ": no journal here"));
  }
  absl::optional<ReadSegment> found;
  size_t low = 0;
  size_t high = ids->size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    size_t at = middle;
    absl::StatusOr<ReadSegment> segment = Open((*ids)[at]);
    while (!segment.ok() && at > low) segment = Open((*ids)[--at]);
    if (KindOf(segment.status()) == ErrorKind::kNotFound) {
      return segment.status();
    }
    if (segment.ok() && segment->header.first_lsn > start_lsn_) {
      high = at;
      continue;
    }
    low = middle + 1;
    if (segment.ok()) found = *std::move(segment);
  }
  if (found.has_value()) return *std::move(found);
  return Open(ids->front());
}

ReadResult LogReader::Next() {
  if (damaged_.has_value()) return *damaged_;
  if (begins_late_) {
    begins_late_ = false;
    ReadResult result;
    result.outcome = ReadOutcome::kCompacted;
    result.first_lsn = current_.header.first_lsn;
    return result;
  }
  for (;;) {
    ReadResult result = NextRecord();
    if (result.outcome == ReadOutcome::kDamaged) damaged_ = result;
    if (result.outcome != ReadOutcome::kRecord ||
        result.record.lsn >= start_lsn_) {
      return result;
    }
  }
}

ReadResult LogReader::NextRecord() {
  if (!span_.open() && span_next_ < span_.records().size()) return FromSpan();
  for (bool fresh = false;;) {
    absl::optional<ReadResult> result;
    if (sealed_) {
      result = EnterNext();
    } else if (NothingNew()) {
      return ReadResult();
    } else {
      Frame frame;
      const ScanStep step = current_.scanner->Next(&frame);
      if (step == ScanStep::kFrame) {
        result = TakeFrame(frame);
      } else if (!fresh) {
        // The window may be older than what was appended before this call.
        fresh = true;
        current_.scanner->LookAgain();
      } else {
        result = AtEnd(step);
      }
    }
    if (result.has_value()) return *std::move(result);
  }
}

absl::optional<ReadResult> LogReader::TakeFrame(const Frame& frame) {
  confirmed_lsn_ = std::max(confirmed_lsn_, frame.header.watermark);
  if (frame.header.kind == FrameKind::kRecord) return TakeRecord(frame);
  if (span_.open()) {
    return Damaged(frame.offset, frame.header.lsn, "a span without an end");
  }
  sealed_ = frame.header.kind == FrameKind::kSeal;
  closed_ |= frame.header.kind == FrameKind::kClose;
  if (frame.header.kind > FrameKind::kClose &&
      (frame.header.flags & kIgnorable) == 0) {
    ReadResult result = Damaged(
        frame.offset, frame.header.lsn,
        "a frame of a kind that this program does not know: written by a newer "
        "version");
    result.finding.kind = FindingKind::kNewerFormat;
    return result;
  }
  return absl::nullopt;
}

absl::optional<ReadResult> LogReader::TakeRecord(const Frame& stored) {
  span_next_ = 0;
  Frame frame = stored;
  const absl::string_view wrong = decryptor_.Decrypt(current_.header, &frame);
  if (!wrong.empty()) return Damaged(frame.offset, frame.header.lsn, wrong);
  switch (span_.Add(current_.header.segment_id, frame)) {
    case SpanCollector::Outcome::kPart:
      return absl::nullopt;
    case SpanCollector::Outcome::kWhole:
      return FromSpan();
    case SpanCollector::Outcome::kTooLong:
      return Damaged(frame.offset, frame.header.lsn,
                     "a span longer than any writer makes");
    case SpanCollector::Outcome::kHeadless:
      return Damaged(frame.offset, frame.header.lsn,
                     "one of several records appended together, the first of "
                     "which is not here");
  }
  return absl::nullopt;
}

ReadResult LogReader::FromSpan() {
  ReadResult result;
  result.outcome = ReadOutcome::kRecord;
  result.record = span_.records()[span_next_++];
  return result;
}

// ---------------------------------------------------------------------------
// Where no next frame is

// A few bytes tell whether anything came since the tail was last seen empty: a
// writer writes in order, so that the first new frame shows here.
bool LogReader::NothingNew() {
  const uint64_t at = current_.scanner->offset();
  if (at != empty_offset_ || span_.open()) return false;
  const absl::StatusOr<uint64_t> size = current_.file->Size();
  if (!size.ok() || *size != current_.scanner->file_bytes()) return false;
  char bytes[kSectorBytes + kFrameAlignment] = {};
  const uint64_t sector = AlignUp(at, kSectorBytes);
  const absl::StatusOr<size_t> got =
      current_.file->ReadAt(at, bytes, sector - at + kFrameAlignment);
  if (!got.ok() || !AllZero(absl::string_view(bytes, *got))) return false;
  const absl::StatusOr<bool> successor = fs_.Exists(
      JoinPath(directory_, SegmentFileName(current_.header.segment_id + 1)));
  return successor.ok() && !*successor;
}

absl::optional<LogReader::Successor> LogReader::LookAtSuccessor() {
  absl::StatusOr<OpenedSegment> next =
      OpenSegment(fs_, directory_, current_.header.segment_id + 1);
  if (!next.ok() || next->state != HeaderState::kGood ||
      !SameJournal(next->header)) {
    return absl::nullopt;
  }
  Successor successor;
  successor.first_lsn = next->header.first_lsn;
  successor.confirmed = next->header.watermark;
  // Its first frame is written when the seal before it is durable.
  char first[kFrameHeaderBytes] = {};
  const absl::StatusOr<size_t> got =
      next->file->ReadAt(kFirstFrameOffset, first, sizeof(first));
  if (got.ok() && !AllZero(absl::string_view(first, sizeof(first)))) {
    successor.confirmed = successor.first_lsn - 1;
  }
  return successor;
}

bool LogReader::CutBackBefore(Lsn lsn) {
  if (end_lsn_ == 0) {
    const absl::optional<Successor> successor = LookAtSuccessor();
    if (successor.has_value()) end_lsn_ = successor->first_lsn - 1;
  }
  return end_lsn_ != 0 && end_lsn_ <= lsn;
}

// Nothing there, or something that is not the next frame: not written yet,
// being written, torn, or damage. Only what confirms it can tell.
absl::optional<ReadResult> LogReader::AtEnd(ScanStep step) {
  SegmentScanner& scanner = *current_.scanner;
  const Lsn lsn = span_.open() ? span_.first_lsn() : scanner.expected_lsn();
  Lsn confirmed = current_.header.watermark;
  if (step == ScanStep::kBad) {
    confirmed = std::max(confirmed, scanner.MaxWatermarkFrom(scanner.offset()));
  }
  const absl::optional<Successor> successor = LookAtSuccessor();
  if (successor.has_value()) {
    confirmed = std::max(confirmed, successor->confirmed);
  }
  confirmed_lsn_ = std::max(confirmed_lsn_, confirmed);
  const bool cut_back = successor.has_value() && successor->first_lsn <= lsn;
  // A successor says itself how far this one went.
  const bool cut_short = !closed_ && !successor.has_value() &&
                         scanner.file_bytes() < current_.header.zeroed_bytes;
  // What speaks against it was read after it: look at it again.
  scanner.LookAgain();
  Frame frame;
  const ScanStep again = scanner.Next(&frame);
  if (again == ScanStep::kFrame) return TakeFrame(frame);
  if (!scanner.read_errors().empty()) {
    const SegmentScanner::ReadError& error = scanner.read_errors().front();
    ReadResult result = Damaged(error.offset, lsn, error.message);
    result.finding.kind = FindingKind::kReadError;
    return result;
  }
  if (cut_back && !span_.open()) {
    return Damaged(
        scanner.offset(), lsn,
        "the log was cut back: what was read here was never durable");
  }
  if (confirmed >= lsn || cut_short) {
    return Damaged(
        again == ScanStep::kBad ? scanner.bad().offset : scanner.offset(), lsn,
        again == ScanStep::kBad ? scanner.bad().reason
        : cut_short             ? "the file has been cut short"
                                : "confirmed frames are not there");
  }
  empty_offset_ = again == ScanStep::kEnd ? scanner.offset() : 0;
  scanner.Seek(scanner.offset(), scanner.expected_lsn());
  ForgetHalfSpan();
  return ReadResult();
}

// Recovery cuts a span that was not written whole: read it again next time.
void LogReader::ForgetHalfSpan() {
  if (!span_.open()) return;
  current_.scanner->Seek(span_.first_offset(), span_.first_lsn());
  span_.Drop();
}

absl::optional<ReadResult> LogReader::EnterNext() {
  const uint64_t id = current_.header.segment_id + 1;
  const Lsn expected = current_.scanner->expected_lsn();
  absl::StatusOr<ReadSegment> next = Open(id);
  if (!next.ok()) return CannotEnter(id, next.status());
  if (!SameJournal(next->header) || next->header.first_lsn != expected) {
    ReadResult result =
        Damaged(0, expected, "does not continue its predecessor");
    result.finding.kind = FindingKind::kSegmentChain;
    result.finding.file = SegmentFileName(id);
    return result;
  }
  Enter(*std::move(next));
  return absl::nullopt;
}

void LogReader::Enter(ReadSegment next) {
  current_ = std::move(next);
  confirmed_lsn_ = std::max(confirmed_lsn_, current_.header.watermark);
  sealed_ = false;
  closed_ = false;
  end_lsn_ = 0;
  empty_offset_ = 0;
}

ReadResult LogReader::CannotEnter(uint64_t id, const absl::Status& status) {
  ReadResult result =
      Damaged(0, current_.scanner->expected_lsn(), status.message());
  result.finding.kind = FindingKindOf(status);
  result.finding.file = SegmentFileName(id);
  if (KindOf(status) != ErrorKind::kNotFound) return result;
  const absl::StatusOr<std::vector<uint64_t>> ids =
      ListSegmentIds(fs_, directory_);
  if (!ids.ok() || ids->empty() || ids->front() <= id) return result;
  result.outcome = ReadOutcome::kCompacted;
  absl::StatusOr<ReadSegment> first = Open(ids->front());
  if (!first.ok() || !SameJournal(first->header)) return result;
  result.first_lsn = first->header.first_lsn;
  // Said once: then it goes on with what is left.
  Enter(*std::move(first));
  return result;
}

ReadResult LogReader::Damaged(uint64_t offset, Lsn lsn,
                              absl::string_view detail) {
  ReadResult result;
  result.outcome = ReadOutcome::kDamaged;
  result.finding.kind = FindingKind::kAckedLoss;
  result.finding.file = SegmentFileName(current_.header.segment_id);
  result.finding.offset = offset;
  result.finding.first_lsn = lsn;
  result.finding.detail = std::string(detail);
  return result;
}

// ---------------------------------------------------------------------------
// One record

ReadResult LogReader::ReadAt(Position position) {
  const uint64_t id = PositionSegment(position);
  const uint64_t offset = PositionOffset(position);
  if (random_.scanner == nullptr || random_.header.segment_id != id) {
    absl::StatusOr<ReadSegment> segment = Open(id);
    if (!segment.ok()) {
      ReadResult result = Damaged(0, 0, segment.status().message());
      result.finding.kind = FindingKindOf(segment.status());
      if (KindOf(segment.status()) == ErrorKind::kNotFound) {
        result.outcome = ReadOutcome::kCompacted;
      }
      result.finding.file = SegmentFileName(id);
      return result;
    }
    random_ = *std::move(segment);
  }
  Frame frame;
  SegmentScanner& scanner = *random_.scanner;
  ScanStep step = scanner.ReadFrameAt(offset, &frame);
  if (step == ScanStep::kBad) {
    // Window and size may be older than the frame.
    scanner.LookAgain();
    step = scanner.ReadFrameAt(offset, &frame);
  }
  if (step != ScanStep::kFrame || frame.header.kind != FrameKind::kRecord) {
    ReadResult result = Damaged(offset, 0,
                                step == ScanStep::kFrame
                                    ? "no record lies there"
                                    : absl::string_view(scanner.bad().reason));
    result.finding.file = SegmentFileName(id);
    for (const SegmentScanner::ReadError& error : scanner.read_errors()) {
      if (error.offset >= std::max(scanner.bad().end, offset + 1) ||
          error.offset + error.bytes <= offset) {
        continue;
      }
      result.finding.kind = FindingKind::kReadError;
      result.finding.detail = error.message;
      break;
    }
    return result;
  }
  const absl::string_view wrong =
      SameJournal(random_.header)
          ? random_decryptor_.Decrypt(random_.header, &frame)
          : "belongs to another journal, or is encrypted otherwise";
  ReadResult result;
  if (wrong.empty()) {
    result.outcome = ReadOutcome::kRecord;
    result.record = MakeRecord(id, frame);
  } else {
    result = Damaged(offset, frame.header.lsn, wrong);
    result.finding.file = SegmentFileName(id);
  }
  return result;
}

}  // namespace journal
