#include "runner/study/adaptive_limit.h"

#include <algorithm>

namespace runner {

void AdaptiveLimit::OnAnswer() {
  if (limit_ == most_ || ++answers_ < limit_) return;
  ++limit_;
  answers_ = 0;
}

void AdaptiveLimit::OnThrottled(absl::Duration sent, absl::Duration now) {
  if (sent > cut_at_) Halve(now);
}

void AdaptiveLimit::Halve(absl::Duration now) {
  limit_ = std::max(1, limit_ / 2);
  answers_ = 0;
  cut_at_ = now;
}

}  // namespace runner
