// How many requests may be under way, found out from what the server says.
#ifndef RUNNER_STUDY_ADAPTIVE_LIMIT_H_
#define RUNNER_STUDY_ADAPTIVE_LIMIT_H_

#include "absl/time/time.h"

namespace runner {

// Additive increase, multiplicative decrease, as TCP does it: one more when as
// many answers came as may be under way, half when throttled. Begins at `most`
// and stays within [1, most]. Not thread-safe.
class AdaptiveLimit {
 public:
  explicit AdaptiveLimit(int most) : most_(most), limit_(most) {}

  int limit() const { return limit_; }

  // An answer came.
  void OnAnswer();

  // A request that left at `sent` was too much. Those that had left before the
  // limit was cut say nothing new: it is cut once a round trip at most.
  void OnThrottled(absl::Duration sent, absl::Duration now);

  // Memory runs short.
  void OnPressure(absl::Duration now) { Halve(now); }

 private:
  void Halve(absl::Duration now);

  const int most_;
  int limit_;
  int answers_ = 0;  // Since the limit last changed.
  absl::Duration cut_at_ = -absl::InfiniteDuration();
};

}  // namespace runner

#endif  // RUNNER_STUDY_ADAPTIVE_LIMIT_H_
