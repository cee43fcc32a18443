// When appended records become durable and confirmed: by count, by time, by
// mode, to the record.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "journal/error.h"
#include "journal/testing/journal_fixture.h"

namespace journal {
namespace {

class WatermarkTest : public JournalFixture {
 protected:
  void OpenIn(SyncMode mode) {
    options_.sync_mode = mode;
    Open();
  }
  // Lets `duration` pass once the timer waits for it.
  void Pass(absl::Duration duration) {
    ASSERT_TRUE(clock_.AwaitWaiters(1));
    clock_.Advance(duration);
  }
  // Another thread brings it about.
  void Await(const std::function<bool()>& true_now) {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    while (!true_now()) {
      ASSERT_LT(absl::Now(), deadline);
      std::this_thread::yield();
    }
  }
  void AwaitConfirmed(Lsn lsn) {
    Await([&] { return writer_->confirmed_lsn() >= lsn; });
  }
  int Syncs() { return fs_.Count(FileOp::kSync, "0000000001.seg"); }
  // What is on the disk alone, as after a power cut that keeps nothing else.
  void LoseAllThatIsUnsynced() { PowerCut({.survive_percent = 0}); }

  const absl::Duration interval_ = options_.sync_interval;
};

TEST_F(WatermarkTest, AnIntervalAfterABurstExactlyWhatWasFsyncedIsConfirmed) {
  OpenIn(SyncMode::kBatch);
  Append("a");
  Append("b");
  const Lsn c = Append("c");
  EXPECT_EQ(writer_->durable_lsn(), 0);
  Pass(interval_);
  AwaitConfirmed(c);
  EXPECT_EQ(writer_->confirmed_lsn(), c);
  EXPECT_EQ(writer_->durable_lsn(), c + 1) << "the watermark frame itself";
  LoseAllThatIsUnsynced();
  const RecoveryReport report = Examine();
  EXPECT_EQ(report.watermark, c);
  EXPECT_EQ(report.last_lsn, c + 1);
  EXPECT_EQ(report.outcome, FindingKind::kCleanEnd);
}

TEST_F(WatermarkTest, TheIntervalRunsFromTheFirstRecordNotTheLast) {
  OpenIn(SyncMode::kBatch);
  const Lsn a = Append("a");
  Pass(interval_ * 0.6);
  const Lsn b = Append("b");
  EXPECT_EQ(writer_->durable_lsn(), 0);
  Pass(interval_ * 0.4);
  Await([&] { return writer_->durable_lsn() >= a; });
  EXPECT_EQ(writer_->durable_lsn(), b);
  EXPECT_EQ(writer_->confirmed_lsn(), 0) << "the burst may go on";
  Pass(interval_ * 0.6);
  AwaitConfirmed(b);
}

TEST_F(WatermarkTest, ConfirmedTrailsDurableByAnIntervalWhileAppendsGoOn) {
  OpenIn(SyncMode::kBatch);
  Append("a");
  Pass(interval_ * 0.6);
  const Lsn b = Append("b");
  Pass(interval_ * 0.4);
  Await([&] { return writer_->durable_lsn() >= b; });
  Pass(interval_ * 0.5);
  Append("c");
  Pass(interval_ * 0.5);
  AwaitConfirmed(b);
}

TEST_F(WatermarkTest, AnIdleJournalIsLeftAlone) {
  OpenIn(SyncMode::kBatch);
  const Lsn a = Append("a");
  Pass(interval_);
  AwaitConfirmed(a);
  fs_.ClearCalls();
  for (int i = 0; i < 5; ++i) clock_.Advance(interval_);
  Close();
  EXPECT_EQ(fs_.Count(FileOp::kWrite), 1) << "the close frame";
}

TEST_F(WatermarkTest, ModeEachIsDurableAtOnceAndConfirmedLater) {
  OpenIn(SyncMode::kEach);
  const Lsn a = Append("a");
  EXPECT_EQ(writer_->durable_lsn(), a);
  EXPECT_EQ(writer_->confirmed_lsn(), 0);
  const Lsn b = Append("b");
  EXPECT_EQ(writer_->confirmed_lsn(), a) << "b says so of a";
  Pass(interval_);
  AwaitConfirmed(b);
  LoseAllThatIsUnsynced();
  EXPECT_EQ(Examine().watermark, b);
}

TEST_F(WatermarkTest, ModeNoneSyncsWhenAskedOnly) {
  OpenIn(SyncMode::kNone);
  const int before = Syncs();
  for (int i = 0; i < 200; ++i) Append("n");
  clock_.Advance(interval_ * 10);
  EXPECT_EQ(Syncs(), before);
  EXPECT_EQ(writer_->durable_lsn(), 0);
  Sync();
  EXPECT_EQ(Syncs(), before + 1);
  EXPECT_EQ(writer_->durable_lsn(), 200);
}

TEST_F(WatermarkTest, CloseConfirmsEverythingInEveryMode) {
  for (SyncMode mode : {SyncMode::kEach, SyncMode::kBatch, SyncMode::kNone}) {
    OpenIn(mode);
    const Lsn last = Append("last");
    Close();
    LoseAllThatIsUnsynced();
    const RecoveryReport report = Examine();
    EXPECT_EQ(report.watermark, last) << SyncModeName(mode);
    EXPECT_EQ(report.last_lsn, last + 1);
    EXPECT_TRUE(report.closed);
  }
}

TEST_F(WatermarkTest, OpeningConfirmsWhatItFound) {
  OpenIn(SyncMode::kNone);
  const Lsn a = Append("a");
  Kill();
  OpenIn(SyncMode::kNone);
  EXPECT_GE(writer_->confirmed_lsn(), a);
  LoseAllThatIsUnsynced();
  EXPECT_GE(Examine().watermark, a);
  EXPECT_EQ(Bodies(), BodyList{"a"});
}

TEST_F(WatermarkTest, EachFrameCarriesWhatWasDurableWhenItWasSealed) {
  options_.sync_records = 3;
  OpenIn(SyncMode::kBatch);
  std::vector<Lsn> durable_before;
  for (int i = 0; i < 10; ++i) {
    durable_before.push_back(writer_->durable_lsn());
    Append("r");
  }
  std::vector<Lsn> watermarks;
  for (const FramePlace& frame : Frames(1)) {
    watermarks.push_back(frame.watermark);
  }
  EXPECT_EQ(watermarks, durable_before);
  EXPECT_EQ(watermarks.back(), 9);
}

// ---------------------------------------------------------------------------
// The loss bound

TEST_F(WatermarkTest, TheLastOfSyncRecordsWaitsForTheFsync) {
  options_.sync_records = 50;
  OpenIn(SyncMode::kBatch);
  Lsn last = 0;
  for (int i = 0; i < 49; ++i) last = Append("r");
  EXPECT_EQ(writer_->durable_lsn(), 0);
  last = Append("the fiftieth");
  EXPECT_EQ(writer_->durable_lsn(), last);
}

TEST_F(WatermarkTest, OnlyCountedRecordsCount) {
  options_.sync_records = 2;
  OpenIn(SyncMode::kBatch);
  const RecordView uncounted = {.type = 1, .body = "u", .sync_weight = 0};
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(writer_->Append(uncounted).ok());
  EXPECT_EQ(writer_->durable_lsn(), 0);
  const RecordView heavy = {.type = 1, .body = "h", .sync_weight = 7};
  ASSERT_TRUE(writer_->Append(heavy).ok());
  EXPECT_EQ(writer_->durable_lsn(), 101);
}

TEST_F(WatermarkTest, NeverMoreThanSyncRecordsHaveReturnedAndAreNotDurable) {
  options_.sync_records = 50;
  OpenIn(SyncMode::kBatch);
  absl::Mutex mutex;
  std::vector<Lsn> returned;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  fs_.Block(FileOp::kSync, "0000000001.seg");
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        const absl::StatusOr<Lsn> lsn = TryAppend("r");
        if (!lsn.ok()) return;
        absl::MutexLock lock(&mutex);
        returned.push_back(*lsn);
      }
    });
  }
  for (int round = 0; round < 10; ++round) {
    // The fsync stands still; whatever can return meanwhile has.
    ASSERT_TRUE(fs_.AwaitBlocked(FileOp::kSync));
    const Lsn durable = writer_->durable_lsn();
    {
      absl::MutexLock lock(&mutex);
      const auto at_risk =
          std::count_if(returned.begin(), returned.end(),
                        [&](Lsn lsn) { return lsn > durable; });
      EXPECT_LE(at_risk, 50);
    }
    if (round == 9) stop = true;
    fs_.Unblock(FileOp::kSync);
    if (round < 9) fs_.Block(FileOp::kSync, "0000000001.seg");
  }
  for (std::thread& thread : threads) thread.join();
  Close();
}

// ---------------------------------------------------------------------------
// WaitDurable

TEST_F(WatermarkTest, WaitDurableSyncsWhatItNeedsInEveryMode) {
  for (SyncMode mode : {SyncMode::kEach, SyncMode::kBatch, SyncMode::kNone}) {
    OpenIn(mode);
    const Lsn a = Append("a");
    EXPECT_TRUE(writer_->WaitDurable(a).ok());
    EXPECT_GE(writer_->durable_lsn(), a);
    const Lsn b = Append("b");
    EXPECT_TRUE(writer_->WaitDurable(b, absl::Now() + absl::Seconds(60)).ok());
    Close();
  }
}

TEST_F(WatermarkTest, WaitDurableGivesUpAtItsDeadline) {
  OpenIn(SyncMode::kNone);
  const Lsn a = Append("a");
  fs_.Block(FileOp::kSync, "0000000001.seg");
  const absl::Status status = writer_->WaitDurable(a, absl::Now());
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  fs_.Unblock(FileOp::kSync);
  EXPECT_TRUE(writer_->WaitDurable(a).ok());
}

TEST_F(WatermarkTest, WaitDurableOfWhatWasNeverAppendedIsAnError) {
  OpenIn(SyncMode::kNone);
  EXPECT_EQ(KindOf(writer_->WaitDurable(Append("a") + 1)),
            ErrorKind::kInvalidArgument);
}

TEST_F(WatermarkTest, TheWallClockGoingBackChangesNothing) {
  OpenIn(SyncMode::kBatch);
  const Lsn a = Append("a");
  clock_.SetNow(absl::FromUnixSeconds(0));
  Pass(interval_);
  AwaitConfirmed(a);
  Close();
  Life({"b"});
  EXPECT_EQ(Bodies(), (BodyList{"a", "b"}));
}

TEST_F(WatermarkTest, EverythingFailsTypedAfterClose) {
  OpenIn(SyncMode::kBatch);
  const Lsn a = Append("a");
  ASSERT_TRUE(writer_->Close().ok());
  EXPECT_TRUE(writer_->Close().ok());
  EXPECT_EQ(KindOf(TryAppend("b").status()), ErrorKind::kClosed);
  EXPECT_EQ(KindOf(writer_->Sync()), ErrorKind::kClosed);
  EXPECT_TRUE(writer_->WaitDurable(a).ok());
  EXPECT_EQ(KindOf(writer_->WaitDurable(a + 10)), ErrorKind::kClosed);
}

}  // namespace
}  // namespace journal
