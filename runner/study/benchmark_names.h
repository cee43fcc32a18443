// What a benchmark is called, and what makes it the same as another.
#ifndef RUNNER_STUDY_BENCHMARK_NAMES_H_
#define RUNNER_STUDY_BENCHMARK_NAMES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "runner/config/options.h"
#include "runner/data/dataset.h"

namespace runner {

struct BenchmarkNames {
  std::string model;  // Empty: none.
  std::string label;  // "gsm8k/gpt-4/cot".
  std::string benchmark_id;
  std::string run_id;  // That a new journal would get.
  std::string identity_json;
  std::string identity_hash;
  std::string scoring_json;
  std::string scoring_hash;
  std::string selection_json;
  // Where --results says that the results go; empty: in a folder of their own.
  std::string named_results;
};

// InvalidArgument for what the options cannot mean, and for results that would
// take the dataset's place.
absl::StatusOr<BenchmarkNames> MakeNames(const RunOptions& options,
                                         const Dataset& dataset,
                                         absl::string_view model,
                                         absl::Time now);

// The path of results.json for the journal `run_id`.
std::string ResultsPath(const RunOptions& options, const Dataset& dataset,
                        absl::string_view model, absl::string_view run_id);

}  // namespace runner

#endif  // RUNNER_STUDY_BENCHMARK_NAMES_H_
