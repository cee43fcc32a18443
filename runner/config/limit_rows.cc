#include "runner/config/option_rows.h"
#include "runner/config/option_setters.h"
#include "runner/config/run_limits.h"

namespace runner {
namespace {

absl::Status SetMaxCost(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<double> dollars = ParseMaxCost(value);
  if (!dollars.ok()) return dollars.status();
  options.limits.cost = *dollars;
  return absl::OkStatus();
}

absl::Status SetMaxTokens(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<uint64_t> tokens = ParseCount(value, 1, kNoLimit);
  if (!tokens.ok()) return tokens.status();
  options.limits.tokens = *tokens;
  return absl::OkStatus();
}

absl::Status SetMaxDuration(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<absl::Duration> duration = ParseDuration(value);
  if (!duration.ok()) return duration.status();
  if (*duration == absl::ZeroDuration()) {
    return absl::InvalidArgumentError("must be more than 0");
  }
  options.limits.duration = *duration;
  return absl::OkStatus();
}

absl::Status SetMaxFailures(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<FailureLimit> failures = ParseMaxFailures(value);
  if (!failures.ok()) return failures.status();
  options.limits.failures = *failures;
  return absl::OkStatus();
}

}  // namespace

std::vector<OptionRow> LimitRows() {
  constexpr auto kGroup = OptionGroup::kLimits;
  return {
      {.name = "prices",
       .group = kGroup,
       .value_name = "FILE",
       .help = "YAML {model: {input, cached_input, output}}, dollars per "
               "million tokens: what an answer costs when the evaluator does "
               "not say it",
       .set = SetText<&RunOptions::prices>},
      {.name = "max-cost",
       .group = kGroup,
       .value_name = "DOLLARS",
       .help = "stop, with exit 15, when so much is spent; what is in flight "
               "then still ends",
       .set = SetMaxCost},
      {.name = "max-tokens-total",
       .group = kGroup,
       .value_name = "N",
       .help = "the same, for tokens of prompts and answers",
       .set = SetMaxTokens},
      {.name = "max-duration",
       .group = kGroup,
       .value_name = "TIME",
       .help = "the same, for the time of all sessions",
       .set = SetMaxDuration},
      {.name = "max-failures",
       .group = kGroup,
       .value_name = "N|P%",
       .help = "the same, for failed queries; P% of those that have ended, "
               "from 20 ended ones on",
       .set = SetMaxFailures},
  };
}

}  // namespace runner
