// What an application hears of what happens behind its back, and when.
#include "journal/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "journal/error.h"
#include "journal/listener_thread.h"
#include "journal/testing/journal_fixture.h"

namespace journal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

using Sealed = std::vector<std::pair<uint64_t, Lsn>>;

// Notes what it is told, and does what a test wants in the call.
class NotingListener final : public WriterListener {
 public:
  void OnBackgroundError(const absl::Status& error) override {
    if (in_call) in_call();
    absl::MutexLock lock(&mutex_);
    errors_.push_back(KindOf(error));
    changed_.SignalAll();
  }
  void OnSegmentSealed(uint64_t segment_id, Lsn last_lsn) override {
    if (in_call) in_call();
    absl::MutexLock lock(&mutex_);
    sealed_.emplace_back(segment_id, last_lsn);
    changed_.SignalAll();
  }
  std::vector<ErrorKind> AwaitErrors(size_t count) {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    absl::MutexLock lock(&mutex_);
    while (errors_.size() < count) {
      if (changed_.WaitWithDeadline(&mutex_, deadline)) break;
    }
    return errors_;
  }
  Sealed AwaitSealed(size_t count) {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    absl::MutexLock lock(&mutex_);
    while (sealed_.size() < count) {
      if (changed_.WaitWithDeadline(&mutex_, deadline)) break;
    }
    return sealed_;
  }

  std::function<void()> in_call;

 private:
  absl::Mutex mutex_;
  absl::CondVar changed_;
  std::vector<ErrorKind> errors_ ABSL_GUARDED_BY(mutex_);
  Sealed sealed_ ABSL_GUARDED_BY(mutex_);
};

class ListenerTest : public JournalFixture {
 protected:
  ListenerTest() { options_.listener = &listener_; }
  // It refers to the listener.
  ~ListenerTest() override { writer_.reset(); }

  NotingListener listener_;
  const std::string big_ = std::string(40'000, 'b');
};

TEST_F(ListenerTest, EachSealedSegmentIsToldWithItsSeal) {
  Open();
  Append(big_);
  Append(big_);
  EXPECT_THAT(listener_.AwaitSealed(1), ElementsAre(Pair(1, 2)));
  Append(big_);
  EXPECT_THAT(listener_.AwaitSealed(2), ElementsAre(Pair(1, 2), Pair(2, 4)));
  Close();
  EXPECT_EQ(FrameOfKind(2, FrameKind::kSeal).lsn, 4);
}

TEST_F(ListenerTest, WhatOpeningSealsIsNotTold) {
  Life({"earlier"});
  Open();
  Close();
  EXPECT_THAT(listener_.AwaitSealed(0), IsEmpty());
}

TEST_F(ListenerTest, OfThoseSealedWhileItIsBusyTheNewestIsTold) {
  absl::Notification called, go_on;
  listener_.in_call = [&] {
    if (!called.HasBeenNotified()) called.Notify();
    go_on.WaitForNotification();
  };
  Open();
  Append(big_);
  Append(big_);
  called.WaitForNotification();
  for (int i = 0; i < 3; ++i) Append(big_);
  go_on.Notify();
  Close();
  EXPECT_THAT(listener_.AwaitSealed(2), ElementsAre(Pair(1, 2), Pair(4, 8)));
}

TEST_F(ListenerTest, TheTimersFailedFsyncIsToldOnce) {
  options_.sync_mode = SyncMode::kBatch;
  Open();
  Append("a");
  fs_.Inject({.op = FileOp::kSync, .name_part = "0000000001.seg"});
  ASSERT_TRUE(clock_.AwaitWaiters(1));
  clock_.Advance(options_.sync_interval);
  EXPECT_THAT(listener_.AwaitErrors(1), ElementsAre(ErrorKind::kIo));
  EXPECT_EQ(KindOf(TryAppend("b").status()), ErrorKind::kPoisoned);
  EXPECT_EQ(KindOf(writer_->Close()), ErrorKind::kPoisoned);
  EXPECT_THAT(listener_.AwaitErrors(1), SizeIs(1));
  EXPECT_EQ(writer_->statistics().background_errors, 1);
}

TEST_F(ListenerTest, SoIsAnErrorThatAnAppenderMet) {
  options_.sync_mode = SyncMode::kEach;
  Open();
  fs_.Inject({.op = FileOp::kWrite, .name_part = "0000000001.seg"});
  EXPECT_FALSE(TryAppend("a").ok());
  EXPECT_THAT(listener_.AwaitErrors(1), ElementsAre(ErrorKind::kIo));
}

TEST_F(ListenerTest, FailingToPrepareIsToldAndAppendsGoOn) {
  Open();
  fs_.Inject({.op = FileOp::kWrite, .name_part = "0000000002.seg.new"});
  Append(big_);  // More than half of the segment.
  EXPECT_THAT(listener_.AwaitErrors(1), ElementsAre(ErrorKind::kIo));
  Append(big_);
  Close();
  EXPECT_THAT(Bodies(), ElementsAre(big_, big_));
}

TEST_F(ListenerTest, AFullDiskAheadIsTold) {
  Open();
  disk_.SetCapacity(disk_.UsedBytes());
  Append(big_);
  EXPECT_THAT(listener_.AwaitErrors(1), ElementsAre(ErrorKind::kNoSpace));
  Append("still fits");
}

TEST_F(ListenerTest, ACallMayUseTheWriterButNotCloseIt) {
  listener_.in_call = [this] {
    listener_.in_call = nullptr;
    EXPECT_EQ(KindOf(writer_->Close()), ErrorKind::kInvalidArgument);
    Append("from the listener");
    Sync();
  };
  Open();
  Append(big_);
  Append(big_);
  listener_.AwaitSealed(1);
  Close();
  EXPECT_THAT(Bodies(), ElementsAre(big_, big_, "from the listener"));
}

TEST_F(ListenerTest, WaitingErrorsAreBoundedAndTheLastOneIsKept) {
  absl::Notification called, go_on;
  listener_.in_call = [&] {
    if (!called.HasBeenNotified()) called.Notify();
    go_on.WaitForNotification();
  };
  ListenerThread thread(&listener_);
  const auto tell = [&](ErrorKind kind, bool for_good) {
    thread.TellError(MakeError(kind, "an error"), for_good);
  };
  tell(ErrorKind::kNoSpace, false);
  called.WaitForNotification();
  for (int i = 0; i < 1000; ++i) tell(ErrorKind::kNoSpace, false);
  tell(ErrorKind::kIo, true);
  go_on.Notify();
  thread.Drain();
  const std::vector<ErrorKind> told = listener_.AwaitErrors(0);
  EXPECT_THAT(told, SizeIs(1 + 16 + 1));
  EXPECT_EQ(told.back(), ErrorKind::kIo);
}

}  // namespace
}  // namespace journal
