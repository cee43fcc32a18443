// Where a dataset's rows stand in a journal's own list of rows.
#ifndef RUNNER_STUDY_DATASET_MATCH_H_
#define RUNNER_STUDY_DATASET_MATCH_H_

#include <vector>

#include "absl/types/span.h"
#include "runner/data/dataset.h"
#include "runner/storage/records.h"
#include "runner/storage/row_match.h"

namespace runner {

// Its rows in dataset order, among those of the journal.
RowMatch MatchDataset(const Dataset& dataset,
                      absl::Span<const RowInfo> journal_rows);

// All rows of a dataset, as a new journal lists them.
std::vector<RowInfo> RowsOf(const Dataset& dataset);

}  // namespace runner

#endif  // RUNNER_STUDY_DATASET_MATCH_H_
