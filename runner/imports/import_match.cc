#include "runner/imports/import_match.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "runner/imports/import_values.h"

namespace runner {
namespace {

using Rows = std::vector<uint32_t>;

class Matching {
 public:
  Matching(const ImportedFile& file, const Dataset& dataset,
           const Fields& fields, const ImportMatchOptions& options)
      : file_(file), dataset_(dataset), fields_(fields), options_(options) {}

  absl::StatusOr<ImportMatch> Match();

 private:
  void FindIds();
  absl::Status FindQuestions();
  bool NeedsQuestions() const;
  void JudgeNumbers();
  const Rows* RowsOfId(const ImportedResult& result) const;
  const Rows* RowsOfQuestion(const ImportedResult& result) const;
  absl::optional<uint32_t> RowOfPosition(const ImportedResult& result) const;
  void Place(const ImportedResult& result);
  bool IsOurs(uint32_t row) const;
  // Puts it at the first of `rows` that is free, or replaces the last.
  // `group`, if not null, is where these rows are kept.
  void PlaceAmong(const Rows& rows, const ImportedResult& result,
                  const Rows* group);

  const ImportedFile& file_;
  const Dataset& dataset_;
  const Fields& fields_;
  const ImportMatchOptions& options_;
  // The texts are those of the results.
  absl::flat_hash_map<absl::string_view, Rows> by_id_;
  absl::flat_hash_map<absl::string_view, Rows> by_question_;
  bool numbers_are_ids_ = true;
  absl::flat_hash_map<std::pair<const Rows*, uint32_t>, size_t> next_free_;
  std::map<std::pair<uint32_t, uint32_t>, const ImportedResult*> placed_;
  ImportMatch match_;
};

absl::StatusOr<ImportMatch> Matching::Match() {
  FindIds();
  if (NeedsQuestions()) {
    if (absl::Status s = FindQuestions(); !s.ok()) return s;
    JudgeNumbers();
  }
  for (const ImportedResult& result : file_.results) {
    if (result.run > options_.runs) {
      match_.beyond.push_back(&result);
    } else {
      Place(result);
    }
  }
  match_.placed.reserve(placed_.size());
  for (const auto& [key, result] : placed_) {
    match_.placed.push_back({key.second, result});
  }
  return std::move(match_);
}

void Matching::FindIds() {
  for (const ImportedResult& result : file_.results) {
    if (!result.id.empty()) by_id_[result.id];
  }
  if (by_id_.empty()) return;
  for (size_t i = 0; i < dataset_.size(); ++i) {
    const auto found = by_id_.find(dataset_.id(i));
    if (found != by_id_.end())
      found->second.push_back(static_cast<uint32_t>(i));
  }
  // The order of the file is no order.
  for (auto& [id, rows] : by_id_) {
    std::sort(rows.begin(), rows.end(), [&](uint32_t a, uint32_t b) {
      return dataset_.occurrence(a) < dataset_.occurrence(b);
    });
  }
}

bool Matching::NeedsQuestions() const {
  return std::any_of(
      file_.results.begin(), file_.results.end(),
      [&](const ImportedResult& result) {
        return !result.question.empty() &&
               (result.id_is_number || RowsOfId(result) == nullptr);
      });
}

absl::Status Matching::FindQuestions() {
  for (const ImportedResult& result : file_.results) {
    if (!result.question.empty()) by_question_[result.question];
  }
  for (size_t i = 0; i < dataset_.size(); ++i) {
    absl::StatusOr<std::string> row = dataset_.Row(i);
    if (!row.ok()) return row.status();
    absl::StatusOr<RowFields> fields = fields_.Resolve(*row);
    if (!fields.ok()) return fields.status();
    if (!fields->input.has_value()) continue;
    const auto found = by_question_.find(*fields->input);
    if (found == by_question_.end()) continue;
    found->second.push_back(static_cast<uint32_t>(i));
  }
  return absl::OkStatus();
}

void Matching::JudgeNumbers() {
  for (const ImportedResult& result : file_.results) {
    if (!result.id_is_number) continue;
    const Rows* const by_id = RowsOfId(result);
    const Rows* const by_question = RowsOfQuestion(result);
    if (by_id == nullptr || by_question == nullptr) continue;
    const bool agree =
        std::any_of(by_id->begin(), by_id->end(), [&](uint32_t row) {
          return std::find(by_question->begin(), by_question->end(), row) !=
                 by_question->end();
        });
    if (!agree) numbers_are_ids_ = false;
  }
}

const Rows* Matching::RowsOfId(const ImportedResult& result) const {
  if (result.id.empty() || (result.id_is_number && !numbers_are_ids_)) {
    return nullptr;
  }
  const auto found = by_id_.find(result.id);
  return found == by_id_.end() || found->second.empty() ? nullptr
                                                        : &found->second;
}

const Rows* Matching::RowsOfQuestion(const ImportedResult& result) const {
  const auto found = by_question_.find(result.question);
  return found == by_question_.end() || found->second.empty() ? nullptr
                                                              : &found->second;
}

absl::optional<uint32_t> Matching::RowOfPosition(
    const ImportedResult& result) const {
  absl::optional<uint64_t> number = result.index;
  if (!number.has_value() && !result.id.empty()) {
    number = NumberOfName(result.id);
  }
  if (!options_.index_base.has_value() || !number.has_value() ||
      *number < *options_.index_base ||
      *number - *options_.index_base >= dataset_.size()) {
    return absl::nullopt;
  }
  return static_cast<uint32_t>(*number - *options_.index_base);
}

void Matching::Place(const ImportedResult& result) {
  const Rows* rows = RowsOfId(result);
  if (rows == nullptr) rows = RowsOfQuestion(result);
  Rows one;
  if (rows == nullptr) {
    if (const absl::optional<uint32_t> row = RowOfPosition(result)) {
      one.push_back(*row);
    }
  } else if (result.occurrence.has_value() &&
             *result.occurrence < rows->size()) {
    one.push_back((*rows)[*result.occurrence]);
  }
  const bool one_of_them = rows == nullptr || result.occurrence.has_value();
  if (one_of_them && one.empty()) {
    match_.unmatched.push_back(&result);
  } else {
    PlaceAmong(one_of_them ? one : *rows, result, one_of_them ? nullptr : rows);
  }
}

bool Matching::IsOurs(uint32_t row) const {
  return options_.shard.whole() ||
         IsInShard(options_.shard, dataset_.id(row), dataset_.occurrence(row));
}

void Matching::PlaceAmong(const Rows& rows, const ImportedResult& result,
                          const Rows* group) {
  size_t none = 0;
  // None before it is free.
  size_t& next = group == nullptr ? none : next_free_[{group, result.run}];
  bool ours = false;
  for (; next < rows.size(); ++next) {
    if (!IsOurs(rows[next])) continue;
    ours = true;
    if (placed_.emplace(std::make_pair(result.run, rows[next]), &result)
            .second) {
      return;
    }
  }
  for (size_t i = rows.size(); i > 0; --i) {
    if (!IsOurs(rows[i - 1])) continue;
    ours = true;
    if (!result.error.has_value()) {
      placed_[{result.run, rows[i - 1]}] = &result;
    }
    break;
  }
  ++(ours ? match_.replaced : match_.other_shards);
}

}  // namespace

absl::StatusOr<ImportMatch> MatchImport(const ImportedFile& file,
                                        const Dataset& dataset,
                                        const Fields& fields,
                                        const ImportMatchOptions& options) {
  return Matching(file, dataset, fields, options).Match();
}

}  // namespace runner
