// At most so many requests in a time, evenly spread.
#ifndef RUNNER_STUDY_RATE_LIMIT_H_
#define RUNNER_STUDY_RATE_LIMIT_H_

#include "absl/time/time.h"

namespace runner {

// A request that left late lets the next ones follow sooner, but by no more
// than this altogether: a busy machine keeps the rate, and a pause is followed
// by no burst.
inline constexpr absl::Duration kRateCatchUpMax = absl::Milliseconds(50);

// Not thread-safe.
class RateLimit {
 public:
  // 0: no limit.
  explicit RateLimit(double per_second);

  // How long from `now` until the next request may leave; zero: at once.
  absl::Duration Wait(absl::Duration now) const;

  // One leaves now.
  void Take(absl::Duration now);

 private:
  const absl::Duration interval_;
  absl::Duration next_ = -absl::InfiniteDuration();  // Were all on time.
};

}  // namespace runner

#endif  // RUNNER_STUDY_RATE_LIMIT_H_
