// How often something happens just now.
#ifndef TOOLS_RECENT_RATE_H_
#define TOOLS_RECENT_RATE_H_

#include <cstdint>
#include <deque>

#include "absl/time/time.h"

namespace inspector {

// Over the last kWindow, or longer where that holds fewer than kEventsMin, so
// that a slow run has a rate, too; never back beyond what is known. Memory: two
// numbers for each second in which something happened, at most some 80. Not
// thread-safe.
class RecentRate {
 public:
  static constexpr absl::Duration kWindow = absl::Seconds(60);
  static constexpr uint64_t kEventsMin = 20;

  // Counts from here on; without it from the first event on.
  void Begin(absl::Time since);
  // In order of time; an earlier one counts as of the newest.
  void Add(absl::Time at);
  // A second; 0 before the first.
  double PerSecond(absl::Time now) const;

 private:
  struct Second {
    int64_t unix_second = 0;
    uint64_t events = 0;
  };

  absl::Time since_ = absl::InfinitePast();  // What `seconds_` covers.
  std::deque<Second> seconds_;
  uint64_t events_ = 0;
};

}  // namespace inspector

#endif  // TOOLS_RECENT_RATE_H_
