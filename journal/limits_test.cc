// Bounds that a writer keeps and a reader can rely on, and what a hostile or a
// very damaged file may cost.

#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "absl/time/time.h"
#include "journal/error.h"
#include "journal/folder.h"
#include "journal/testing/journal_fixture.h"

namespace journal {
namespace {

class LimitsTest : public JournalFixture {};

TEST_F(LimitsTest, WhatAWriterTakesAReaderReads) {
  options_.max_record_bytes = 100 << 20;
  Open();
  const std::string half(40 << 20, 'x');
  RecordView record;
  record.body = half;
  const RecordView span[] = {record, record};
  EXPECT_EQ(KindOf(writer_->Append(span).status()),
            ErrorKind::kInvalidArgument);
  Append(half);
  Close();
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd);
}

// One bad place in each frame: twice the file may take some twice the time.
TEST_F(LimitsTest, TimeIsLinearInAFileFullOfBadPlaces) {
  const auto examine = [this](uint64_t frames) {
    Open();
    for (uint64_t i = 0; i < frames; ++i) Append("a record");
    Close();
    const auto places = Frames(1);
    for (size_t i = 0; i + 3 < places.size(); i += 2) FlipBit(places[i]);
    // Of the processor, so that a loaded machine does not count.
    const std::clock_t start = std::clock();
    EXPECT_EQ(Examine().outcome, FindingKind::kAckedLoss);
    const absl::Duration took = absl::Seconds(
        static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    DeleteSegment(1);
    return took;
  };
  options_.sync_mode = SyncMode::kNone;
  options_.segment_bytes_min = 1 << 20;
  options_.segment_bytes_max = 64 << 20;
  const absl::Duration small = examine(1000);
  const absl::Duration large = examine(8000);
  // Quadratic would be 64 times.
  EXPECT_LT(large, 24 * small + absl::Milliseconds(50));
}

// Counts its records.
class CountingFolder : public Folder {
 public:
  uint32_t version() const override { return 1; }
  void Reset() override { count_ = 0; }
  absl::Status Restore(absl::string_view state) override {
    count_ = state.size();
    return absl::OkStatus();
  }
  void Fold(const Record&) override { ++count_; }
  std::string Save() override { return std::string(count_, 's'); }
  uint64_t count() const { return count_; }

 private:
  uint64_t count_ = 0;
};

TEST_F(LimitsTest, StatesAreWrittenAlsoWhenEachLifeIsShort) {
  CountingFolder folder;
  options_.folder = &folder;
  options_.sync_mode = SyncMode::kNone;
  for (int life = 0; life < 4; ++life) {
    Open();
    for (int i = 0; i < 8; ++i) Append(std::string(1 << 20, 'x'));
    Close();
  }
  Open();
  EXPECT_EQ(folder.count(), 32);
  EXPECT_GT(writer_->recovery_report().state_lsn, 0);
  EXPECT_FALSE(writer_->recovery_report().full);
}

}  // namespace
}  // namespace journal
