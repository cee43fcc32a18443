// The benchmarks of a study: each dataset with each model and each method.
#ifndef RUNNER_STUDY_CELLS_H_
#define RUNNER_STUDY_CELLS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "runner/config/command.h"
#include "runner/config/options.h"

namespace runner {

// One benchmark, as if it alone had been asked for.
struct Cell {
  // Of one dataset, at most one model and one method; in `effective` too, which
  // is what its journal keeps.
  RunOptions options;
  size_t dataset = 0;  // Its place in StudyDatasets().
  std::string model;   // Empty: none.
};

// The paths of a study's datasets, in order; at least one.
std::vector<std::string> StudyDatasets(const RunOptions& options);

// In order of datasets, within one of models, within one of methods. A method
// that is among `methods` has the options given there.
std::vector<Cell> StudyCells(const RunOptions& options,
                             absl::Span<const MethodOptions> methods);

// They are begun without a look at the journals that are there: `resume latest`
// must not go on with those either, for benchmarks that were not reached.
// `now` is before any of their journals is made.
void MarkBegunAnew(absl::Time now, std::vector<Cell>* cells);

// When the study of a cell was begun anew: journals made before it are none of
// its own. The infinite past where any may be.
absl::Time BegunAnew(const RunOptions& cell);

}  // namespace runner

#endif  // RUNNER_STUDY_CELLS_H_
