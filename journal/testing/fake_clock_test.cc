#include "journal/testing/fake_clock.h"

#include <memory>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace journal {
namespace {

constexpr absl::Duration kBound = absl::Seconds(60);

// A thread that waits `timeout` by the clock, as long as it takes.
class Sleeper {
 public:
  Sleeper(Clock* clock, absl::Duration timeout)
      : clock_(clock), timeout_(timeout), thread_([this] {
          Run();
          awake_.Notify();
        }) {}
  ~Sleeper() { thread_.join(); }

  void Signal() {
    absl::MutexLock lock(&mutex_);
    signalled_ = true;
    cv_.Signal();
  }
  bool AwaitAwake() { return awake_.WaitForNotificationWithTimeout(kBound); }
  bool awake() const { return awake_.HasBeenNotified(); }

 private:
  void Run() {
    absl::MutexLock lock(&mutex_);
    const absl::Duration deadline = clock_->Monotonic() + timeout_;
    while (!signalled_ && clock_->Monotonic() < deadline) {
      clock_->WaitWithTimeout(&cv_, &mutex_, deadline - clock_->Monotonic());
    }
  }

  Clock* const clock_;
  const absl::Duration timeout_;
  absl::Mutex mutex_;
  absl::CondVar cv_;
  bool signalled_ = false;
  absl::Notification awake_;
  std::thread thread_;
};

TEST(FakeClockTest, MovesOnlyWhenTold) {
  FakeClock clock(absl::FromUnixSeconds(100));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(100));
  EXPECT_EQ(clock.Monotonic(), absl::ZeroDuration());
  clock.Advance(absl::Seconds(5));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(105));
  EXPECT_EQ(clock.Monotonic(), absl::Seconds(5));
}

TEST(FakeClockTest, WallClockGoesBackAlone) {
  FakeClock clock(absl::FromUnixSeconds(100));
  clock.Advance(absl::Seconds(5));
  clock.SetNow(absl::FromUnixSeconds(1));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(1));
  EXPECT_EQ(clock.Monotonic(), absl::Seconds(5));
}

TEST(FakeClockTest, NoTimeoutIsNoWait) {
  FakeClock clock;
  absl::Mutex mutex;
  absl::CondVar cv;
  absl::MutexLock lock(&mutex);
  EXPECT_TRUE(clock.WaitWithTimeout(&cv, &mutex, absl::ZeroDuration()));
  EXPECT_TRUE(clock.WaitWithTimeout(&cv, &mutex, -absl::Seconds(1)));
}

TEST(FakeClockTest, AdvanceWakesThoseWhoseTimeHasCome) {
  FakeClock clock;
  Sleeper sooner(&clock, absl::Seconds(1));
  Sleeper later(&clock, absl::Seconds(2));
  ASSERT_TRUE(clock.AwaitWaiters(2));
  clock.Advance(absl::Seconds(1));
  EXPECT_TRUE(sooner.AwaitAwake());
  EXPECT_FALSE(later.awake());
  clock.Advance(absl::Seconds(1));
  EXPECT_TRUE(later.AwaitAwake());
}

TEST(FakeClockTest, TimeAddsUpOverSmallSteps) {
  FakeClock clock;
  Sleeper sleeper(&clock, absl::Seconds(1));
  ASSERT_TRUE(clock.AwaitWaiters(1));
  clock.Advance(absl::Milliseconds(999));
  EXPECT_FALSE(sleeper.awake());
  clock.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(sleeper.AwaitAwake());
}

TEST(FakeClockTest, SignalWakesWithoutTime) {
  FakeClock clock;
  Sleeper sleeper(&clock, absl::InfiniteDuration());
  ASSERT_TRUE(clock.AwaitWaiters(1));
  sleeper.Signal();
  EXPECT_TRUE(sleeper.AwaitAwake());
}

TEST(FakeClockTest, WokenThreadDoesNotCountAsWaiting) {
  FakeClock clock;
  Sleeper sleeper(&clock, absl::Seconds(1));
  ASSERT_TRUE(clock.AwaitWaiters(1));
  clock.Advance(absl::Seconds(1));
  EXPECT_FALSE(clock.AwaitWaiters(1, absl::ZeroDuration()));
}

// A waiter may come, or go and take its mutex with it, at any moment of an
// Advance(). Worth a run under TSan and ASan.
TEST(FakeClockTest, WaitersComeAndGoWhileTimeAdvances) {
  FakeClock clock;
  absl::Notification done;
  std::thread time([&] {
    while (!done.HasBeenNotified()) {
      clock.Advance(absl::Milliseconds(1));
      std::this_thread::yield();  // On one processor the others go on, too.
    }
  });
  for (int i = 0; i < 100; ++i) {
    Sleeper timed(&clock, absl::Milliseconds(2));
    Sleeper signalled(&clock, absl::Seconds(1000));
    signalled.Signal();
  }
  done.Notify();
  time.join();
}

}  // namespace
}  // namespace journal
