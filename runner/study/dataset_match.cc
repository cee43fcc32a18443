#include "runner/study/dataset_match.h"

namespace runner {
namespace {

RowInfo RowAt(const Dataset& dataset, size_t i) {
  return {dataset.id(i), dataset.occurrence(i), dataset.content_hash(i)};
}

}  // namespace

std::vector<RowInfo> RowsOf(const Dataset& dataset) {
  std::vector<RowInfo> rows;
  rows.reserve(dataset.size());
  for (size_t i = 0; i < dataset.size(); ++i) rows.push_back(RowAt(dataset, i));
  return rows;
}

RowMatch MatchDataset(const Dataset& dataset,
                      absl::Span<const RowInfo> journal_rows) {
  return MatchRows(
      dataset.size(), [&dataset](size_t i) { return RowAt(dataset, i); },
      journal_rows);
}

}  // namespace runner
