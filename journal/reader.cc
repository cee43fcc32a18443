#include "journal/reader.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/examiner.h"
#include "journal/segment_header.h"
#include "journal/segment_scanner.h"

namespace journal {
namespace {

// A span on disk can be no longer than a writer lets it be; a hostile file is
// stopped here.
constexpr uint64_t kSpanBytesMax = 64 << 20;

// One open segment.
struct OpenSegment {
  std::unique_ptr<File> file;
  SegmentHeader header;
  std::unique_ptr<SegmentScanner> scanner;
};

class JournalReader final : public Reader {
 public:
  JournalReader(absl::string_view directory, FileSystem& fs, Lsn start_lsn)
      : directory_(directory), fs_(fs), start_lsn_(start_lsn) {}

  // Opens the segment that holds `start_lsn`.
  absl::Status Start();

  ReadResult Next() override;
  ReadResult ReadAt(Position position) override;

 private:
  absl::StatusOr<OpenSegment> OpenSegmentFile(uint64_t id);
  absl::StatusOr<std::vector<uint64_t>> ListIds();

  // The next record, spans taken apart; kRecord, kEnd or kDamaged.
  ReadResult NextRecord();
  ReadResult TakeFrame(const Frame& frame);
  ReadResult FromSpan();
  ReadResult AtEnd();
  ReadResult AtBad();
  // After a seal: kRecord means "go on", else what to answer.
  ReadResult EnterNext();
  bool NothingNew();
  bool GrewOrShrank();
  ReadResult Damaged(uint64_t offset, Lsn lsn, absl::string_view detail);
  void RestartSpan();
  void ForgetHalfSpan();
  Record MakeRecord(uint64_t segment_id, const Frame& frame) const;

  const std::string directory_;
  FileSystem& fs_;
  const Lsn start_lsn_;
  OpenSegment current_;
  bool sealed_ = false;
  absl::optional<ReadResult> damaged_;  // Once there, the reader stays.

  struct SpanRecord {
    Record record;
    std::unique_ptr<char[]> bytes;
  };
  std::vector<SpanRecord> span_;
  uint64_t span_bytes_ = 0;
  bool span_whole_ = false;
  size_t span_next_ = 0;

  // Where an empty tail was last seen, so that following need not read it all
  // again each time.
  uint64_t empty_offset_ = 0;

  OpenSegment random_;  // For ReadAt.
};

ReadResult End() { return ReadResult(); }

absl::StatusOr<OpenSegment> JournalReader::OpenSegmentFile(uint64_t id) {
  OpenSegment segment;
  const std::string path = JoinPath(directory_, SegmentFileName(id));
  absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(path, OpenMode::kRead);
  if (!file.ok()) return file.status();
  segment.file = *std::move(file);
  absl::StatusOr<uint64_t> size = segment.file->Size();
  if (!size.ok()) return size.status();
  char bytes[kFirstFrameOffset] = {};
  absl::StatusOr<size_t> got = segment.file->ReadAt(0, bytes, sizeof(bytes));
  if (!got.ok()) return got.status();
  HeaderState state = DecodeSegmentHeader(bytes, &segment.header);
  if (state == HeaderState::kBad) {
    state = DecodeSegmentHeader(bytes + kSegmentHeaderBytes, &segment.header);
  }
  if (state == HeaderState::kNewer) {
    return MakeError(ErrorKind::kNewerVersion,
                     absl::StrCat(path, ": written by a newer version"));
  }
  if (state == HeaderState::kBad || segment.header.segment_id != id) {
    return MakeError(ErrorKind::kDamage,
                     absl::StrCat(path, ": the segment header is damaged"));
  }
  segment.scanner = std::make_unique<SegmentScanner>(segment.file.get(), *size,
                                                     segment.header.uuid, id);
  segment.scanner->Seek(kFirstFrameOffset, segment.header.first_lsn);
  return segment;
}

absl::StatusOr<std::vector<uint64_t>> JournalReader::ListIds() {
  absl::StatusOr<std::vector<std::string>> names = fs_.List(directory_);
  if (!names.ok()) return names.status();
  std::vector<uint64_t> ids;
  for (const std::string& name : *names) {
    if (absl::optional<uint64_t> id = ParseSegmentFileName(name)) {
      ids.push_back(*id);
    }
  }
  std::sort(ids.begin(), ids.end());
  if (ids.empty()) {
    return MakeError(ErrorKind::kNotFound,
                     absl::StrCat(directory_, ": no journal here"));
  }
  return ids;
}

absl::Status JournalReader::Start() {
  absl::StatusOr<std::vector<uint64_t>> ids = ListIds();
  if (!ids.ok()) return ids.status();
  // The last segment whose first LSN is not above the one asked for.
  size_t low = 0;
  size_t high = ids->size();
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    absl::StatusOr<OpenSegment> segment = OpenSegmentFile((*ids)[middle]);
    if (!segment.ok()) return segment.status();
    (segment->header.first_lsn <= start_lsn_ ? low : high) = middle;
  }
  absl::StatusOr<OpenSegment> segment = OpenSegmentFile((*ids)[low]);
  if (!segment.ok()) return segment.status();
  current_ = *std::move(segment);
  return absl::OkStatus();
}

ReadResult JournalReader::Next() {
  if (damaged_.has_value()) return *damaged_;
  for (;;) {
    ReadResult result = NextRecord();
    if (result.outcome == ReadOutcome::kDamaged) damaged_ = result;
    if (result.outcome != ReadOutcome::kRecord ||
        result.record.lsn >= start_lsn_) {
      return result;
    }
  }
}

ReadResult JournalReader::NextRecord() {
  if (span_whole_ && span_next_ < span_.size()) return FromSpan();
  if (span_whole_) RestartSpan();
  for (bool fresh = false;;) {
    if (sealed_) {
      ReadResult entered = EnterNext();
      if (entered.outcome != ReadOutcome::kRecord) return entered;
      continue;
    }
    if (NothingNew()) return AtEnd();
    Frame frame;
    ReadResult result;
    switch (current_.scanner->Next(&frame)) {
      case ScanStep::kFrame:
        result = TakeFrame(frame);
        if (result.outcome != ReadOutcome::kEnd) return result;
        continue;
      case ScanStep::kEnd:
        // The window may be older than what was appended before this call.
        empty_offset_ = current_.scanner->offset();
        if (fresh || NothingNew()) return AtEnd();
        fresh = true;
        current_.scanner->Seek(current_.scanner->offset(),
                               current_.scanner->expected_lsn());
        continue;
      case ScanStep::kBad:
        return AtBad();
    }
  }
}

// kEnd here means: nothing for the caller in this frame, go on.
ReadResult JournalReader::TakeFrame(const Frame& frame) {
  const uint64_t id = current_.header.segment_id;
  if (frame.header.kind != FrameKind::kRecord) {
    if (!span_.empty()) {
      return Damaged(frame.offset, frame.header.lsn, "a span without an end");
    }
    sealed_ = frame.header.kind == FrameKind::kSeal;
    if (frame.header.kind > FrameKind::kClose &&
        (frame.header.flags & kIgnorable) == 0) {
      return Damaged(frame.offset, frame.header.lsn,
                     "a frame of a kind that this program does not know: "
                     "written by a newer version");
    }
    return End();
  }
  const bool continues = (frame.header.flags & kSpanContinues) != 0;
  if (!continues && span_.empty()) {
    ReadResult result;
    result.outcome = ReadOutcome::kRecord;
    result.record = MakeRecord(id, frame);
    return result;
  }
  span_bytes_ += frame.body.size() + sizeof(SpanRecord);
  if (span_bytes_ > kSpanBytesMax) {
    return Damaged(frame.offset, frame.header.lsn,
                   "a span longer than any writer makes");
  }
  SpanRecord held{MakeRecord(id, frame),
                  std::make_unique_for_overwrite<char[]>(frame.body.size())};
  std::copy(frame.body.begin(), frame.body.end(), held.bytes.get());
  held.record.body = absl::string_view(held.bytes.get(), frame.body.size());
  span_.push_back(std::move(held));
  if (continues) return End();
  span_whole_ = true;
  return FromSpan();
}

ReadResult JournalReader::FromSpan() {
  ReadResult result;
  result.outcome = ReadOutcome::kRecord;
  result.record = span_[span_next_++].record;
  return result;
}

Record JournalReader::MakeRecord(uint64_t segment_id,
                                 const Frame& frame) const {
  Record record;
  record.lsn = frame.header.lsn;
  record.position = MakePosition(segment_id, frame.offset);
  record.type = frame.header.type;
  record.ignorable = (frame.header.flags & kIgnorable) != 0;
  record.body = frame.body;
  return record;
}

// A few bytes tell whether anything came since the tail was last seen empty: a
// writer writes in order, so that the first new frame shows here.
bool JournalReader::NothingNew() {
  const uint64_t at = current_.scanner->offset();
  if (at != empty_offset_) return false;
  if (GrewOrShrank()) return false;
  char bytes[kSectorBytes + kFrameAlignment] = {};
  const uint64_t sector = AlignUp(at, kSectorBytes);
  const absl::StatusOr<size_t> got =
      current_.file->ReadAt(at, bytes, sector - at + kFrameAlignment);
  return got.ok() && AllZero(absl::string_view(bytes, *got));
}

bool JournalReader::GrewOrShrank() {
  const absl::StatusOr<uint64_t> size = current_.file->Size();
  if (!size.ok() || *size == current_.scanner->file_bytes()) return false;
  current_.scanner->set_file_bytes(*size);
  return true;
}

ReadResult JournalReader::AtEnd() {
  SegmentScanner& scanner = *current_.scanner;
  empty_offset_ = scanner.offset();
  scanner.Seek(scanner.offset(), scanner.expected_lsn());
  ForgetHalfSpan();
  return End();
}

// Recovery cuts a span that was not written whole: read it again next time.
void JournalReader::ForgetHalfSpan() {
  if (span_.empty() || span_whole_) return;
  const Record& first = span_.front().record;
  current_.scanner->Seek(PositionOffset(first.position), first.lsn);
  RestartSpan();
}

// Something there is not the next frame: being written, torn, or damage. Only
// what confirms it can tell.
ReadResult JournalReader::AtBad() {
  SegmentScanner& scanner = *current_.scanner;
  const Lsn lsn =
      span_.empty() ? scanner.expected_lsn() : span_.front().record.lsn;
  GrewOrShrank();
  Lsn watermark = std::max(current_.header.watermark,
                           scanner.MaxWatermarkFrom(scanner.offset()));
  const absl::StatusOr<bool> successor = fs_.Exists(
      JoinPath(directory_, SegmentFileName(current_.header.segment_id + 1)));
  if (successor.ok() && *successor) {
    absl::StatusOr<OpenSegment> next =
        OpenSegmentFile(current_.header.segment_id + 1);
    if (next.ok()) watermark = std::max(watermark, next->header.watermark);
  }
  // What confirms it was read after it: look at it again.
  scanner.Seek(scanner.offset(), scanner.expected_lsn());
  Frame frame;
  const ScanStep again = scanner.Next(&frame);
  if (again == ScanStep::kFrame) {
    ReadResult result = TakeFrame(frame);
    return result.outcome == ReadOutcome::kEnd ? NextRecord() : result;
  }
  if (again == ScanStep::kBad && !scanner.read_errors().empty()) {
    const SegmentScanner::ReadError& error = scanner.read_errors().front();
    return Damaged(error.offset, lsn, error.message);
  }
  if (watermark >= lsn) {
    return Damaged(scanner.bad().offset, lsn, scanner.bad().reason);
  }
  scanner.Seek(scanner.offset(), scanner.expected_lsn());
  ForgetHalfSpan();
  return End();
}

ReadResult JournalReader::EnterNext() {
  const uint64_t id = current_.header.segment_id + 1;
  const Lsn expected = current_.scanner->expected_lsn();
  absl::StatusOr<OpenSegment> next = OpenSegmentFile(id);
  if (!next.ok()) {
    ReadResult result = Damaged(0, expected, next.status().message());
    result.finding.file = SegmentFileName(id);
    if (KindOf(next.status()) == ErrorKind::kNotFound) {
      result.finding.kind = FindingKind::kSegmentChain;
      const absl::StatusOr<std::vector<uint64_t>> ids = ListIds();
      if (ids.ok() && ids->front() > id) {
        result.outcome = ReadOutcome::kCompacted;
        absl::StatusOr<OpenSegment> first = OpenSegmentFile(ids->front());
        if (first.ok()) result.first_lsn = first->header.first_lsn;
      }
    }
    return result;
  }
  if (next->header.uuid != current_.header.uuid ||
      next->header.first_lsn != expected) {
    ReadResult result =
        Damaged(0, expected, "does not continue its predecessor");
    result.finding.kind = FindingKind::kSegmentChain;
    result.finding.file = SegmentFileName(id);
    return result;
  }
  current_ = *std::move(next);
  sealed_ = false;
  empty_offset_ = 0;
  ReadResult entered;
  entered.outcome = ReadOutcome::kRecord;
  return entered;
}

ReadResult JournalReader::Damaged(uint64_t offset, Lsn lsn,
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

void JournalReader::RestartSpan() {
  span_.clear();
  span_bytes_ = 0;
  span_next_ = 0;
  span_whole_ = false;
}

ReadResult JournalReader::ReadAt(Position position) {
  const uint64_t id = PositionSegment(position);
  if (random_.scanner == nullptr || random_.header.segment_id != id) {
    absl::StatusOr<OpenSegment> segment = OpenSegmentFile(id);
    if (!segment.ok()) {
      ReadResult result = Damaged(0, 0, segment.status().message());
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
  ScanStep step = scanner.ReadFrameAt(PositionOffset(position), &frame);
  if (step == ScanStep::kBad) {
    // The window may be older than the frame.
    scanner.Seek(kFirstFrameOffset, random_.header.first_lsn);
    step = scanner.ReadFrameAt(PositionOffset(position), &frame);
  }
  if (step != ScanStep::kFrame || frame.header.kind != FrameKind::kRecord) {
    ReadResult result =
        Damaged(PositionOffset(position), 0,
                step == ScanStep::kFrame ? "no record lies there"
                                         : scanner.bad().reason);
    result.finding.file = SegmentFileName(id);
    return result;
  }
  ReadResult result;
  result.outcome = ReadOutcome::kRecord;
  result.record = MakeRecord(id, frame);
  return result;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Reader>> Reader::Open(
    absl::string_view directory, const ReaderOptions& options) {
  FileSystem& fs =
      options.file_system ? *options.file_system : *FileSystem::Posix();
  auto reader =
      std::make_unique<JournalReader>(directory, fs, options.start_lsn);
  if (absl::Status s = reader->Start(); !s.ok()) return s;
  return std::unique_ptr<Reader>(std::move(reader));
}

}  // namespace journal
