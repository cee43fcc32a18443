// Where a dataset's rows stand in a journal's own list of rows.
#ifndef RUNNER_STUDY_DATASET_MATCH_H_
#define RUNNER_STUDY_DATASET_MATCH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "runner/data/dataset.h"
#include "runner/storage/records.h"

namespace runner {

// A row of the journal's list that the dataset no longer has as it was.
struct RowDifference {
  std::string id;
  uint32_t occurrence = 0;
  bool removed = false;  // Else its content changed.
};

struct DatasetMatch {
  // The journal index of each row of the dataset, in dataset order. Rows that
  // the journal does not know continue its list: see `added`.
  std::vector<uint32_t> index_of_row;
  // To be appended to the journal's list, in order.
  std::vector<RowInfo> added;
  // In order of the journal's list.
  std::vector<RowDifference> differences;
};

// Rows are the same if id, occurrence and content are; their order does not
// matter.
DatasetMatch MatchDataset(const Dataset& dataset,
                          absl::Span<const RowInfo> journal_rows);

// All rows of a dataset, as a new journal lists them.
std::vector<RowInfo> RowsOf(const Dataset& dataset);

}  // namespace runner

#endif  // RUNNER_STUDY_DATASET_MATCH_H_
