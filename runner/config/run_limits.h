// What a study may cost and how long it may go on: --max-cost and its kind.
#ifndef RUNNER_CONFIG_RUN_LIMITS_H_
#define RUNNER_CONFIG_RUN_LIMITS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace runner {

// A count, or a share of the queries that have ended.
struct FailureLimit {
  uint64_t count = 0;  // 0: none.
  double percent = 0;  // 0: none.
};

// Of all benchmarks of a study together, with what their journals say was
// spent before.
struct RunLimits {
  absl::optional<double> cost;  // Dollars.
  uint64_t tokens = 0;          // Prompts and completions; 0: none.
  absl::Duration duration = absl::InfiniteDuration();
  FailureLimit failures;
};

bool IsLimited(const RunLimits& limits);

// "20" or "5%": a count from 1, or more than 0% up to 100%.
absl::StatusOr<FailureLimit> ParseMaxFailures(absl::string_view text);

// "1.50" or "$1.50": more than 0 and finite.
absl::StatusOr<double> ParseMaxCost(absl::string_view text);

}  // namespace runner

#endif  // RUNNER_CONFIG_RUN_LIMITS_H_
