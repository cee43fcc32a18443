#include "runner/config/run_limits.h"

#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runner/base/text.h"
#include "runner/config/option_values.h"

namespace runner {
namespace {

constexpr double kDollarsMax = 1e12;

}  // namespace

bool IsLimited(const RunLimits& limits) {
  return limits.cost.has_value() || limits.tokens > 0 ||
         limits.duration != absl::InfiniteDuration() ||
         limits.failures.count > 0 || limits.failures.percent > 0;
}

absl::StatusOr<FailureLimit> ParseMaxFailures(absl::string_view text) {
  FailureLimit limit;
  absl::string_view number = text;
  if (!absl::ConsumeSuffix(&number, "%")) {
    const absl::StatusOr<uint64_t> count =
        ParseCount(text, 1, std::numeric_limits<uint64_t>::max());
    if (!count.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(count.status().message(), ", nor a share such as 5%"));
    }
    limit.count = *count;
    return limit;
  }
  const absl::StatusOr<double> percent = ParseNumber(number);
  // Not the other way round: NaN is within nothing.
  if (!percent.ok() || !(*percent > 0 && *percent <= 100)) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(text), " is not more than 0% and at most 100%"));
  }
  limit.percent = *percent;
  return limit;
}

absl::StatusOr<double> ParseMaxCost(absl::string_view text) {
  absl::string_view number = text;
  absl::ConsumePrefix(&number, "$");
  const absl::StatusOr<double> dollars = ParseNumber(number);
  if (dollars.ok() && *dollars > 0 && *dollars <= kDollarsMax) return *dollars;
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(text), " is not a number of dollars above 0"));
}

}  // namespace runner
