// Stepping through the frames of a segment, whole and broken.
#include "journal/segment_scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "journal/frame.h"
#include "journal/testing/fault_file_system.h"
#include "journal/testing/memory_file_system.h"

namespace journal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kId = 3;

// A segment written by hand: its frames, and nothing but them.
class SegmentScannerTest : public ::testing::Test {
 protected:
  SegmentScannerTest() : bytes_(kFirstFrameOffset, 'h') {}

  // Adds a frame behind the last; returns its offset.
  uint64_t Put(absl::string_view body, int64_t lsn_step = 1,
               Lsn watermark = 0) {
    const uint64_t offset = bytes_.size();
    lsn_ += lsn_step;
    bytes_ += FrameBytesOf(body, lsn_, watermark, offset, kId);
    return offset;
  }
  std::string FrameBytesOf(absl::string_view body, Lsn lsn, Lsn watermark,
                           uint64_t offset, uint64_t id) {
    const uint64_t seed = SegmentSeed(uuid_, id);
    FrameHeader header;
    header.body_bytes = static_cast<uint32_t>(body.size());
    header.lsn = lsn;
    header.watermark = watermark;
    header.body_checksum = BodyChecksum(seed, body);
    std::string frame(FrameBytes(body.size()), '\0');
    EncodeFrameHeader(header, seed, offset, frame.data());
    frame.replace(kFrameHeaderBytes, body.size(), body.data(), body.size());
    return frame;
  }
  void AlignToSector() {
    bytes_.resize(AlignUp(bytes_.size(), kSectorBytes), '\0');
  }
  void Pad(uint64_t size) { bytes_.resize(size, '\0'); }

  SegmentScanner& Scan() {
    disk_.Put("/segment", bytes_);
    file_ = fs_.Open("/segment", OpenMode::kRead).value();
    scanner_ = std::make_unique<SegmentScanner>(file_.get(), bytes_.size(),
                                                uuid_, kId);
    scanner_->Seek(kFirstFrameOffset, 1);
    return *scanner_;
  }
  // Bodies up to the end or the first bad place; `step_` says which.
  std::vector<std::string> ReadOn() {
    std::vector<std::string> bodies;
    Frame frame;
    while ((step_ = scanner_->Next(&frame)) == ScanStep::kFrame) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(frame.body.data()) % 8, 0);
      bodies.emplace_back(frame.body);
    }
    return bodies;
  }
  std::vector<std::string> Read() {
    Scan();
    return ReadOn();
  }

  JournalUuid uuid_ = {'u'};
  Lsn lsn_ = 0;
  std::string bytes_;
  MemoryFileSystem disk_;
  FaultFileSystem fs_{&disk_};
  std::unique_ptr<File> file_;
  std::unique_ptr<SegmentScanner> scanner_;
  ScanStep step_ = ScanStep::kEnd;
};

TEST_F(SegmentScannerTest, StepsThroughBodiesOfEveryLength) {
  std::vector<std::string> expected;
  for (size_t size = 0; size < 600; ++size) {
    expected.emplace_back(size, static_cast<char>('a' + size % 26));
    Put(expected.back());
  }
  EXPECT_EQ(Read(), expected);
  EXPECT_EQ(step_, ScanStep::kEnd);
}

TEST_F(SegmentScannerTest, AGapLeadsToTheNextSector) {
  Put("a");
  AlignToSector();
  const uint64_t b = Put("b");
  Put("c");
  EXPECT_EQ(b % kSectorBytes, 0);
  EXPECT_THAT(Read(), ElementsAre("a", "b", "c"));
}

TEST_F(SegmentScannerTest, AGapThatIsNotZeroIsBad) {
  Put("a");
  const uint64_t end = bytes_.size();
  AlignToSector();
  Put("b");
  bytes_[end + 17] = 1;
  EXPECT_THAT(Read(), ElementsAre("a"));
  EXPECT_EQ(step_, ScanStep::kBad);
  EXPECT_EQ(scanner_->bad().offset, end);
}

TEST_F(SegmentScannerTest, PaddingThatIsNotZeroIsBad) {
  const uint64_t a = Put("a");
  Put("b");
  bytes_[a + kFrameHeaderBytes + 3] = 1;
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(scanner_->bad().lsn, 1);
  Frame frame;
  ASSERT_EQ(scanner_->Resync(&frame), ScanStep::kFrame);
  EXPECT_EQ(frame.body, "b");
}

TEST_F(SegmentScannerTest, Case05_ARestAsLongAsAHeaderAndOneByteShorter) {
  for (uint64_t rest : {47, 48, 49, 0, 1, 7, 8}) {
    bytes_.resize(kFirstFrameOffset);
    lsn_ = 0;
    Put("a");
    Pad(bytes_.size() + rest);
    EXPECT_THAT(Read(), ElementsAre("a")) << rest;
    EXPECT_EQ(step_, ScanStep::kEnd) << rest;
  }
}

TEST_F(SegmentScannerTest, ALastFrameThatFillsTheFileToTheByte) {
  Put("a");
  Put("");  // A header, and nothing behind it.
  EXPECT_THAT(Read(), ElementsAre("a", ""));
  bytes_.pop_back();
  EXPECT_THAT(Read(), ElementsAre("a"));
  EXPECT_EQ(step_, ScanStep::kBad);
}

TEST_F(SegmentScannerTest, Case10_PayloadsOfZerosAreNeverTheEnd) {
  Put(std::string(5000, '\0'));
  Put(std::string(1, '\0'));
  Put("c");
  Pad(64 << 10);
  EXPECT_EQ(Read().size(), 3);
  EXPECT_EQ(step_, ScanStep::kEnd);
}

// ---------------------------------------------------------------------------
// Lengths

TEST_F(SegmentScannerTest, AWholeHeaderWhoseFramePassesTheEndOfTheFile) {
  Put("a");
  const uint64_t b = Put(std::string(5000, 'b'));
  bytes_.resize(b + 3000);
  EXPECT_THAT(Read(), ElementsAre("a"));
  EXPECT_EQ(step_, ScanStep::kBad);
  EXPECT_EQ(scanner_->bad().offset, b);
  EXPECT_EQ(scanner_->bad().lsn, 2);
}

TEST_F(SegmentScannerTest,
       Case08_AHugeLengthWithARightChecksumAllocatesNothing) {
  Put("a");
  for (uint32_t length : {0x80000000u, 0xffffffffu, 0x40000000u, 0x3fffffffu}) {
    bytes_.resize(kFirstFrameOffset + FrameBytes(1));
    FrameHeader header;
    header.body_bytes = length;
    header.lsn = 2;
    std::string frame(kFrameHeaderBytes, '\0');
    EncodeFrameHeader(header, SegmentSeed(uuid_, kId), bytes_.size(),
                      frame.data());
    bytes_ += frame;
    Pad(64 << 10);
    EXPECT_THAT(Read(), ElementsAre("a")) << length;
    EXPECT_EQ(step_, ScanStep::kBad);
    Frame found;
    EXPECT_EQ(scanner_->Resync(&found), ScanStep::kEnd);
  }
}

// ---------------------------------------------------------------------------
// Going on behind what is bad

TEST_F(SegmentScannerTest, ResyncsBehindABrokenHeader) {
  Put("a");
  const uint64_t b = Put("b");
  const uint64_t c = Put("c");
  bytes_[b + 4] ^= 1;
  EXPECT_THAT(Read(), ElementsAre("a"));
  Frame frame;
  ASSERT_EQ(scanner_->Resync(&frame), ScanStep::kFrame);
  EXPECT_EQ(frame.offset, c);
  EXPECT_EQ(scanner_->expected_lsn(), 4);
}

TEST_F(SegmentScannerTest, DoesNotResyncInsideThePayloadOfABrokenBody) {
  Put("a");
  // A frame that would be right just there, inside a body that is broken.
  const uint64_t inside = bytes_.size() + kFrameHeaderBytes + 8;
  const uint64_t b =
      Put("12345678" + FrameBytesOf("evil", 9, 0, inside, kId) + "tail");
  Put("c");
  bytes_[b + kFrameHeaderBytes] ^= 1;
  EXPECT_THAT(Read(), ElementsAre("a"));
  Frame frame;
  ASSERT_EQ(scanner_->Resync(&frame), ScanStep::kFrame);
  EXPECT_EQ(frame.body, "c");
}

TEST_F(SegmentScannerTest, AnEmbeddedSegmentIsNeverTakenForFrames) {
  Put("one");
  Put("two");
  // The whole segment as a payload, its outer header lost.
  const std::string segment = bytes_;
  const uint64_t outer = Put(segment);
  Put("behind");
  bytes_[outer] ^= 1;
  EXPECT_THAT(Read(), ElementsAre("one", "two"));
  Frame frame;
  ASSERT_EQ(scanner_->Resync(&frame), ScanStep::kFrame);
  EXPECT_EQ(frame.body, "behind");
}

TEST_F(SegmentScannerTest, Case24_FramesOfAnotherSegmentOrPlaceAreNoFrames) {
  const uint64_t a = Put("a");
  bytes_ += FrameBytesOf("b", 2, 0, bytes_.size(), kId + 1);
  bytes_ += bytes_.substr(a, FrameBytes(1));  // Again, elsewhere.
  EXPECT_THAT(Read(), ElementsAre("a"));
  EXPECT_EQ(step_, ScanStep::kBad);
  Frame frame;
  EXPECT_EQ(scanner_->Resync(&frame), ScanStep::kEnd);
}

TEST_F(SegmentScannerTest, Case24_AnLsnThatGoesBackOrAheadIsBad) {
  Put("a");
  Put("back", 0);  // LSN 1 again.
  Put("b", 1);
  EXPECT_THAT(Read(), ElementsAre("a"));
  EXPECT_EQ(scanner_->bad().lsn, 1);
  Frame frame;
  ASSERT_EQ(scanner_->Resync(&frame), ScanStep::kFrame);
  EXPECT_EQ(frame.body, "b");
  Put("ahead", 5);
  EXPECT_THAT(Read(), ElementsAre("a"));
}

TEST_F(SegmentScannerTest, AFrameAheadIsWhereItGoesOn) {
  Put("a");
  Put("ahead", 5);
  EXPECT_THAT(Read(), ElementsAre("a"));
  EXPECT_EQ(scanner_->bad().lsn, 6);
  Frame frame;
  ASSERT_EQ(scanner_->Resync(&frame), ScanStep::kFrame);
  EXPECT_EQ(frame.body, "ahead");
}

TEST_F(SegmentScannerTest, WatermarksCountAlsoInFramesWithoutAWholeBody) {
  Put("a", 1, 0);
  const uint64_t b = Put("b", 1, 1);
  const uint64_t c = Put("c", 1, 2);
  bytes_[b] ^= 1;
  bytes_[c + kFrameHeaderBytes] ^= 1;
  Scan();
  EXPECT_EQ(scanner_->MaxWatermarkFrom(kFirstFrameOffset), 2);
  EXPECT_EQ(scanner_->MaxWatermarkFrom(c + 8), 0);
}

TEST_F(SegmentScannerTest, FindsTheLastByteThatIsNotZero) {
  Put("a");
  const uint64_t end = bytes_.size();
  Pad(100'000);
  bytes_[70'000] = 1;
  Scan();
  EXPECT_EQ(scanner_->NonZeroEnd(end), 70'001);
  EXPECT_EQ(scanner_->NonZeroEnd(70'001), 70'001);
}

// ---------------------------------------------------------------------------
// The disk does not return bytes

TEST_F(SegmentScannerTest, Case16_AnUnreadablePageIsNeitherZeroNorTheEnd) {
  Put("a");
  Pad(40 << 10);
  fs_.Inject({.op = FileOp::kRead,
              .offset_begin = 8192,
              .offset_end = 8193,
              .from_then_on = true});
  EXPECT_THAT(Read(), ElementsAre("a"));
  EXPECT_EQ(step_, ScanStep::kBad);
  ASSERT_EQ(scanner_->read_errors().size(), 1);
  EXPECT_EQ(scanner_->read_errors()[0].offset, 8192);
  EXPECT_EQ(scanner_->read_errors()[0].bytes, 4096);
}

TEST_F(SegmentScannerTest, RecordsAroundAnUnreadablePageAreRead) {
  std::vector<std::string> before;
  while (bytes_.size() < 12'000)
    before.push_back(std::string(500, 'r')), Put(before.back());
  const uint64_t last = Put("behind");
  fs_.Inject({.op = FileOp::kRead,
              .offset_begin = 4096,
              .offset_end = 4097,
              .from_then_on = true});
  const size_t first_part = Read().size();
  EXPECT_EQ(step_, ScanStep::kBad);
  EXPECT_EQ(first_part, (4096 - kFirstFrameOffset) / FrameBytes(500));
  Frame frame;
  ASSERT_EQ(scanner_->Resync(&frame), ScanStep::kFrame);
  EXPECT_GE(frame.offset, 8192);
  EXPECT_LT(frame.offset, 8192 + FrameBytes(500));
  ReadOn();
  EXPECT_EQ(step_, ScanStep::kEnd);
  EXPECT_GT(scanner_->offset(), last);
}

TEST_F(SegmentScannerTest, ADeadDiskIsGivenUpSoon) {
  Pad(4 << 20);
  fs_.Inject({.op = FileOp::kRead, .from_then_on = true});
  EXPECT_THAT(Read(), IsEmpty());
  Frame frame;
  EXPECT_EQ(scanner_->Resync(&frame), ScanStep::kEnd);
  EXPECT_LT(fs_.Count(FileOp::kRead), 200);
  ASSERT_FALSE(scanner_->read_errors().empty());
  const SegmentScanner::ReadError& last = scanner_->read_errors().back();
  EXPECT_EQ(last.offset + last.bytes, bytes_.size());
}

TEST_F(SegmentScannerTest, ReadFrameAtTakesAnyOffset) {
  const uint64_t a = Put("a");
  Scan();
  Frame frame;
  EXPECT_EQ(scanner_->ReadFrameAt(a, &frame), ScanStep::kFrame);
  EXPECT_EQ(scanner_->ReadFrameAt(a + 8, &frame), ScanStep::kBad);
  EXPECT_EQ(scanner_->ReadFrameAt(bytes_.size(), &frame), ScanStep::kBad);
  EXPECT_EQ(scanner_->ReadFrameAt(~uint64_t{7}, &frame), ScanStep::kBad);
}

}  // namespace
}  // namespace journal
