// Reading beside a writer that is alive, dies, and comes back.
#include "journal/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "journal/segment_header.h"
#include "journal/testing/journal_fixture.h"

namespace journal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReaderTest : public JournalFixture {
 protected:
  void Follow(Lsn start = 1, bool confirmed_only = false) {
    FollowOn(fs_, start, confirmed_only);
  }
  void FollowOn(FileSystem& fs, Lsn start = 1, bool confirmed_only = false) {
    absl::StatusOr<std::unique_ptr<Reader>> reader =
        Reader::Open(directory_, {.start_lsn = start,
                                  .confirmed_only = confirmed_only,
                                  .file_system = &fs});
    ASSERT_TRUE(reader.ok()) << reader.status();
    reader_ = *std::move(reader);
  }
  // What there is to read now; `last_` is what ended it.
  BodyList ReadOn() {
    BodyList bodies;
    for (;;) {
      last_ = reader_->Next();
      if (last_.outcome != ReadOutcome::kRecord) return bodies;
      EXPECT_EQ(reinterpret_cast<uintptr_t>(last_.record.body.data()) % 8, 0);
      bodies.emplace_back(last_.record.body);
    }
  }
  Position PositionOf(absl::string_view body) {
    Follow();
    for (;;) {
      const ReadResult next = reader_->Next();
      EXPECT_EQ(next.outcome, ReadOutcome::kRecord) << body;
      if (next.outcome != ReadOutcome::kRecord) return 0;
      if (next.record.body == body) return next.record.position;
    }
  }

  std::unique_ptr<Reader> reader_;
  ReadResult last_;
};

TEST_F(ReaderTest, EndsAndGoesOnWithTheWriter) {
  Open();
  Append("a");
  Follow();
  EXPECT_THAT(ReadOn(), ElementsAre("a"));
  EXPECT_EQ(last_.outcome, ReadOutcome::kEnd);
  Append("b");
  Sync();
  Append("");
  EXPECT_THAT(ReadOn(), ElementsAre("b", ""));
  Close();
  EXPECT_THAT(ReadOn(), IsEmpty());
  Life({"c"});
  EXPECT_THAT(ReadOn(), ElementsAre("c"));
}

TEST_F(ReaderTest, Case22_FollowsThroughRotations) {
  options_.sync_mode = SyncMode::kNone;
  Open();
  Follow();
  for (int i = 0; i < 50; ++i) {
    const std::string body = absl::StrCat(i, std::string(9000, 'r'));
    Append(body);
    ASSERT_EQ(ReadOn(), BodyList{body}) << last_.finding.detail;
  }
  EXPECT_GT(Files(".seg").size(), 6);
}

TEST_F(ReaderTest, StartsWhereItIsTold) {
  Life({"a", "b"});
  Open();
  const Lsn middle = Append("c");
  Append("d");
  Follow(middle);
  EXPECT_THAT(ReadOn(), ElementsAre("c", "d"));
  Follow(middle + 100);
  EXPECT_THAT(ReadOn(), IsEmpty());
}

// The image of a written segment, put down byte by byte.
class PiecemealTest : public ReaderTest {
 protected:
  // Writes one segment with `append`, and keeps its image.
  template <typename AppendAll>
  void Image(AppendAll append) {
    Open();
    append();
    image_ = Bytes(1);
    frames_ = Frames(1);
    for (const std::string& body : Bodies()) bodies_.push_back(body);
    Kill();
  }
  // Follows a file that holds the image up to each byte, and zeros behind it
  // or nothing. After each byte exactly the appends that are whole are there.
  void FollowByteByByte(bool zeros_behind, size_t span) {
    const uint64_t end = frames_.back().end + 600;
    const uint64_t size = zeros_behind ? image_.size() : 0;
    if (!zeros_behind) NothingZeroWritten(&image_);
    std::string now = image_.substr(0, kFirstFrameOffset);
    now.resize(std::max<uint64_t>(size, now.size()), '\0');
    disk_.Put(PathOf(1), now);
    FollowOn(disk_);
    BodyList read;
    for (uint64_t at = kFirstFrameOffset; at < end; ++at) {
      if (!zeros_behind) now.push_back(image_[at]);
      now[at] = image_[at];
      disk_.Put(PathOf(1), now);
      for (std::string& body : ReadOn()) read.push_back(std::move(body));
      ASSERT_EQ(last_.outcome, ReadOutcome::kEnd) << at;
      size_t whole = 0;
      while (whole < bodies_.size() &&
             IsThere(now, frames_[(whole / span + 1) * span - 1])) {
        whole += span;
      }
      ASSERT_EQ(read.size(), whole) << "at byte " << at;
    }
    ASSERT_EQ(read, bodies_);
  }
  // A growing file is one of a file system where nothing is written ahead.
  static void NothingZeroWritten(std::string* head) {
    SegmentHeader header;
    ASSERT_EQ(DecodeSegmentHeader(head->data(), &header), HeaderState::kGood);
    header.zeroed_bytes = 0;
    EncodeSegmentHeader(header, head->data());
    EncodeSegmentHeader(header, head->data() + kSegmentHeaderBytes);
  }
  bool IsThere(const std::string& now, const FramePlace& frame) {
    if (now.size() < frame.end) return false;
    return now.compare(0, frame.end, image_, 0, frame.end) == 0;
  }

  std::string image_;
  std::vector<FramePlace> frames_;
  BodyList bodies_;
};

TEST_F(PiecemealTest, Case22_AtEveryByteOfHeaderAndBody) {
  Image([this] {
    Append("a record");
    Sync();
    Append(std::string(700, 'x'));
    Append("");
  });
  FollowByteByByte(/*zeros_behind=*/true, 1);
  FollowByteByByte(/*zeros_behind=*/false, 1);
}

TEST_F(PiecemealTest, ASpanIsNeverReadInPart) {
  Image([this] {
    AppendSpan({"s1", "s2", "s3"});
    AppendSpan({"t1", std::string(600, 't'), "t3"});
  });
  FollowByteByByte(/*zeros_behind=*/true, 3);
  FollowByteByByte(/*zeros_behind=*/false, 3);
}

// ---------------------------------------------------------------------------
// What is not whole

TEST_F(ReaderTest, BrokenBytesAreTheEndUntilSomethingConfirmsThem) {
  Open();
  Append("a");
  Append("b");
  FlipBit(FrameOf("b"));
  Follow();
  EXPECT_THAT(ReadOn(), ElementsAre("a"));
  EXPECT_EQ(last_.outcome, ReadOutcome::kEnd);
  Sync();
  Append("c");  // Says that b was durable.
  EXPECT_THAT(ReadOn(), IsEmpty());
  EXPECT_EQ(last_.outcome, ReadOutcome::kDamaged);
  EXPECT_EQ(last_.finding.file, "0000000001.seg");
  EXPECT_EQ(last_.finding.first_lsn, 2);
  EXPECT_THAT(ReadOn(), IsEmpty());
  EXPECT_EQ(last_.outcome, ReadOutcome::kDamaged) << "it stays there";
}

TEST_F(ReaderTest, ATornTailThatRecoveryCutsIsGoneBeyond) {
  Open();
  Append("a");
  Sync();
  Append("torn");
  Kill();
  FlipBit(FrameOf("torn"));
  Follow();
  EXPECT_THAT(ReadOn(), ElementsAre("a"));
  Life({"b"});
  EXPECT_THAT(ReadOn(), ElementsAre("b")) << last_.finding.detail;
}

TEST_F(ReaderTest, HalfASpanThatRecoveryCutsIsGoneBeyond) {
  Open();
  Append("a");
  Sync();
  AppendSpan({"s1", "s2", "s3"});
  Kill();
  ZeroBytes(1, FrameOf("s2").offset, FrameOf("s3").end);
  Follow();
  EXPECT_THAT(ReadOn(), ElementsAre("a"));
  EXPECT_EQ(last_.outcome, ReadOutcome::kEnd);
  Life({"b"});
  EXPECT_THAT(ReadOn(), ElementsAre("b")) << last_.finding.detail;
}

// The writer's fsync fails; its successor finds that the disk never had it.
TEST_F(ReaderTest, BoundedToWhatIsConfirmedItNeverReadsWhatTheDiskHasLost) {
  Open();
  Append("a");
  Sync();
  for (const char* body : {"lost", "lost too", "lost as well"}) Append(body);
  Follow(1, /*confirmed_only=*/true);
  EXPECT_THAT(ReadOn(), ElementsAre("a"));
  disk_.FailNextSync(".seg");
  EXPECT_FALSE(writer_->Sync().ok());
  writer_.reset();
  Life({"b", "c"});
  EXPECT_THAT(Bodies(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(ReadOn(), ElementsAre("b", "c"));
  EXPECT_EQ(last_.outcome, ReadOutcome::kEnd) << last_.finding.detail;
}

TEST_F(ReaderTest, AMissingSegmentIsDamage) {
  Life({"a"});
  Life({"b"});
  Life({"c"});
  Follow();
  DeleteSegment(2);
  EXPECT_THAT(ReadOn(), ElementsAre("a"));
  EXPECT_EQ(last_.outcome, ReadOutcome::kDamaged);
  EXPECT_EQ(last_.finding.kind, FindingKind::kSegmentChain);
  EXPECT_EQ(last_.finding.file, "0000000002.seg");
}

TEST_F(ReaderTest, AReadErrorIsNeverTheEnd) {
  Life({"a", "b"});
  fs_.Inject({.op = FileOp::kRead,
              .name_part = "0000000001.seg",
              .offset_begin = kFirstFrameOffset,
              .from_then_on = true});
  Follow();
  EXPECT_THAT(ReadOn(), IsEmpty());
  EXPECT_EQ(last_.outcome, ReadOutcome::kDamaged);
}

TEST_F(ReaderTest, NeedsNoLockAndWritesNothing) {
  Open();
  Append("a");
  fs_.ClearCalls();
  Follow();
  EXPECT_THAT(ReadOn(), ElementsAre("a"));
  for (FileOp op : {FileOp::kLock, FileOp::kWrite, FileOp::kSync,
                    FileOp::kCreate, FileOp::kRename}) {
    EXPECT_EQ(fs_.Count(op), 0) << FileOpName(op);
  }
}

// ---------------------------------------------------------------------------
// ReadAt

TEST_F(ReaderTest, ReadAtFindsEachRecordAgain) {
  Life({"a", std::string(300000, 'b')});
  Life({"c"});
  for (const std::string& body : {std::string("a"), std::string("c")}) {
    const Position position = PositionOf(body);
    EXPECT_EQ(reader_->ReadAt(position).record.body, body);
    EXPECT_EQ(reader_->ReadAt(position).outcome, ReadOutcome::kRecord);
  }
}

TEST_F(ReaderTest, ReadAtLeavesNextWhereItStands) {
  Life({"a", "b", "c"});
  const Position a = PositionOf("a");
  Follow();
  EXPECT_EQ(reader_->Next().record.body, "a");
  EXPECT_EQ(reader_->ReadAt(a).record.body, "a");
  EXPECT_THAT(ReadOn(), ElementsAre("b", "c"));
}

TEST_F(ReaderTest, ReadAtVerifies) {
  Life({"a", "b"});
  const Position b = PositionOf("b");
  FlipBit(FrameOf("b"));
  EXPECT_EQ(reader_->ReadAt(b).outcome, ReadOutcome::kDamaged);
  EXPECT_EQ(reader_->ReadAt(b + 1).outcome, ReadOutcome::kDamaged);
  EXPECT_EQ(reader_->ReadAt(b + 100000).outcome, ReadOutcome::kDamaged);
  EXPECT_EQ(reader_->ReadAt(~uint64_t{0}).outcome, ReadOutcome::kCompacted);
  EXPECT_EQ(reader_->ReadAt(0).outcome, ReadOutcome::kCompacted);
}

TEST_F(ReaderTest, ReadAtSeesWhatWasWrittenSince) {
  Open();
  Append("a");
  const Position a = PositionOf("a");
  ASSERT_EQ(reader_->ReadAt(a).record.body, "a");
  Append("b");
  const ReadResult b = reader_->Next();
  ASSERT_EQ(b.record.body, "b");
  EXPECT_EQ(reader_->ReadAt(b.record.position).record.body, "b");
}

// ---------------------------------------------------------------------------
// Threads

TEST_F(ReaderTest, ReadersInOtherThreadsSeeEveryRecordInOrder) {
  options_.sync_mode = SyncMode::kNone;
  Open();
  constexpr int kRecords = 400;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([this] {
      auto reader = Reader::Open(directory_, {.file_system = &disk_}).value();
      const absl::Time deadline = absl::Now() + absl::Seconds(60);
      for (int i = 0; i < kRecords && absl::Now() < deadline;) {
        const ReadResult next = reader->Next();
        if (next.outcome == ReadOutcome::kEnd) {
          std::this_thread::yield();
          continue;
        }
        ASSERT_EQ(next.outcome, ReadOutcome::kRecord) << next.finding.detail;
        ASSERT_EQ(next.record.body, absl::StrCat(i, std::string(2000, 'r')));
        ++i;
      }
      ASSERT_LT(absl::Now(), deadline);
    });
  }
  for (int i = 0; i < kRecords; ++i) {
    Append(absl::StrCat(i, std::string(2000, 'r')));
  }
  for (std::thread& thread : threads) thread.join();
  Close();
}

// Examining beside a writer never finds damage: at most a torn tail.
TEST_F(ReaderTest, ExaminingBesideAWriterNeverFindsDamage) {
  options_.sync_mode = SyncMode::kBatch;
  options_.sync_records = 3;
  Open();
  std::thread writer([this] {
    for (int i = 0; i < 300; ++i) AppendSpan({"s", std::string(3000, 'r')});
    Close();
  });
  size_t before = 0;
  for (int i = 0; i < 100; ++i) {
    ExamineOptions options;
    options.file_system = &disk_;
    const RecoveryReport report = journal::Examine(directory_, options).value();
    ASSERT_FALSE(report.damaged()) << Text(report);
    ASSERT_GE(report.records, before);
    ASSERT_EQ(report.records % 2, 0);
    before = report.records;
  }
  writer.join();
}

}  // namespace
}  // namespace journal
