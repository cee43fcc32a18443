// Waiting, with a bound, for what other processes do and no event tells.
#ifndef RUNNER_TESTING_EVENTUALLY_H_
#define RUNNER_TESTING_EVENTUALLY_H_

#include <poll.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace runner {

// Of every wait for something that must happen: long enough for a busy machine
// under a sanitizer.
inline constexpr absl::Duration kPatience = absl::Seconds(60);

// Looks at `condition` again and again. False when it has not come true.
template <typename Condition>
bool Eventually(Condition condition) {
  const absl::Time until = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > until) return false;
    poll(nullptr, 0, /*timeout_ms=*/2);
  }
  return true;
}

}  // namespace runner

#endif  // RUNNER_TESTING_EVENTUALLY_H_
