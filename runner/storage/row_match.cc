#include "runner/storage/row_match.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace runner {
namespace {

bool SameRow(const RowInfo& a, const RowInfo& b) {
  return a.id == b.id && a.occurrence == b.occurrence &&
         a.content_hash == b.content_hash;
}

}  // namespace

RowMatch MatchRows(size_t size, absl::FunctionRef<RowInfo(size_t)> row_at,
                   absl::Span<const RowInfo> journal_rows) {
  RowMatch match;
  match.index_of_row.resize(size);
  // Most often nothing changed, or rows were added behind: no table is needed
  // for what stands where it stood.
  size_t same = 0;
  while (same < size && same < journal_rows.size() &&
         SameRow(row_at(same), journal_rows[same])) {
    match.index_of_row[same] = static_cast<uint32_t>(same);
    ++same;
  }
  absl::flat_hash_map<std::pair<absl::string_view, uint32_t>, uint32_t> by_id;
  for (size_t i = same; i < journal_rows.size(); ++i) {
    by_id.emplace(std::make_pair(absl::string_view(journal_rows[i].id),
                                 journal_rows[i].occurrence),
                  static_cast<uint32_t>(i));
  }
  std::vector<bool> found(journal_rows.size() - same);
  std::vector<bool> changed(journal_rows.size() - same);
  for (size_t i = same; i < size; ++i) {
    RowInfo row = row_at(i);
    const auto known =
        by_id.find(std::make_pair(absl::string_view(row.id), row.occurrence));
    if (known == by_id.end()) {
      match.index_of_row[i] =
          static_cast<uint32_t>(journal_rows.size() + match.added.size());
      match.added.push_back(std::move(row));
      continue;
    }
    match.index_of_row[i] = known->second;
    found[known->second - same] = true;
    changed[known->second - same] =
        journal_rows[known->second].content_hash != row.content_hash;
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i] && !changed[i]) continue;
    const RowInfo& row = journal_rows[same + i];
    match.differences.push_back({row.id, row.occurrence, !found[i]});
  }
  return match;
}

}  // namespace runner
