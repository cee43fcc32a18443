#include "journal/testing/journal_fixture.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/segment_scanner.h"

namespace journal {

JournalFixture::JournalFixture() {
  options_.segment_bytes_min = 64 << 10;
  options_.segment_bytes_max = 64 << 10;
  options_.file_system = &fs_;
  options_.clock = &clock_;
}

JournalFixture::~JournalFixture() = default;

// ---------------------------------------------------------------------------
// Writing

absl::Status JournalFixture::TryOpen() {
  absl::StatusOr<std::unique_ptr<Writer>> writer =
      Writer::Open(directory_, options_);
  if (writer.ok()) writer_ = *std::move(writer);
  return writer.status();
}

void JournalFixture::Open() {
  const absl::Status status = TryOpen();
  ASSERT_TRUE(status.ok()) << status;
}

void JournalFixture::Open(RecoveryMode mode, bool append_after_damage) {
  options_.recovery_mode = mode;
  options_.append_after_damage = append_after_damage;
  Open();
}

absl::StatusOr<Lsn> JournalFixture::TryAppend(absl::string_view body) {
  return writer_->Append(RecordView{.type = 1, .body = body});
}

Lsn JournalFixture::Append(absl::string_view body) {
  absl::StatusOr<Lsn> lsn = TryAppend(body);
  EXPECT_TRUE(lsn.ok()) << lsn.status();
  return lsn.ok() ? *lsn : 0;
}

Lsn JournalFixture::AppendSpan(const BodyList& bodies) {
  std::vector<RecordView> views;
  for (const std::string& body : bodies) {
    views.push_back(RecordView{.type = 1, .body = body});
  }
  absl::StatusOr<Lsn> lsn = writer_->Append(absl::MakeConstSpan(views));
  EXPECT_TRUE(lsn.ok()) << lsn.status();
  return lsn.ok() ? *lsn : 0;
}

void JournalFixture::Sync() {
  const absl::Status status = writer_->Sync();
  ASSERT_TRUE(status.ok()) << status;
}

void JournalFixture::Close() {
  const absl::Status status = writer_->Close();
  ASSERT_TRUE(status.ok()) << status;
  writer_.reset();
}

void JournalFixture::Life(const BodyList& bodies) {
  ASSERT_NO_FATAL_FAILURE(Open());
  for (const std::string& body : bodies) Append(body);
  Close();
}

void JournalFixture::Kill() {
  disk_.PowerOff();
  writer_.reset();
  disk_.PowerOnKeepingCache();
}

void JournalFixture::PowerCut(const PowerLoss& loss) {
  disk_.PowerOff();
  writer_.reset();
  disk_.PowerOn(loss);
}

// ---------------------------------------------------------------------------
// Damage

void JournalFixture::FlipBit(uint64_t segment, uint64_t offset, int bit) {
  ASSERT_LT(offset, Size(segment));
  disk_.Xor(PathOf(segment), offset, static_cast<char>(1 << bit));
}

void JournalFixture::FlipBit(const FramePlace& frame, int bit) {
  FlipBit(frame.segment,
          frame.body < frame.end ? (frame.body + frame.end) / 2
                                 : frame.offset + kFrameHeaderBytes / 2,
          bit);
}

void JournalFixture::ZeroBytes(uint64_t segment, uint64_t from, uint64_t to) {
  WriteBytes(segment, from, std::string(to - from, '\0'));
}

void JournalFixture::WriteBytes(uint64_t segment, uint64_t offset,
                                absl::string_view bytes) {
  std::string all = Bytes(segment);
  ASSERT_LE(offset + bytes.size(), all.size());
  all.replace(offset, bytes.size(), bytes.data(), bytes.size());
  disk_.Put(PathOf(segment), all);
}

void JournalFixture::AppendBytes(uint64_t segment, absl::string_view bytes) {
  disk_.Put(PathOf(segment), absl::StrCat(Bytes(segment), bytes));
}

void JournalFixture::AppendFrame(uint64_t segment, FrameHeader header,
                                 absl::string_view body) {
  const FramePlace last = Frames(segment).back();
  if (header.lsn == 0) header.lsn = last.lsn + 1;
  PutFrame(segment, last.end, header, body);
}

void JournalFixture::PutFrame(uint64_t segment, uint64_t offset,
                              FrameHeader header, absl::string_view body) {
  const uint64_t seed = SegmentSeed(Header(segment).uuid, segment);
  header.body_bytes = static_cast<uint32_t>(body.size());
  header.body_checksum = BodyChecksum(seed, body);
  std::string bytes(FrameBytes(body.size()), '\0');
  EncodeFrameHeader(header, seed, offset, bytes.data());
  bytes.replace(kFrameHeaderBytes, body.size(), body.data(), body.size());
  WriteBytes(segment, offset, bytes);
}

void JournalFixture::TruncateTo(uint64_t segment, uint64_t size) {
  disk_.Put(PathOf(segment), Bytes(segment).substr(0, size));
}

void JournalFixture::DeleteSegment(uint64_t segment) {
  ASSERT_TRUE(disk_.Has(PathOf(segment)));
  disk_.Delete(PathOf(segment));
}

void JournalFixture::SwapSegments(uint64_t a, uint64_t b) {
  const std::string bytes = Bytes(a);
  disk_.Put(PathOf(a), Bytes(b));
  disk_.Put(PathOf(b), bytes);
}

void JournalFixture::CopySegmentAs(uint64_t from, uint64_t to) {
  disk_.Put(PathOf(to), Bytes(from));
}

void JournalFixture::ReplaceByForeign(uint64_t segment) {
  const BodyList bodies = Bodies();
  std::string bytes;
  {
    MemoryFileSystem other;
    WriterOptions options = options_;
    options.file_system = &other;
    for (uint64_t life = 0; life < segment; ++life) {
      absl::StatusOr<std::unique_ptr<Writer>> writer =
          Writer::Open(directory_, options);
      ASSERT_TRUE(writer.ok()) << writer.status();
      ASSERT_TRUE((*writer)->Append({.type = 1, .body = "foreign"}).ok());
      ASSERT_TRUE((*writer)->Close().ok());
    }
    bytes = other.Get(PathOf(segment));
  }
  disk_.Put(PathOf(segment), bytes);
}

void JournalFixture::PutHeader(uint64_t segment, const SegmentHeader& header) {
  std::string copies(kFirstFrameOffset, '\0');
  EncodeSegmentHeader(header, copies.data());
  EncodeSegmentHeader(header, copies.data() + kSegmentHeaderBytes);
  WriteBytes(segment, 0, copies);
}

// ---------------------------------------------------------------------------
// Looking

RecoveryReport JournalFixture::Examine(RecoveryMode mode) {
  ExamineOptions options;
  options.mode = mode;
  options.cipher = options_.cipher;
  options.file_system = &fs_;
  absl::StatusOr<RecoveryReport> report = journal::Examine(directory_, options);
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *std::move(report) : RecoveryReport();
}

BodyList JournalFixture::Bodies(RecoveryMode mode) {
  ExamineOptions options;
  options.mode = mode;
  options.cipher = options_.cipher;
  options.file_system = &fs_;
  BodyList bodies;
  absl::StatusOr<RecoveryReport> report = journal::Examine(
      directory_, options,
      [&](const Record& record) { bodies.emplace_back(record.body); });
  EXPECT_TRUE(report.ok()) << report.status();
  return bodies;
}

std::vector<FramePlace> JournalFixture::Frames(uint64_t segment) {
  std::vector<FramePlace> places;
  absl::StatusOr<std::unique_ptr<File>> file =
      disk_.Open(PathOf(segment), OpenMode::kRead);
  EXPECT_TRUE(file.ok()) << file.status();
  if (!file.ok()) return places;
  const SegmentHeader header = Header(segment);
  SegmentScanner scanner(file->get(), Size(segment), header.uuid, segment);
  scanner.Seek(kFirstFrameOffset, header.first_lsn);
  Frame frame;
  while (scanner.Next(&frame) == ScanStep::kFrame) {
    places.push_back({segment, frame.offset, frame.offset + kFrameHeaderBytes,
                      frame.end, frame.header.lsn, frame.header.watermark,
                      frame.header.kind});
  }
  return places;
}

FramePlace JournalFixture::FrameOf(absl::string_view body) {
  FramePlace found;
  for (uint64_t segment = 1; disk_.Has(PathOf(segment)); ++segment) {
    const std::string bytes = Bytes(segment);
    for (const FramePlace& frame : Frames(segment)) {
      if (frame.kind == FrameKind::kRecord &&
          absl::StartsWith(absl::string_view(bytes).substr(frame.body), body)) {
        found = frame;
      }
    }
  }
  EXPECT_NE(found.segment, 0) << "no record \"" << body << "\"";
  return found;
}

FramePlace JournalFixture::FrameOfKind(uint64_t segment, FrameKind kind) {
  for (const FramePlace& frame : Frames(segment)) {
    if (frame.kind == kind) return frame;
  }
  ADD_FAILURE() << "no such frame in segment " << segment;
  return {};
}

SegmentHeader JournalFixture::Header(uint64_t segment) {
  SegmentHeader header;
  const std::string bytes = Bytes(segment);
  EXPECT_TRUE(
      bytes.size() >= kFirstFrameOffset &&
      (DecodeSegmentHeader(bytes.data(), &header) == HeaderState::kGood ||
       DecodeSegmentHeader(bytes.data() + kSegmentHeaderBytes, &header) ==
           HeaderState::kGood))
      << PathOf(segment);
  return header;
}

std::string JournalFixture::Bytes(uint64_t segment) {
  return disk_.Get(PathOf(segment));
}

std::string JournalFixture::PathOf(uint64_t segment) const {
  return JoinPath(directory_, SegmentFileName(segment));
}

std::vector<std::string> JournalFixture::Files(absl::string_view part) {
  std::vector<std::string> names = disk_.List(directory_).value();
  std::erase_if(names, [&](const std::string& name) {
    return !absl::StrContains(name, part);
  });
  std::sort(names.begin(), names.end());
  return names;
}

BodyList JournalFixture::TornBytes() {
  BodyList contents;
  for (const std::string& name : Files(kTornSuffix)) {
    contents.push_back(disk_.Get(JoinPath(directory_, name)));
  }
  return contents;
}

std::string Text(const RecoveryReport& report) {
  std::string text =
      absl::StrCat("outcome: ", FindingKindName(report.outcome), ", mode ",
                   RecoveryModeName(report.mode), ", W ", report.watermark,
                   ", last LSN ", report.last_lsn);
  for (const Finding& finding : report.findings) {
    absl::StrAppend(&text, "\n  ", FindingKindName(finding.kind), ": ",
                    Describe(finding));
  }
  return text;
}

}  // namespace journal
