#include "runner/study/rate_limit.h"

#include <algorithm>

namespace runner {

RateLimit::RateLimit(double per_second)
    : interval_(per_second > 0 ? absl::Seconds(1) / per_second
                               : absl::ZeroDuration()) {}

absl::Duration RateLimit::Wait(absl::Duration now) const {
  return std::max(next_ - now, absl::ZeroDuration());
}

void RateLimit::Take(absl::Duration now) {
  next_ = std::max(next_, now - kRateCatchUpMax) + interval_;
}

}  // namespace runner
