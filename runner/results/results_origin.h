// Of which run, and of which journal, a results.json is, or the lines beside
// it.
#ifndef RUNNER_RESULTS_RESULTS_ORIGIN_H_
#define RUNNER_RESULTS_RESULTS_ORIGIN_H_

#include <string>

#include "absl/types/optional.h"

namespace runner {

struct ResultsOrigin {
  std::string run_id;
  std::string journal;  // Absolute; empty: without one, or not said.
};

// Nothing where there is no file, or none that says its run. Hostile files are
// read within bounds.
absl::optional<ResultsOrigin> OriginOfResults(const std::string& results_path);

// Whether the file begins as the lines of results do that this program writes.
bool IsResultLines(const std::string& path);

// The same as OriginOfResults, of the results.json beside results.jsonl.
absl::optional<ResultsOrigin> OriginOfResultLines(const std::string& path);

}  // namespace runner

#endif  // RUNNER_RESULTS_RESULTS_ORIGIN_H_
