// What calls used and cost, summed up: the one way in which this is done.
#ifndef RUNNER_STORAGE_USAGE_TOTALS_H_
#define RUNNER_STORAGE_USAGE_TOTALS_H_

#include <cstdint>

#include "absl/types/optional.h"
#include "runner/base/query.h"
#include "runner/storage/records.h"

namespace runner {

// `a` + `b`, or the largest number where that is too large.
uint64_t SaturatingAdd(uint64_t a, uint64_t b);

// What is unknown is counted, never taken for zero. Sums saturate, and stay
// finite: what is added may come from a journal that says anything. A negative
// cost is unknown.
struct UsageTotals {
  uint64_t calls = 0;
  uint64_t prompt_tokens = 0;
  uint64_t completion_tokens = 0;
  uint64_t cached_tokens = 0;
  uint64_t reasoning_tokens = 0;
  uint64_t unmetered = 0;       // Calls without a word on tokens.
  uint64_t unpriced = 0;        // Calls of which nobody knows the cost.
  absl::optional<double> cost;  // Dollars, of the others; nullopt: of none.

  // One call.
  void Add(const Usage& usage, const absl::optional<double>& call_cost);
  void Add(const UsageTotals& other);

  // Fills in the record's usage, cost and counts of what is unknown.
  void ToRunEnd(RunEndRecord& record) const;
};

}  // namespace runner

#endif  // RUNNER_STORAGE_USAGE_TOTALS_H_
