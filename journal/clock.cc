#include "journal/clock.h"

#include <ctime>

#include "absl/time/clock.h"

namespace journal {
namespace {

class RealClock final : public Clock {
 public:
  absl::Time Now() override { return absl::Now(); }

  absl::Duration Monotonic() override {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return absl::DurationFromTimespec(now);
  }

  bool WaitWithTimeout(absl::CondVar* cv, absl::Mutex* mutex,
                       absl::Duration timeout) override {
    return cv->WaitWithTimeout(mutex, timeout);
  }
};

}  // namespace

Clock* Clock::Real() {
  static Clock* const clock = new RealClock;
  return clock;
}

}  // namespace journal
