#include "runner/study/study_inputs.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runner/data/selection.h"
#include "runner/study/cells.h"

namespace runner {
namespace {

Selection SelectionOf(const RunOptions& options) {
  Selection selection;
  selection.sample_ids = options.sample_ids;
  selection.shuffle = options.shuffle;
  selection.seed = options.seed;
  selection.num_samples = options.num_samples;
  selection.shard = options.shard;
  return selection;
}

}  // namespace

absl::StatusOr<std::vector<StudyDataset>> LoadDatasets(
    const RunOptions& options, absl::string_view index_directory) {
  const Selection selection = SelectionOf(options);
  std::vector<StudyDataset> datasets;
  for (const std::string& path : StudyDatasets(options)) {
    StudyDataset loaded;
    DatasetOptions reading;
    reading.id_field = options.id_field;
    reading.index_directory = std::string(index_directory);
    absl::StatusOr<std::unique_ptr<Dataset>> dataset =
        Dataset::Load(path, reading);
    if (!dataset.ok()) return dataset.status();
    loaded.dataset = *std::move(dataset);
    absl::StatusOr<std::vector<uint32_t>> selected =
        SelectRows(*loaded.dataset, selection);
    if (!selected.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": ", selected.status().message()));
    }
    loaded.selected = *std::move(selected);
    for (const StudyDataset& other : datasets) {
      if (other.dataset->name() != loaded.dataset->name()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("--datasets: ", other.dataset->path(), " and ", path,
                       " have the same name, by which journals and results "
                       "are told apart; rename one"));
    }
    datasets.push_back(std::move(loaded));
  }
  return datasets;
}

absl::StatusOr<absl::optional<Prices>> LoadPrices(const RunOptions& options) {
  if (options.prices.empty() || options.score_only) {
    return absl::optional<Prices>();
  }
  absl::StatusOr<Prices> prices = Prices::Read(options.prices);
  if (prices.ok()) return absl::optional<Prices>(*std::move(prices));
  return absl::InvalidArgumentError(
      absl::StrCat("--prices: ", prices.status().message()));
}

}  // namespace runner
