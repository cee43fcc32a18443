#include "journal/writer_statistics.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "journal/testing/journal_fixture.h"

namespace journal {
namespace {

// Knows which threads asked it for the time.
class WitnessClock final : public Clock {
 public:
  explicit WitnessClock(Clock* base) : base_(base) {}
  absl::Time Now() override { return base_->Now(); }
  absl::Duration Monotonic() override {
    absl::MutexLock lock(&mutex_);
    asked_.insert(std::this_thread::get_id());
    return base_->Monotonic();
  }
  bool WaitWithTimeout(absl::CondVar* cv, absl::Mutex* mutex,
                       absl::Duration timeout) override {
    return base_->WaitWithTimeout(cv, mutex, timeout);
  }
  [[nodiscard]] bool AwaitAskedBy(std::thread::id thread) {
    const auto asked = [this, thread] {
      mutex_.AssertReaderHeld();
      return asked_.count(thread) > 0;
    };
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&asked), absl::Seconds(60));
  }

 private:
  Clock* const base_;
  absl::Mutex mutex_;
  std::set<std::thread::id> asked_ ABSL_GUARDED_BY(mutex_);
};

class WriterStatisticsTest : public JournalFixture {
 protected:
  void OpenIn(SyncMode mode) {
    options_.sync_mode = mode;
    Open();
  }
  WriterStatistics Counted() { return writer_->statistics(); }
};

TEST_F(WriterStatisticsTest, WhatIsAppendedIsCounted) {
  OpenIn(SyncMode::kEach);
  Append("one");
  AppendSpan({"two", "three"});
  const WriterStatistics counted = Counted();
  EXPECT_EQ(counted.appends, 2);
  EXPECT_EQ(counted.records, 3);
  EXPECT_EQ(counted.payload_bytes, 11);
  EXPECT_EQ(counted.log_bytes, 3 * (48 + 8));
  EXPECT_EQ(counted.batches, 2);
  EXPECT_EQ(counted.writes, 2);
  EXPECT_EQ(counted.fsyncs, 2);
  EXPECT_EQ(counted.batch_records.max, 2);
  EXPECT_EQ(counted.batch_records.sum, 3);
}

TEST_F(WriterStatisticsTest, OpeningCountsItsWatermarkOnlyAndClosingNothing) {
  Life({"earlier"});
  OpenIn(SyncMode::kEach);
  const WriterStatistics opened = Counted();
  EXPECT_EQ(opened.appends, 0);
  EXPECT_EQ(opened.batches, 0);
  EXPECT_EQ(opened.watermarks, 1);
  EXPECT_EQ(opened.writes, 1);
  EXPECT_EQ(opened.fsyncs, 1);
  ASSERT_TRUE(writer_->Close().ok());
  EXPECT_EQ(Counted().writes, 1);
}

TEST_F(WriterStatisticsTest, WhatIsRefusedIsNotCounted) {
  OpenIn(SyncMode::kEach);
  disk_.SetCapacity(disk_.UsedBytes());
  EXPECT_FALSE(TryAppend(std::string(100'000, 'f')).ok());
  EXPECT_EQ(Counted().appends, 0);
  EXPECT_EQ(Counted().records, 0);
}

TEST_F(WriterStatisticsTest, RotationsAndWatermarksAreCounted) {
  OpenIn(SyncMode::kBatch);
  for (int i = 0; i < 3; ++i) Append(std::string(40'000, 'r'));
  EXPECT_EQ(Counted().rotations, 2);
  ASSERT_TRUE(clock_.AwaitWaiters(1));
  clock_.Advance(options_.sync_interval);
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (Counted().watermarks == 0 && absl::Now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(Counted().watermarks, 1);
}

TEST_F(WriterStatisticsTest, AnFsyncIsTimed) {
  OpenIn(SyncMode::kEach);
  fs_.Block(FileOp::kSync, "0000000001.seg");
  std::thread appender([this] { Append("a"); });
  ASSERT_TRUE(fs_.AwaitBlocked(FileOp::kSync));
  clock_.Advance(absl::Milliseconds(5));
  fs_.Unblock(FileOp::kSync);
  appender.join();
  const WriterStatistics counted = Counted();
  EXPECT_EQ(counted.fsync_ns.max, 5'000'000);
  EXPECT_EQ(counted.write_ns.max, 0);
  EXPECT_EQ(counted.write_ns.count, 1);
}

TEST_F(WriterStatisticsTest, AnAppenderBehindAnotherIsTimed) {
  WitnessClock witness(&clock_);
  options_.clock = &witness;
  OpenIn(SyncMode::kEach);
  fs_.Block(FileOp::kSync, "0000000001.seg");
  std::thread leader([this] { Append("leads"); });
  ASSERT_TRUE(fs_.AwaitBlocked(FileOp::kSync));
  std::thread waiter([this] { Append("waits"); });
  ASSERT_TRUE(witness.AwaitAskedBy(waiter.get_id()));  // It begins to wait.
  clock_.Advance(absl::Milliseconds(7));
  fs_.Unblock(FileOp::kSync);
  leader.join();
  waiter.join();
  const HistogramSnapshot wait = Counted().wait_ns;
  EXPECT_EQ(wait.count, 2);
  EXPECT_EQ(wait.Percentile(50), 0);
  EXPECT_EQ(wait.max, 7'000'000);
  writer_.reset();
}

TEST_F(WriterStatisticsTest, AsyncAppendsComeAsOneCallerWithManyRecords) {
  OpenIn(SyncMode::kEach);
  fs_.Block(FileOp::kSync, "0000000001.seg");
  const auto queue = [this] {
    ASSERT_TRUE(
        writer_->AppendAsync({.type = 1, .body = "q"}, [](auto) {}).ok());
  };
  queue();
  ASSERT_TRUE(fs_.AwaitBlocked(FileOp::kSync));
  for (int i = 0; i < 50; ++i) queue();
  fs_.Unblock(FileOp::kSync);
  ASSERT_TRUE(writer_->Close().ok());
  EXPECT_EQ(Counted().appends, 51);
  EXPECT_EQ(Counted().batch_records.max, 50);
  EXPECT_EQ(Counted().queue_depth.max, 1);
}

}  // namespace
}  // namespace journal
