// Where rows stand in a journal's own list of rows.
#ifndef RUNNER_STORAGE_ROW_MATCH_H_
#define RUNNER_STORAGE_ROW_MATCH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
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
// matter. Takes the journal's list row by row and keeps only what does not
// stand where it stood: most often nothing changed, or rows were added behind.
// Not thread-safe.
//
//   RowMatcher matcher(size, row_at);
//   journal.ForEachRow([&](RowInfo row) { matcher.Add(std::move(row)); });
//   RowMatch match = matcher.Finish();
class RowMatcher {
 public:
  // `row_at` gives row 0..size-1, each more than once.
  RowMatcher(size_t size, std::function<RowInfo(size_t)> row_at)
      : size_(size), row_at_(std::move(row_at)) {}

  void Add(RowInfo journal_row);
  // Once, after the journal's last row.
  RowMatch Finish();

 private:
  const size_t size_;
  const std::function<RowInfo(size_t)> row_at_;
  size_t same_ = 0;              // Rows that both lists begin with.
  std::vector<RowInfo> behind_;  // The journal's, from the first other one on.
};

// For a list that is there as a whole.
RowMatch MatchRows(size_t size, absl::FunctionRef<RowInfo(size_t)> row_at,
                   absl::Span<const RowInfo> journal_rows);

}  // namespace runner

#endif  // RUNNER_STORAGE_ROW_MATCH_H_
