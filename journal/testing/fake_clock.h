// A clock that stands still until a test moves it.
//
//   FakeClock clock;
//   … a thread of the engine waits for 100 ms …
//   ASSERT_TRUE(clock.AwaitWaiters(1));
//   clock.Advance(absl::Milliseconds(100));  // Wakes it.
#ifndef JOURNAL_TESTING_FAKE_CLOCK_H_
#define JOURNAL_TESTING_FAKE_CLOCK_H_

#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "journal/clock.h"

namespace journal {

// Thread-safe. Outlives whoever waits on it.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(absl::Time now = absl::FromUnixSeconds(1'700'000'000))
      : now_(now) {}
  FakeClock(const FakeClock&) = delete;
  FakeClock& operator=(const FakeClock&) = delete;

  absl::Time Now() override;
  absl::Duration Monotonic() override;

  // Never waits by the machine's clock: returns true once Advance() has gone
  // past `timeout`, at once if it is not positive.
  bool WaitWithTimeout(absl::CondVar* cv, absl::Mutex* mutex,
                       absl::Duration timeout) override;

  // Moves both times on and wakes the waiters whose time has come (and whoever
  // else waits on the same CondVar). It takes their mutexes one by one, so the
  // caller must hold none of them.
  void Advance(absl::Duration duration);

  // Sets the wall clock alone, back as well: nobody waits by it.
  void SetNow(absl::Time now);

  // Waits, by the machine's clock, until `count` or more threads are in
  // WaitWithTimeout; false after `timeout`. From then on Advance() reaches
  // them. One that Advance() woke does not count any more; one that something
  // else woke counts until it runs.
  [[nodiscard]] bool AwaitWaiters(int count,
                                  absl::Duration timeout = absl::Seconds(60));

 private:
  struct Waiter {
    absl::CondVar* cv;
    absl::Mutex* mutex;
    absl::Duration deadline;
    bool being_woken = false;  // Advance() uses `cv` and `mutex`.
  };

  absl::Mutex mutex_;
  absl::CondVar changed_;  // `waiters_`, or one of them was woken.
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
  absl::Duration monotonic_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
  std::vector<Waiter*> waiters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace journal

#endif  // JOURNAL_TESTING_FAKE_CLOCK_H_
