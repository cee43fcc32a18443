// When a failed attempt is made again: the one policy of every evaluator.
#ifndef RUNNER_STUDY_RETRY_POLICY_H_
#define RUNNER_STUDY_RETRY_POLICY_H_

#include <cstdint>

#include "absl/time/time.h"
#include "runner/evaluators/evaluator.h"

namespace runner {

// The first ceiling, which doubles with each attempt up to the last. Who is
// throttled comes back later than who met with an accident.
inline constexpr absl::Duration kRetryCeilingMin = absl::Milliseconds(100);
inline constexpr absl::Duration kThrottledCeilingMin = absl::Seconds(1);
inline constexpr absl::Duration kRetryCeilingMax = absl::Seconds(30);

// A server that asks for more is asked again after this: a mistaken header must
// not stop a benchmark for days.
inline constexpr absl::Duration kRetryAfterMax = absl::Minutes(10);

// How long to wait after the `tries`-th failed attempt (from 1). Exponential
// with full jitter: anything from zero to the ceiling, so that queries which
// failed together do not come back together. What the evaluator itself asked
// for is waited first. Depends on `seed` and `tries` alone.
absl::Duration RetryDelay(const EvaluationError& error, uint32_t tries,
                          uint64_t seed);

}  // namespace runner

#endif  // RUNNER_STUDY_RETRY_POLICY_H_
