// Time, behind an interface so that tests can hold it still and turn it back.
#ifndef JOURNAL_CLOCK_H_
#define JOURNAL_CLOCK_H_

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace journal {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall-clock time, for people; it may go backwards.
  virtual absl::Time Now() = 0;

  // Monotonic time since an arbitrary start, for intervals.
  virtual absl::Duration Monotonic() = 0;

  // Waits on `cv` (of `mutex`, which is held) until it is signalled or
  // `timeout` has passed. Returns true on a timeout. May wake early.
  virtual bool WaitWithTimeout(absl::CondVar* cv, absl::Mutex* mutex,
                               absl::Duration timeout) = 0;

  // The machine's clock. Lives for ever.
  static Clock* Real();
};

}  // namespace journal

#endif  // JOURNAL_CLOCK_H_
