// What a reader says of a journal that has lost something: never "end".

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

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

}  // namespace
}  // namespace journal
