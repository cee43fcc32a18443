#include "runner/study/dataset_match.h"

namespace runner {

RowInfo RowAt(const Dataset& dataset, size_t i) {
  return {dataset.id(i), dataset.occurrence(i), dataset.content_hash(i)};
}

RowMatcher MatcherOf(const Dataset& dataset) {
  return RowMatcher(dataset.size(),
                    [&dataset](size_t i) { return RowAt(dataset, i); });
}

RowMatch MatchDataset(const Dataset& dataset,
                      absl::Span<const RowInfo> journal_rows) {
  RowMatcher matcher = MatcherOf(dataset);
  for (const RowInfo& row : journal_rows) matcher.Add(row);
  return matcher.Finish();
}

}  // namespace runner
