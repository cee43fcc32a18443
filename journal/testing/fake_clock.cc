#include "journal/testing/fake_clock.h"

#include "absl/time/clock.h"

namespace journal {

absl::Time FakeClock::Now() {
  absl::MutexLock lock(&mutex_);
  return now_;
}

absl::Duration FakeClock::Monotonic() {
  absl::MutexLock lock(&mutex_);
  return monotonic_;
}

// The order of locks is the waiter's mutex before the clock's. Two things must
// not happen. A wake-up must not come between a waiter's registration and its
// wait, where it would be lost: so Advance() takes the waiter's mutex, which
// is free only once the waiter waits. And a waiter must not leave, and its
// owner with the mutex die, while Advance() is about to take it: so the waiter
// stays until Advance() is through, and lets go of its mutex meanwhile.
//
// The analysis cannot follow a mutex that arrives as a pointer and is dropped
// on the way.
bool FakeClock::WaitWithTimeout(absl::CondVar* cv, absl::Mutex* mutex,
                                absl::Duration timeout)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Waiter self = {.cv = cv, .mutex = mutex, .deadline = absl::ZeroDuration()};
  {
    absl::MutexLock lock(&mutex_);
    if (timeout <= absl::ZeroDuration()) return true;
    self.deadline = monotonic_ + timeout;
    waiters_.push_back(&self);
    changed_.SignalAll();
  }
  cv->Wait(mutex);
  mutex->Unlock();
  bool timed_out = false;
  {
    absl::MutexLock lock(&mutex_);
    while (self.being_woken) changed_.Wait(&mutex_);
    std::erase(waiters_, &self);
    timed_out = monotonic_ >= self.deadline;
  }
  mutex->Lock();
  return timed_out;
}

void FakeClock::Advance(absl::Duration duration) {
  std::vector<Waiter*> due;
  {
    absl::MutexLock lock(&mutex_);
    now_ += duration;
    monotonic_ += duration;
    for (Waiter* waiter : waiters_) {
      if (waiter->deadline > monotonic_) continue;
      waiter->being_woken = true;
      due.push_back(waiter);
    }
    // Already now, so that AwaitWaiters() does not count one that is woken but
    // has not run yet.
    std::erase_if(waiters_, [](Waiter* w) { return w->being_woken; });
  }
  for (Waiter* waiter : due) {
    absl::MutexLock lock(waiter->mutex);
    waiter->cv->SignalAll();
  }
  absl::MutexLock lock(&mutex_);
  for (Waiter* waiter : due) waiter->being_woken = false;
  changed_.SignalAll();
}

void FakeClock::SetNow(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  now_ = now;
}

bool FakeClock::AwaitWaiters(int count, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  absl::MutexLock lock(&mutex_);
  while (static_cast<int>(waiters_.size()) < count) {
    if (changed_.WaitWithDeadline(&mutex_, deadline)) return false;
  }
  return true;
}

}  // namespace journal
