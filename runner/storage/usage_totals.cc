#include "runner/storage/usage_totals.h"

#include <cmath>
#include <limits>

namespace runner {
namespace {

void AddCost(double more, absl::optional<double>& cost) {
  const double sum = cost.value_or(0) + more;
  if (std::isfinite(sum)) cost = sum;
}

}  // namespace

uint64_t SaturatingAdd(uint64_t a, uint64_t b) {
  const uint64_t sum = a + b;
  return sum < a ? std::numeric_limits<uint64_t>::max() : sum;
}

void UsageTotals::Add(const Usage& usage,
                      const absl::optional<double>& call_cost) {
  calls = SaturatingAdd(calls, 1);
  prompt_tokens = SaturatingAdd(prompt_tokens, usage.prompt_tokens);
  completion_tokens = SaturatingAdd(completion_tokens, usage.completion_tokens);
  cached_tokens = SaturatingAdd(cached_tokens, usage.cached_tokens);
  reasoning_tokens = SaturatingAdd(reasoning_tokens, usage.reasoning_tokens);
  unmetered = SaturatingAdd(unmetered, usage.metered ? 0 : 1);
  if (call_cost.has_value() && std::isfinite(*call_cost) && *call_cost >= 0) {
    AddCost(*call_cost, cost);
  } else {
    unpriced = SaturatingAdd(unpriced, 1);
  }
}

void UsageTotals::Add(const UsageTotals& other) {
  calls = SaturatingAdd(calls, other.calls);
  prompt_tokens = SaturatingAdd(prompt_tokens, other.prompt_tokens);
  completion_tokens = SaturatingAdd(completion_tokens, other.completion_tokens);
  cached_tokens = SaturatingAdd(cached_tokens, other.cached_tokens);
  reasoning_tokens = SaturatingAdd(reasoning_tokens, other.reasoning_tokens);
  unmetered = SaturatingAdd(unmetered, other.unmetered);
  unpriced = SaturatingAdd(unpriced, other.unpriced);
  if (other.cost.has_value()) AddCost(*other.cost, cost);
}

void UsageTotals::ToRunEnd(RunEndRecord& record) const {
  record.usage = {.prompt_tokens = prompt_tokens,
                  .completion_tokens = completion_tokens,
                  .cached_tokens = cached_tokens,
                  .reasoning_tokens = reasoning_tokens,
                  .metered = unmetered < calls};
  record.cost = cost;
  record.unmetered = unmetered;
  record.unpriced = unpriced;
}

}  // namespace runner
