#include "runner/scoring/scorer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runner/base/text.h"
#include "runner/scoring/number.h"

namespace runner {
namespace {

constexpr absl::string_view kExactMatch = "exact_match";
constexpr absl::string_view kNumeric = "numeric";

class ExactMatch : public Scorer {
 public:
  absl::string_view name() const override { return kExactMatch; }

  Score Evaluate(absl::string_view answer,
                 absl::string_view target) const override {
    const bool same = absl::StripAsciiWhitespace(answer) ==
                      absl::StripAsciiWhitespace(target);
    return {.value = same ? 1.0 : 0.0};
  }

  absl::Status CheckTarget(absl::string_view) const override {
    return absl::OkStatus();
  }
};

struct Tolerance {
  double size = 0;
  bool relative = false;  // To the target.
};

class Numeric : public Scorer {
 public:
  explicit Numeric(absl::optional<Tolerance> tolerance)
      : tolerance_(tolerance) {}

  absl::string_view name() const override { return kNumeric; }

  Score Evaluate(absl::string_view answer,
                 absl::string_view target) const override {
    const absl::optional<Number> given = FindNumber(answer);
    if (!given.has_value()) return {.value = 0, .parsed = false};
    const absl::optional<Number> wanted = FindNumber(target);
    const bool right = wanted.has_value() && Matches(*given, *wanted);
    return {.value = right ? 1.0 : 0.0};
  }

  absl::Status CheckTarget(absl::string_view target) const override {
    if (FindNumber(target).has_value()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "the target ", Quoted(target),
        " is not a number, which --scorer numeric needs; --target-field and "
        "--extract-regex say where it is"));
  }

 private:
  bool Matches(const Number& given, const Number& wanted) const {
    if (SameNumber(given, wanted)) return true;
    if (!tolerance_.has_value()) return false;
    const double allowed = tolerance_->relative
                               ? tolerance_->size * std::abs(wanted.value)
                               : tolerance_->size;
    // The difference of two decimals carries their rounding: 1.1 is within 0.1
    // of 1.
    const double rounding =
        kNumberRelativeTolerance *
        std::max(std::abs(given.value), std::abs(wanted.value));
    return std::abs(given.value - wanted.value) <= allowed + rounding;
  }

  const absl::optional<Tolerance> tolerance_;
};

absl::StatusOr<Tolerance> ParseTolerance(absl::string_view text) {
  Tolerance tolerance;
  absl::string_view digits = text;
  tolerance.relative = absl::ConsumeSuffix(&digits, "%");
  if (!absl::SimpleAtod(digits, &tolerance.size) ||
      !std::isfinite(tolerance.size) || tolerance.size < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--scorer numeric: the tolerance ", Quoted(text),
                     " is not a number such as 0.01, nor a part such as 1%"));
  }
  if (tolerance.relative) tolerance.size /= 100;
  return tolerance;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Scorer>> Scorer::Create(absl::string_view text) {
  using Result = std::unique_ptr<Scorer>;
  if (text == kExactMatch) return Result(std::make_unique<ExactMatch>());
  if (text == kNumeric) return Result(std::make_unique<Numeric>(absl::nullopt));
  absl::string_view parameter = text;
  if (absl::ConsumePrefix(&parameter, "numeric:")) {
    absl::StatusOr<Tolerance> tolerance = ParseTolerance(parameter);
    if (!tolerance.ok()) return tolerance.status();
    return Result(std::make_unique<Numeric>(*tolerance));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--scorer: unknown scorer ", Quoted(text),
                   "; known are exact_match, numeric and numeric:TOLERANCE"));
}

absl::StatusOr<Scoring> Scoring::Create(
    const ExtractionOptions& extraction,
    const std::vector<std::string>& scorers) {
  Scoring scoring;
  absl::StatusOr<std::unique_ptr<Extractor>> extractor =
      Extractor::Create(extraction);
  if (!extractor.ok()) return extractor.status();
  scoring.extractor_ = *std::move(extractor);
  for (const std::string& text : scorers) {
    absl::StatusOr<std::unique_ptr<Scorer>> scorer = Scorer::Create(text);
    if (!scorer.ok()) return scorer.status();
    for (const std::unique_ptr<Scorer>& earlier : scoring.scorers_) {
      if (earlier->name() != (*scorer)->name()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("--scorer: ", earlier->name(), " is given twice"));
    }
    scoring.scorers_.push_back(*std::move(scorer));
  }
  return scoring;
}

ScoredResponse Scoring::Evaluate(
    const absl::optional<std::string>& output,
    const absl::optional<std::string>& target) const {
  ScoredResponse result;
  absl::optional<std::string> answer;
  if (output.has_value()) answer = extractor_->Extract(*output);
  result.unparsed = !answer.has_value();
  if (answer.has_value()) result.extracted = *answer;
  const std::string wanted =
      target.has_value() ? extractor_->ExtractTarget(*target) : "";
  for (const std::unique_ptr<Scorer>& scorer : scorers_) {
    Score score{.value = scorer->lowest(), .parsed = false};
    if (answer.has_value() && target.has_value()) {
      score = scorer->Evaluate(*answer, wanted);
      result.unparsed |= !score.parsed;
    }
    result.scores.emplace_back(std::string(scorer->name()), score.value);
  }
  return result;
}

absl::Status Scoring::CheckTarget(
    const absl::optional<std::string>& target) const {
  if (scorers_.empty()) return absl::OkStatus();
  if (!target.has_value()) {
    return absl::InvalidArgumentError(
        "no target to score against: neither `target` nor `answer` is there; "
        "--target-field says where it is");
  }
  const std::string wanted = extractor_->ExtractTarget(*target);
  for (const std::unique_ptr<Scorer>& scorer : scorers_) {
    if (absl::Status status = scorer->CheckTarget(wanted); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace runner
