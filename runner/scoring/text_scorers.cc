#include "runner/scoring/text_scorers.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"
#include "runner/base/text.h"
#include "runner/scoring/lower_case.h"

namespace runner {
namespace {

Score RightOrWrong(bool right) { return {.value = right ? 1.0 : 0.0}; }

class ExactMatch : public Scorer {
 public:
  absl::string_view name() const override { return "exact_match"; }

  Score Evaluate(absl::string_view answer,
                 absl::string_view target) const override {
    return RightOrWrong(absl::StripAsciiWhitespace(answer) ==
                        absl::StripAsciiWhitespace(target));
  }

  absl::Status CheckTarget(absl::string_view) const override {
    return absl::OkStatus();
  }
};

class Contains : public Scorer {
 public:
  absl::string_view name() const override { return "contains"; }

  Score Evaluate(absl::string_view answer,
                 absl::string_view target) const override {
    target = absl::StripAsciiWhitespace(target);
    return RightOrWrong(!target.empty() && absl::StrContains(answer, target));
  }

  absl::Status CheckTarget(absl::string_view target) const override {
    if (!absl::StripAsciiWhitespace(target).empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "the target is empty, which --scorer contains would find everywhere");
  }
};

class Regex : public Scorer {
 public:
  absl::string_view name() const override { return "regex"; }

  Score Evaluate(absl::string_view answer,
                 absl::string_view target) const override {
    const RE2 pattern(Piece(target), Quiet());
    return RightOrWrong(pattern.ok() &&
                        RE2::PartialMatch(Piece(answer), pattern));
  }

  absl::Status CheckTarget(absl::string_view target) const override {
    const RE2 pattern(Piece(target), Quiet());
    if (pattern.ok()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("the target ", Quoted(target),
                     " is no pattern, which --scorer regex "
                     "needs: ",
                     Excerpt(pattern.error(), kQuotedColumnsMax)));
  }

 private:
  static re2::StringPiece Piece(absl::string_view text) {
    return re2::StringPiece(text.data(), text.size());
  }
  static RE2::Options Quiet() {
    RE2::Options options;
    options.set_log_errors(false);
    return options;
  }
};

using Words = std::vector<std::string>;

double F1(const Words& answer, const Words& target) {
  if (answer.empty() || target.empty()) return answer == target ? 1 : 0;
  std::map<absl::string_view, size_t> left;
  for (const std::string& word : target) ++left[word];
  size_t shared = 0;
  for (const std::string& word : answer) {
    const auto found = left.find(word);
    if (found == left.end() || found->second == 0) continue;
    --found->second;
    ++shared;
  }
  // 2PR / (P + R) with P = shared / answer and R = shared / target.
  return 2.0 * static_cast<double>(shared) /
         static_cast<double>(answer.size() + target.size());
}

// The target itself, or the strings of the JSON list that it is.
std::vector<std::string> RightAnswers(absl::string_view target) {
  if (absl::StartsWith(absl::StripAsciiWhitespace(target), "[")) {
    const absl::StatusOr<nlohmann::json> list = ParseJson(target);
    std::vector<std::string> texts;
    if (list.ok() && list->is_array() && !list->empty() &&
        std::all_of(list->begin(), list->end(),
                    [](const auto& each) { return each.is_string(); })) {
      for (const auto& each : *list) texts.push_back(RenderText(each));
      return texts;
    }
  }
  return {std::string(target)};
}

class TokenF1 : public Scorer {
 public:
  absl::string_view name() const override { return "f1"; }

  Score Evaluate(absl::string_view answer,
                 absl::string_view target) const override {
    const Words given = SquadWords(answer);
    Score best;
    for (const std::string& right : RightAnswers(target)) {
      best.value = std::max(best.value, F1(given, SquadWords(right)));
    }
    return best;
  }

  absl::Status CheckTarget(absl::string_view) const override {
    return absl::OkStatus();
  }
};

}  // namespace

std::vector<std::string> SquadWords(absl::string_view text) {
  std::string plain = LowerCase(text);
  plain.erase(std::remove_if(plain.begin(), plain.end(),
                             [](char c) {
                               return absl::ascii_ispunct(
                                   static_cast<unsigned char>(c));
                             }),
              plain.end());
  std::vector<std::string> words =
      absl::StrSplit(plain, absl::ByAnyChar(" \t\n\v\f\r"), absl::SkipEmpty());
  words.erase(std::remove_if(words.begin(), words.end(),
                             [](const std::string& word) {
                               return word == "a" || word == "an" ||
                                      word == "the";
                             }),
              words.end());
  return words;
}

std::unique_ptr<Scorer> NewExactMatch() {
  return std::make_unique<ExactMatch>();
}
std::unique_ptr<Scorer> NewContains() { return std::make_unique<Contains>(); }
std::unique_ptr<Scorer> NewRegexScorer() { return std::make_unique<Regex>(); }
std::unique_ptr<Scorer> NewTokenF1() { return std::make_unique<TokenF1>(); }

}  // namespace runner
