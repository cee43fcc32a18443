#include "runner/study/retry_policy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "runner/base/hashing.h"

namespace runner {

absl::Duration RetryDelay(const EvaluationError& error, uint32_t tries,
                          uint64_t seed) {
  absl::Duration ceiling =
      error.throttled ? kThrottledCeilingMin : kRetryCeilingMin;
  for (uint32_t i = 1; i < tries && ceiling < kRetryCeilingMax; ++i) {
    ceiling *= 2;
  }
  ceiling = std::min(ceiling, kRetryCeilingMax);
  constexpr uint64_t kParts = 1 << 20;
  const uint64_t draw = Xxh3(absl::StrCat(seed, " ", tries)) % kParts;
  const absl::Duration jitter =
      ceiling * (static_cast<double>(draw) / static_cast<double>(kParts));
  const absl::Duration asked = error.retry_after.value_or(absl::ZeroDuration());
  return std::min(asked, kRetryAfterMax) + jitter;
}

}  // namespace runner
