// Where a dataset's rows stand in a journal's own list of rows.
#ifndef RUNNER_STUDY_DATASET_MATCH_H_
#define RUNNER_STUDY_DATASET_MATCH_H_

#include <cstddef>

#include "absl/types/span.h"
#include "runner/data/dataset.h"
#include "runner/storage/records.h"
#include "runner/storage/row_match.h"

namespace runner {

// Row `i` as a journal lists it.
RowInfo RowAt(const Dataset& dataset, size_t i);

// Its rows in dataset order, among those of the journal. Borrows the dataset.
RowMatcher MatcherOf(const Dataset& dataset);
RowMatch MatchDataset(const Dataset& dataset,
                      absl::Span<const RowInfo> journal_rows);

}  // namespace runner

#endif  // RUNNER_STUDY_DATASET_MATCH_H_
