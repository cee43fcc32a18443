#include "runner/storage/row_match.h"

#include <numeric>
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

void RowMatcher::Add(RowInfo journal_row) {
  if (behind_.empty() && same_ < size_ &&
      SameRow(row_at_(same_), journal_row)) {
    ++same_;
    return;
  }
  behind_.push_back(std::move(journal_row));
}

RowMatch RowMatcher::Finish() {
  RowMatch match;
  match.index_of_row.resize(size_);
  std::iota(match.index_of_row.begin(), match.index_of_row.begin() + same_, 0);
  absl::flat_hash_map<std::pair<absl::string_view, uint32_t>, uint32_t> by_id;
  for (size_t i = 0; i < behind_.size(); ++i) {
    by_id.emplace(
        std::make_pair(absl::string_view(behind_[i].id), behind_[i].occurrence),
        static_cast<uint32_t>(i));
  }
  const size_t listed = same_ + behind_.size();
  std::vector<bool> found(behind_.size());
  std::vector<bool> changed(behind_.size());
  for (size_t i = same_; i < size_; ++i) {
    RowInfo row = row_at_(i);
    const auto known =
        by_id.find(std::make_pair(absl::string_view(row.id), row.occurrence));
    if (known == by_id.end()) {
      match.index_of_row[i] =
          static_cast<uint32_t>(listed + match.added.size());
      match.added.push_back(std::move(row));
      continue;
    }
    match.index_of_row[i] = static_cast<uint32_t>(same_ + known->second);
    found[known->second] = true;
    changed[known->second] =
        behind_[known->second].content_hash != row.content_hash;
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i] && !changed[i]) continue;
    const RowInfo& row = behind_[i];
    match.differences.push_back({row.id, row.occurrence, !found[i]});
  }
  return match;
}

RowMatch MatchRows(size_t size, absl::FunctionRef<RowInfo(size_t)> row_at,
                   absl::Span<const RowInfo> journal_rows) {
  RowMatcher matcher(size, [row_at](size_t i) { return row_at(i); });
  for (const RowInfo& row : journal_rows) matcher.Add(row);
  return matcher.Finish();
}

}  // namespace runner
