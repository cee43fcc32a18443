// What a reader says of a journal that has lost something: never "end".

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/reader.h"
#include "journal/testing/journal_fixture.h"

namespace journal {
namespace {

class ReaderDamageTest : public JournalFixture {
 protected:
  void ThreeLives() {
    for (const char* life : {"a", "b", "c"}) {
      Life({std::string(life) + "1", std::string(life) + "2"});
    }
  }
  // Reads until something other than a record comes.
  ReadResult ReadToTheEnd() {
    ReaderOptions options;
    options.confirmed_only = confirmed_only_;
    options.file_system = &fs_;
    absl::StatusOr<std::unique_ptr<Reader>> reader =
        Reader::Open(directory_, options);
    EXPECT_TRUE(reader.ok()) << reader.status();
    records_ = 0;
    for (;;) {
      ReadResult next = (*reader)->Next();
      if (next.outcome != ReadOutcome::kRecord) return next;
      ++records_;
    }
  }

  bool confirmed_only_ = false;
  int records_ = 0;
};

TEST_F(ReaderDamageTest, ASealedSegmentCutAtAFrameIsDamage) {
  ThreeLives();
  TruncateTo(2, FrameOf("b2").offset);
  EXPECT_EQ(ReadToTheEnd().outcome, ReadOutcome::kDamaged);
  EXPECT_EQ(records_, 3);
}

TEST_F(ReaderDamageTest, TheNewestSegmentCutAtAFrameIsDamage) {
  ThreeLives();
  TruncateTo(3, FrameOf("c2").offset);
  EXPECT_EQ(ReadToTheEnd().outcome, ReadOutcome::kDamaged);
  EXPECT_EQ(records_, 5);
}

TEST_F(ReaderDamageTest, ASegmentPutBackFromBeforeItsSealIsDamage) {
  Life({"a1"});
  const std::string before = Bytes(1);
  Life({"b1"});
  TruncateTo(1, before.size());
  EXPECT_EQ(ReadToTheEnd().outcome, ReadOutcome::kDamaged);
  EXPECT_EQ(records_, 1);
}

TEST_F(ReaderDamageTest, AMissingBeginningIsSaid) {
  ThreeLives();
  const Lsn second = Header(2).first_lsn;
  DeleteSegment(1);
  const ReadResult first = ReadToTheEnd();
  EXPECT_EQ(first.outcome, ReadOutcome::kCompacted);
  EXPECT_EQ(first.first_lsn, second);
}

// No file descriptor left, for one.
// As when somebody removed them by hand.
TEST_F(ReaderDamageTest, SegmentsThatVanishUnderAReaderAreSaidOnce) {
  ThreeLives();
  absl::StatusOr<std::unique_ptr<Reader>> reader =
      Reader::Open(directory_, {.file_system = &fs_});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->Next().record.body, "a1");
  const Lsn first_left = Header(3).first_lsn;
  DeleteSegment(1);
  DeleteSegment(2);
  EXPECT_EQ((*reader)->Next().record.body, "a2");
  const ReadResult gone = (*reader)->Next();
  EXPECT_EQ(gone.outcome, ReadOutcome::kCompacted);
  EXPECT_EQ(gone.first_lsn, first_left);
  EXPECT_EQ((*reader)->Next().record.body, "c1");
}

// Of two copies one is enough, whichever a reader is at.
TEST_F(ReaderDamageTest, WhatASnapshotHoldsIsReadThere) {
  Open();
  const std::string more_than_it_reads_ahead(1 << 20, 'm');
  for (const std::string& body :
       {std::string("a"), more_than_it_reads_ahead, std::string("b")}) {
    Append(body);
  }
  Sync();
  absl::StatusOr<std::unique_ptr<Reader>> in_log =
      Reader::Open(directory_, {.file_system = &fs_});
  ASSERT_EQ((*in_log)->Next().record.body, "a");
  ASSERT_TRUE(writer_->Snapshot().ok());
  Append("c");
  Close();
  const FramePlace b = FrameOf("b");
  FlipBit(b);
  ASSERT_EQ(Examine().outcome, FindingKind::kSecondCopy);
  EXPECT_EQ((*in_log)->Next().record.body.size(), 1 << 20);
  EXPECT_EQ((*in_log)->Next().record.body, "b");
  EXPECT_EQ((*in_log)->Next().record.body, "c");
  absl::StatusOr<std::unique_ptr<Reader>> reader =
      Reader::Open(directory_, {.file_system = &fs_});
  EXPECT_EQ((*reader)->Read(b.lsn).record.body, "b");
}

// What only a snapshot holds is not "compacted" because that is damaged.
TEST_F(ReaderDamageTest, ASnapshotThatCannotBeReadIsDamage) {
  for (const char* body : {"a", "b", "c"}) {
    Open();
    Append(body);
    ASSERT_TRUE(writer_->Snapshot().ok());
    Close();
  }
  ASSERT_FALSE(disk_.Has(PathOf(1)));
  absl::StatusOr<std::unique_ptr<Reader>> reader =
      Reader::Open(directory_, {.file_system = &fs_});
  ASSERT_EQ((*reader)->Read(1).outcome, ReadOutcome::kRecord);
  for (const std::string& name : Files(".manifest")) {
    disk_.Xor(JoinPath(directory_, name), 100, 1);
  }
  EXPECT_EQ(ReadToTheEnd().outcome, ReadOutcome::kDamaged);
  EXPECT_EQ(records_, 0);
  reader = Reader::Open(directory_, {.file_system = &fs_});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->Read(1).outcome, ReadOutcome::kDamaged);
}

TEST_F(ReaderDamageTest, ASegmentThatCannotBeOpenedIsAReadError) {
  ThreeLives();
  fs_.Inject({.op = FileOp::kOpen,
              .name_part = "0000000002.seg",
              .nth = 2,  // Not where the reader looks for its start.
              .error_number = EMFILE});
  const ReadResult result = ReadToTheEnd();
  EXPECT_EQ(result.outcome, ReadOutcome::kDamaged);
  EXPECT_EQ(result.finding.kind, FindingKind::kReadError);
  EXPECT_EQ(result.finding.file, "0000000002.seg");
  EXPECT_EQ(records_, 2);
}

// Nothing but the records of the segment itself depends on its head.
TEST_F(ReaderDamageTest, ABadHeadConcernsItsOwnSegmentOnly) {
  for (const char* life : {"a", "b", "c", "d"}) Life({life});
  std::vector<Lsn> lsns;
  std::vector<Position> positions;
  auto reader = Reader::Open(directory_, {.file_system = &fs_});
  ASSERT_TRUE(reader.ok()) << reader.status();
  for (ReadResult next;
       (next = (*reader)->Next()).outcome == ReadOutcome::kRecord;) {
    lsns.push_back(next.record.lsn);
    positions.push_back(next.record.position);
  }
  ASSERT_EQ(lsns.size(), 4);
  for (int bad = 1; bad <= 4; ++bad) {
    const std::string whole = Bytes(bad);
    ZeroBytes(bad, 0, kFirstFrameOffset);
    for (int i = 0; i < 4; ++i) {
      SCOPED_TRACE(absl::StrCat("head ", bad, ", record ", i));
      const ReadOutcome expected =
          i + 1 == bad ? ReadOutcome::kDamaged : ReadOutcome::kRecord;
      auto other =
          Reader::Open(directory_, {.start_lsn = lsns[3], .file_system = &fs_});
      ASSERT_TRUE(other.ok()) << other.status();
      EXPECT_EQ((*other)->ReadAt(positions[i]).outcome, expected);
      EXPECT_EQ((*other)->Read(lsns[i]).outcome, expected);
    }
    disk_.Put(PathOf(bad), whole);
  }
}

TEST_F(ReaderDamageTest, UnreadableBytesAreAReadError) {
  ThreeLives();
  fs_.Inject({.op = FileOp::kRead,
              .name_part = "0000000002.seg",
              .offset_begin = kFirstFrameOffset,
              .from_then_on = true});
  EXPECT_EQ(ReadToTheEnd().finding.kind, FindingKind::kReadError);
}

TEST_F(ReaderDamageTest, OneRecordThatIsUnreadableIsAReadError) {
  ThreeLives();
  auto reader = Reader::Open(directory_, {.file_system = &fs_});
  ASSERT_TRUE(reader.ok()) << reader.status();
  const Position first = (*reader)->Next().record.position;
  auto other = Reader::Open(directory_, {.file_system = &fs_});
  ASSERT_TRUE(other.ok()) << other.status();
  fs_.Inject({.op = FileOp::kRead,
              .offset_begin = kFirstFrameOffset,
              .from_then_on = true});
  EXPECT_EQ((*other)->ReadAt(first).finding.kind, FindingKind::kReadError);
  fs_.Heal();
  EXPECT_EQ((*other)->ReadAt(first).outcome, ReadOutcome::kRecord);
}

TEST_F(ReaderDamageTest, BoundedToWhatIsConfirmedItSaysSoToo) {
  Life({"a1", "a2"});
  Open();
  for (const char* body : {"b1", "b2"}) Append(body);
  Sync();
  for (const char* body : {"damaged", "b4"}) Append(body);
  Close();
  const FramePlace damaged = FrameOf("damaged");
  FlipBit(damaged);
  confirmed_only_ = true;
  const ReadResult end = ReadToTheEnd();
  EXPECT_EQ(records_, 4);
  EXPECT_EQ(end.outcome, ReadOutcome::kDamaged);
  EXPECT_EQ(end.finding.first_lsn, damaged.lsn);
}

}  // namespace
}  // namespace journal
