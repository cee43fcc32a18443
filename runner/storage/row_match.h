// Where rows stand in a journal's own list of rows.
#ifndef RUNNER_STORAGE_ROW_MATCH_H_
#define RUNNER_STORAGE_ROW_MATCH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "runner/storage/records.h"

namespace runner {

// A row of the journal's list that is no longer there as it was.
struct RowDifference {
  std::string id;
  uint32_t occurrence = 0;
  bool removed = false;  // Else its content changed.
};

struct RowMatch {
  // The journal index of each row, in order. Rows that the journal does not
  // know continue its list: see `added`.
  std::vector<uint32_t> index_of_row;
  // To be appended to the journal's list, in order.
  std::vector<RowInfo> added;
  // In order of the journal's list.
  std::vector<RowDifference> differences;
};

// Rows are the same if id, occurrence and content are; their order does not
// matter. `row_at` gives row 0..size-1, each more than once.
RowMatch MatchRows(size_t size, absl::FunctionRef<RowInfo(size_t)> row_at,
                   absl::Span<const RowInfo> journal_rows);

}  // namespace runner

#endif  // RUNNER_STORAGE_ROW_MATCH_H_
