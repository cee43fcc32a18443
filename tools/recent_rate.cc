#include "tools/recent_rate.h"

#include <algorithm>

namespace inspector {

void RecentRate::Begin(absl::Time since) {
  *this = RecentRate();
  since_ = since;
}

void RecentRate::Add(absl::Time at) {
  if (since_ == absl::InfinitePast()) {
    since_ = at;  // One event alone says nothing of how often.
    return;
  }
  int64_t second = absl::ToUnixSeconds(at);
  if (!seconds_.empty()) {
    second = std::max(second, seconds_.back().unix_second);
  }
  if (seconds_.empty() || seconds_.back().unix_second < second) {
    seconds_.push_back({second, 0});
  }
  ++seconds_.back().events;
  ++events_;
  const int64_t window_start = second - absl::ToInt64Seconds(kWindow);
  while (seconds_.front().unix_second < window_start &&
         events_ - seconds_.front().events >= kEventsMin) {
    events_ -= seconds_.front().events;
    since_ = absl::FromUnixSeconds(seconds_.front().unix_second + 1);
    seconds_.pop_front();
  }
}

double RecentRate::PerSecond(absl::Time now) const {
  const absl::Duration time = now - since_;
  if (events_ == 0 || time <= absl::ZeroDuration()) return 0;
  return static_cast<double>(events_) / absl::ToDoubleSeconds(time);
}

}  // namespace inspector
