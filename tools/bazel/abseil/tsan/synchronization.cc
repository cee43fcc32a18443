// Tells ThreadSanitizer about the locks of the system's Abseil.
//
// ThreadSanitizer learns what happens before what by watching atomic
// operations. The system's libabsl_synchronization is compiled without it, so
// every access under an absl::Mutex would be reported as a race. The functions
// here stand in front of the library's own (the executable's symbols win over
// a shared library's), tell ThreadSanitizer what they are, and call on.
//
// Linked by --config=tsan only.

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace absl {
ABSL_NAMESPACE_BEGIN
namespace {

constexpr unsigned kWrite = 0;
constexpr unsigned kRead = __tsan_mutex_read_lock;

// The library's functions call each other; the outermost speaks for the rest.
thread_local int call_depth = 0;

class Call {
 public:
  Call() { ++call_depth; }
  ~Call() { --call_depth; }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  bool outermost() const { return call_depth == 1; }
};

// Around a call that returns with the lock held, unless it says Fail().
class Acquiring {
 public:
  Acquiring(Mutex* mu, unsigned how) : mu_(mu), how_(how) {
    if (call_.outermost()) __tsan_mutex_pre_lock(mu_, how_);
  }
  ~Acquiring() {
    if (call_.outermost()) __tsan_mutex_post_lock(mu_, how_, 0);
  }

  bool Tried(bool acquired) {
    if (!acquired) how_ |= __tsan_mutex_try_lock_failed;
    return acquired;
  }

 private:
  Call call_;
  Mutex* const mu_;
  unsigned how_;
};

// Around a call that gives the lock up.
class Releasing {
 public:
  Releasing(Mutex* mu, unsigned how) : mu_(mu), how_(how) {
    if (call_.outermost()) __tsan_mutex_pre_unlock(mu_, how_);
  }
  ~Releasing() {
    if (call_.outermost()) __tsan_mutex_post_unlock(mu_, how_);
  }

 private:
  Call call_;
  Mutex* const mu_;
  const unsigned how_;
};

// Around a call that gives the lock up for a while and takes it back.
class Waiting {
 public:
  Waiting(Mutex* mu, const std::atomic<intptr_t>& state)
      : mu_(mu), how_(state.load() & kHeldByWriter ? kWrite : kRead) {
    if (!call_.outermost()) return;
    __tsan_mutex_pre_unlock(mu_, how_);
    __tsan_mutex_post_unlock(mu_, how_);
    __tsan_mutex_pre_lock(mu_, how_);
  }
  ~Waiting() {
    if (call_.outermost()) __tsan_mutex_post_lock(mu_, how_, 0);
  }

 private:
  static constexpr intptr_t kHeldByWriter = 0x8;  // kMuWriter in mutex.cc

  Call call_;
  Mutex* const mu_;
  const unsigned how_;
};

// __tsan_acquire() and __tsan_release() take a void*.
void* Address(const std::atomic<bool>& value) {
  return const_cast<std::atomic<bool>*>(&value);
}

void* FindNext(const char* symbol) {
  void* function = dlsym(RTLD_NEXT, symbol);
  if (function == nullptr) {
    std::fprintf(stderr, "the system's Abseil has no %s\n", symbol);
    std::abort();
  }
  return function;
}

// Calls the library's own function, a member whose `this` is the first
// argument. `symbol` is its mangled name after the leading _Z.
#define CALL_NEXT(result, symbol, ...)                     \
  [](auto... args) -> result {                             \
    using Function = result (*)(decltype(args)...);        \
    static const auto next =                               \
        reinterpret_cast<Function>(FindNext("_Z" symbol)); \
    return next(args...);                                  \
  }(__VA_ARGS__)

#define MUTEX "N4absl7debian35Mutex"
#define COND_VAR "N4absl7debian37CondVar"
#define NOTIFICATION "4absl7debian312Notification"
#define BLOCKING_COUNTER "N4absl7debian315BlockingCounter"
#define CONDITION "RKNS0_9ConditionE"
#define DURATION "NS0_8DurationE"
#define TIME "NS0_4TimeE"

}  // namespace

Mutex::~Mutex() {
  __tsan_mutex_destroy(this, 0);
  CALL_NEXT(void, MUTEX "D1Ev", this);
}

void Mutex::Lock() {
  Acquiring acquiring(this, kWrite);
  CALL_NEXT(void, MUTEX "4LockEv", this);
}

void Mutex::ReaderLock() {
  Acquiring acquiring(this, kRead);
  CALL_NEXT(void, MUTEX "10ReaderLockEv", this);
}

bool Mutex::TryLock() {
  Acquiring acquiring(this, kWrite | __tsan_mutex_try_lock);
  return acquiring.Tried(CALL_NEXT(bool, MUTEX "7TryLockEv", this));
}

bool Mutex::ReaderTryLock() {
  Acquiring acquiring(this, kRead | __tsan_mutex_try_lock);
  return acquiring.Tried(CALL_NEXT(bool, MUTEX "13ReaderTryLockEv", this));
}

void Mutex::LockWhen(const Condition& condition) {
  Acquiring acquiring(this, kWrite);
  CALL_NEXT(void, MUTEX "8LockWhenE" CONDITION, this, &condition);
}

void Mutex::ReaderLockWhen(const Condition& condition) {
  Acquiring acquiring(this, kRead);
  CALL_NEXT(void, MUTEX "14ReaderLockWhenE" CONDITION, this, &condition);
}

bool Mutex::LockWhenWithTimeout(const Condition& condition, Duration timeout) {
  Acquiring acquiring(this, kWrite);
  return CALL_NEXT(bool, MUTEX "19LockWhenWithTimeoutE" CONDITION DURATION,
                   this, &condition, timeout);
}

bool Mutex::LockWhenWithDeadline(const Condition& condition, Time deadline) {
  Acquiring acquiring(this, kWrite);
  return CALL_NEXT(bool, MUTEX "20LockWhenWithDeadlineE" CONDITION TIME, this,
                   &condition, deadline);
}

bool Mutex::ReaderLockWhenWithTimeout(const Condition& condition,
                                      Duration timeout) {
  Acquiring acquiring(this, kRead);
  return CALL_NEXT(bool,
                   MUTEX "25ReaderLockWhenWithTimeoutE" CONDITION DURATION,
                   this, &condition, timeout);
}

bool Mutex::ReaderLockWhenWithDeadline(const Condition& condition,
                                       Time deadline) {
  Acquiring acquiring(this, kRead);
  return CALL_NEXT(bool, MUTEX "26ReaderLockWhenWithDeadlineE" CONDITION TIME,
                   this, &condition, deadline);
}

void Mutex::Unlock() {
  Releasing releasing(this, kWrite);
  CALL_NEXT(void, MUTEX "6UnlockEv", this);
}

void Mutex::ReaderUnlock() {
  Releasing releasing(this, kRead);
  CALL_NEXT(void, MUTEX "12ReaderUnlockEv", this);
}

void Mutex::Await(const Condition& condition) {
  Waiting waiting(this, mu_);
  CALL_NEXT(void, MUTEX "5AwaitE" CONDITION, this, &condition);
}

bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  Waiting waiting(this, mu_);
  return CALL_NEXT(bool, MUTEX "16AwaitWithTimeoutE" CONDITION DURATION, this,
                   &condition, timeout);
}

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  Waiting waiting(this, mu_);
  return CALL_NEXT(bool, MUTEX "17AwaitWithDeadlineE" CONDITION TIME, this,
                   &condition, deadline);
}

void CondVar::Wait(Mutex* mu) {
  Waiting waiting(mu, mu->mu_);
  CALL_NEXT(void, COND_VAR "4WaitEPNS0_5MutexE", this, mu);
}

bool CondVar::WaitWithTimeout(Mutex* mu, Duration timeout) {
  Waiting waiting(mu, mu->mu_);
  return CALL_NEXT(bool, COND_VAR "15WaitWithTimeoutEPNS0_5MutexE" DURATION,
                   this, mu, timeout);
}

bool CondVar::WaitWithDeadline(Mutex* mu, Time deadline) {
  Waiting waiting(mu, mu->mu_);
  return CALL_NEXT(bool, COND_VAR "16WaitWithDeadlineEPNS0_5MutexE" TIME, this,
                   mu, deadline);
}

// Notification and BlockingCounter pass values on by an atomic of the library,
// whose lock is not always taken.

void Notification::Notify() {
  __tsan_release(Address(notified_yet_));
  CALL_NEXT(void, "N" NOTIFICATION "6NotifyEv", this);
}

void Notification::WaitForNotification() const {
  CALL_NEXT(void, "NK" NOTIFICATION "19WaitForNotificationEv", this);
  __tsan_acquire(Address(notified_yet_));
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  const bool notified = CALL_NEXT(
      bool, "NK" NOTIFICATION "30WaitForNotificationWithTimeoutE" DURATION,
      this, timeout);
  if (notified) __tsan_acquire(Address(notified_yet_));
  return notified;
}

bool Notification::WaitForNotificationWithDeadline(Time deadline) const {
  const bool notified = CALL_NEXT(
      bool, "NK" NOTIFICATION "31WaitForNotificationWithDeadlineE" TIME, this,
      deadline);
  if (notified) __tsan_acquire(Address(notified_yet_));
  return notified;
}

bool BlockingCounter::DecrementCount() {
  __tsan_release(this);
  return CALL_NEXT(bool, BLOCKING_COUNTER "14DecrementCountEv", this);
}

void BlockingCounter::Wait() {
  CALL_NEXT(void, BLOCKING_COUNTER "4WaitEv", this);
  __tsan_acquire(this);
}

ABSL_NAMESPACE_END
}  // namespace absl
