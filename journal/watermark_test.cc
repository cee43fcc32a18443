// When appended records become durable and confirmed: by count, by time, by
// mode, to the record.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "journal/error.h"
#include "journal/segment_header.h"
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
// The oracle: what was durable is known from the calls alone

class WatermarkOracleTest : public WatermarkTest {
 protected:
  // A frame, or a segment's header, and the call that wrote it.
  struct Written {
    uint64_t segment;
    uint64_t offset;
    Lsn lsn;  // Of a header: 0.
    Lsn watermark;
    size_t call;
  };

  // Every watermark in the journal is the LSN up to which every frame had been
  // written, and its segment fsynced behind that, when it was sealed: not one
  // more, not one less.
  void CheckEveryWatermark() {
    calls_ = fs_.Calls();
    std::vector<Written> all;
    for (uint64_t id = 1; disk_.Has(PathOf(id)); ++id) {
      all.push_back({id, 0, 0, Header(id).watermark, 0});
      for (const FramePlace& frame : Frames(id)) {
        all.push_back({id, frame.offset, frame.lsn, frame.watermark, 0});
      }
    }
    for (Written& written : all) written.call = CallThatWrote(written);
    for (const Written& written : all) {
      ASSERT_EQ(written.watermark, DurableBefore(written.call, all))
          << "segment " << written.segment << ", offset " << written.offset
          << ", LSN " << written.lsn;
    }
  }

  // The newest frame confirms all others, and has been fsynced itself.
  void CheckAllIsConfirmed() {
    const Lsn last = Examine().last_lsn;
    EXPECT_EQ(Examine().watermark, last == 0 ? 0 : last - 1);
    EXPECT_EQ(writer_->durable_lsn(), last);
    EXPECT_EQ(writer_->confirmed_lsn(), last == 0 ? 0 : last - 1);
    LoseAllThatIsUnsynced();
    EXPECT_EQ(Examine().last_lsn, last);
  }

 private:
  bool IsOn(const FileCall& call, uint64_t segment) const {
    return absl::StrContains(call.path, SegmentFileName(segment)) &&
           !absl::StrContains(call.path, kTornSuffix);
  }

  size_t CallThatWrote(const Written& written) const {
    for (size_t i = calls_.size(); i-- > 0;) {
      const FileCall& call = calls_[i];
      if (call.op == FileOp::kWrite && IsOn(call, written.segment) &&
          call.offset <= written.offset &&
          written.offset < call.offset + call.size) {
        return i;
      }
    }
    ADD_FAILURE() << "nobody wrote LSN " << written.lsn;
    return 0;
  }

  Lsn DurableBefore(size_t call, const std::vector<Written>& all) const {
    Lsn durable = 0;
    for (const Written& written : all) {
      if (written.lsn == 0) continue;
      bool synced = false;
      for (size_t i = written.call; i < call && !synced; ++i) {
        synced =
            calls_[i].op == FileOp::kSync && IsOn(calls_[i], written.segment);
      }
      if (!synced) break;
      durable = written.lsn;
    }
    return durable;
  }

  std::vector<FileCall> calls_;
};

TEST_F(WatermarkOracleTest, EveryWatermarkIsWhatWasDurableWhenItWasSealed) {
  constexpr SyncMode kModes[] = {SyncMode::kEach, SyncMode::kBatch,
                                 SyncMode::kNone};
  for (uint64_t seed = 1; seed <= 90; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    disk_.Delete(directory_);
    fs_.ClearCalls();
    for (int life = 0; life < 3; ++life) {
      options_.sync_records = static_cast<uint32_t>(1 + random() % 6);
      ASSERT_NO_FATAL_FAILURE(OpenIn(kModes[random() % 3]));
      for (uint64_t step = random() % 20; step > 0; --step) {
        switch (random() % 6) {
          case 0:
            Sync();
            break;
          case 1:
            AppendSpan({"s1", std::string(random() % 900, 's'), "s3"});
            break;
          case 2:  // Rotates now and then.
            Append(std::string(20000, 'b'));
            break;
          default:
            Append(std::string(random() % 700, 'a'));
        }
      }
      const uint64_t end = random() % 3;
      if (end == 0) Close();
      if (end == 1) Kill();
      if (end == 2) PowerCut({.seed = seed});
    }
    ASSERT_NO_FATAL_FAILURE(CheckEveryWatermark());
  }
}

TEST_F(WatermarkOracleTest, TheSameWithManyThreads) {
  for (const SyncMode mode : {SyncMode::kEach, SyncMode::kBatch}) {
    disk_.Delete(directory_);
    fs_.ClearCalls();
    options_.sync_records = 7;
    OpenIn(mode);
    std::vector<std::thread> threads;
    for (int t = 0; t < 6; ++t) {
      threads.emplace_back([this] {
        for (int i = 0; i < 40; ++i) Append(std::string(i * 20, 't'));
      });
    }
    for (std::thread& thread : threads) thread.join();
    Close();
    CheckEveryWatermark();
  }
}

TEST_F(WatermarkOracleTest, WhenIdleAllThatIsDurableIsConfirmed) {
  for (const SyncMode mode : {SyncMode::kEach, SyncMode::kBatch}) {
    for (int records = 1; records <= 5; ++records) {
      disk_.Delete(directory_);
      fs_.ClearCalls();
      options_.sync_records = 3;
      OpenIn(mode);
      Lsn last = 0;
      for (int i = 0; i < records; ++i) last = Append("r");
      Pass(interval_);
      AwaitConfirmed(last);
      CheckEveryWatermark();
      CheckAllIsConfirmed();
    }
  }
}

TEST_F(WatermarkOracleTest, WhenClosedAllIsConfirmed) {
  for (const SyncMode mode :
       {SyncMode::kEach, SyncMode::kBatch, SyncMode::kNone}) {
    disk_.Delete(directory_);
    fs_.ClearCalls();
    OpenIn(mode);
    Append("a");
    Sync();
    AppendSpan({"b", "c"});
    ASSERT_TRUE(writer_->Close().ok());
    CheckEveryWatermark();
    CheckAllIsConfirmed();
  }
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
    // Never a gap in which fsync after fsync gets through: the segment, which
    // this waits at, would soon be full.
    if (round < 9) fs_.LetPass(FileOp::kSync);
  }
  stop = true;
  fs_.Unblock(FileOp::kSync);
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

TEST_F(WatermarkTest, ADeadlineHoldsInEveryMode) {
  for (SyncMode mode : {SyncMode::kEach, SyncMode::kBatch, SyncMode::kNone}) {
    SCOPED_TRACE(SyncModeName(mode));
    OpenIn(mode);
    const Lsn durable = Append("a");
    Sync();
    EXPECT_TRUE(writer_->WaitDurable(durable, absl::InfinitePast()).ok());
    const Lsn later = durable + 10;
    fs_.Block(FileOp::kSync, ".seg");
    for (absl::Time deadline : {absl::InfinitePast(), absl::Now(),
                                absl::Now() + absl::Milliseconds(10)}) {
      const absl::Status late = writer_->WaitDurable(later, deadline);
      EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
    }
    fs_.Unblock(FileOp::kSync);
    Close();
  }
}

TEST_F(WatermarkTest, AWaiterWithADeadlineIsWokenByTheFsync) {
  OpenIn(SyncMode::kNone);
  const Lsn a = Append("a");
  fs_.Block(FileOp::kSync, ".seg");
  std::thread waiter([&] {
    EXPECT_TRUE(writer_->WaitDurable(a, absl::Now() + absl::Hours(1)).ok());
  });
  ASSERT_TRUE(fs_.AwaitBlocked(FileOp::kSync)) << "it asked for the fsync";
  fs_.Unblock(FileOp::kSync);
  waiter.join();
  EXPECT_GE(writer_->durable_lsn(), a);
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
