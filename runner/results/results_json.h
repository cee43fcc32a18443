// The text of results.json.
#ifndef RUNNER_RESULTS_RESULTS_JSON_H_
#define RUNNER_RESULTS_RESULTS_JSON_H_

#include <string>

#include "runner/results/results_writer.h"

namespace runner {

// Raised when a member changes its meaning, not when one is added.
inline constexpr uint64_t kResultsFormat = 1;

// "timing" is the last member, and the only one that differs between two runs
// of the same benchmark.
std::string ResultsJson(const Results& results, const ResultsInfo& info,
                        const ResultStore::History& history);

}  // namespace runner

#endif  // RUNNER_RESULTS_RESULTS_JSON_H_
