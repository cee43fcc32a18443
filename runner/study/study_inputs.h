// What a study reads before it asks anything.
#ifndef RUNNER_STUDY_STUDY_INPUTS_H_
#define RUNNER_STUDY_STUDY_INPUTS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "runner/config/options.h"
#include "runner/config/prices.h"
#include "runner/data/dataset.h"

namespace runner {

struct StudyDataset {
  std::unique_ptr<Dataset> dataset;
  std::vector<uint32_t> selected;  // Rows of it.
};

// Those of StudyDatasets(), in order, with the rows that the options select.
// InvalidArgument for two of one name and for a selection that means nothing;
// those of Dataset::Load, where `index_directory` is explained.
absl::StatusOr<std::vector<StudyDataset>> LoadDatasets(
    const RunOptions& options, absl::string_view index_directory);

// What --prices names; nullopt without it, and for what asks nothing.
// InvalidArgument.
absl::StatusOr<absl::optional<Prices>> LoadPrices(const RunOptions& options);

}  // namespace runner

#endif  // RUNNER_STUDY_STUDY_INPUTS_H_
