#include "runner/imports/import_match.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "runner/imports/import_values.h"

namespace runner {
namespace {

using Rows = std::vector<uint32_t>;

// A question of the file.
struct Text {
  Rows rows;           // That have it.
  bool named = false;  // A result with it has an id that counts.
  absl::flat_hash_map<uint32_t, size_t> results;  // By run.
};

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
  void CountTexts();
  const Rows* RowsOfId(const ImportedResult& result) const;
  const Text* TextOf(const ImportedResult& result) const;
  // Whether its text says which query is meant.
  bool GoesByText(const ImportedResult& result, const Text& text) const;
  absl::optional<uint32_t> RowOfPosition(const ImportedResult& result) const;
  void Place(const ImportedResult& result);
  void PlaceByText(const ImportedResult& result, const Text* text);
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
  absl::flat_hash_map<absl::string_view, Text> by_question_;
  std::vector<const Text*> text_of_row_;  // Null: of no result.
  bool numbers_are_ids_ = true;
  bool names_are_ids_ = false;  // One that is no number is in the dataset.
  absl::flat_hash_map<std::pair<const Rows*, uint32_t>, size_t> next_free_;
  std::map<std::pair<uint32_t, uint32_t>, const ImportedResult*> placed_;
  ImportMatch match_;
};

absl::StatusOr<ImportMatch> Matching::Match() {
  FindIds();
  if (NeedsQuestions()) {
    if (absl::Status s = FindQuestions(); !s.ok()) return s;
    JudgeNumbers();
    CountTexts();
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
  names_are_ids_ =
      std::any_of(file_.results.begin(), file_.results.end(),
                  [&](const ImportedResult& result) {
                    return !result.id_is_number && RowsOfId(result) != nullptr;
                  });
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
  text_of_row_.resize(dataset_.size());
  for (size_t i = 0; i < dataset_.size(); ++i) {
    absl::StatusOr<std::string> row = dataset_.Row(i);
    if (!row.ok()) return row.status();
    absl::StatusOr<RowFields> fields = fields_.Resolve(*row);
    if (!fields.ok()) return fields.status();
    if (!fields->input.has_value()) continue;
    const auto found = by_question_.find(*fields->input);
    if (found == by_question_.end()) continue;
    found->second.rows.push_back(static_cast<uint32_t>(i));
    text_of_row_[i] = &found->second;
  }
  return absl::OkStatus();
}

void Matching::JudgeNumbers() {
  // Each row is looked at once, however many results there are of it.
  absl::flat_hash_set<std::pair<const Rows*, const Text*>> agreeing;
  for (const auto& [id, rows] : by_id_) {
    for (const uint32_t row : rows) {
      if (text_of_row_[row] != nullptr) {
        agreeing.insert({&rows, text_of_row_[row]});
      }
    }
  }
  numbers_are_ids_ = std::all_of(file_.results.begin(), file_.results.end(),
                                 [&](const ImportedResult& result) {
                                   if (!result.id_is_number) return true;
                                   const Rows* const rows = RowsOfId(result);
                                   const Text* const text = TextOf(result);
                                   return rows == nullptr || text == nullptr ||
                                          agreeing.contains({rows, text});
                                 });
}

void Matching::CountTexts() {
  for (const ImportedResult& result : file_.results) {
    const auto found = by_question_.find(result.question);
    if (found == by_question_.end()) continue;
    ++found->second.results[result.run];
    found->second.named |= (!result.id.empty() && !result.id_is_number) ||
                           RowsOfId(result) != nullptr;
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

const Text* Matching::TextOf(const ImportedResult& result) const {
  const auto found = by_question_.find(result.question);
  return found == by_question_.end() || found->second.rows.empty()
             ? nullptr
             : &found->second;
}

bool Matching::GoesByText(const ImportedResult& result,
                          const Text& text) const {
  const bool one = text.rows.size() == 1;
  if (!result.id.empty() && !result.id_is_number) return one && !names_are_ids_;
  return one || (!text.named &&
                 text.results.find(result.run)->second == text.rows.size());
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
  const Rows* const rows = RowsOfId(result);
  if (rows == nullptr) {
    PlaceByText(result, TextOf(result));
  } else if (!result.occurrence.has_value()) {
    PlaceAmong(*rows, result, rows);
  } else if (*result.occurrence < rows->size()) {
    PlaceAmong({(*rows)[*result.occurrence]}, result, nullptr);
  } else {
    match_.unmatched.push_back(&result);
  }
}

void Matching::PlaceByText(const ImportedResult& result, const Text* text) {
  if (text != nullptr && GoesByText(result, *text)) {
    PlaceAmong(text->rows, result, &text->rows);
    return;
  }
  const absl::optional<uint32_t> row = RowOfPosition(result);
  // A position is none where another question is.
  if (row.has_value() && (text == nullptr || text_of_row_[*row] == text)) {
    PlaceAmong({*row}, result, nullptr);
    return;
  }
  match_.ambiguous += text != nullptr && text->rows.size() > 1 ? 1 : 0;
  match_.unmatched.push_back(&result);
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
