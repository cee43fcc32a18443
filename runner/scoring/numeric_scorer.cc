#include "runner/scoring/numeric_scorer.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runner/base/text.h"
#include "runner/scoring/number.h"

namespace runner {
namespace {

struct Tolerance {
  double size = 0;
  bool relative = false;  // To the target.
};

class Numeric : public Scorer {
 public:
  explicit Numeric(absl::optional<Tolerance> tolerance)
      : tolerance_(tolerance) {}

  absl::string_view name() const override { return "numeric"; }

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
        absl::StrCat("the tolerance ", Quoted(text),
                     " is not a number such as 0.01, nor a part such as 1%"));
  }
  if (tolerance.relative) tolerance.size /= 100;
  return tolerance;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Scorer>> NewNumeric(
    absl::string_view tolerance) {
  absl::optional<Tolerance> parsed;
  if (!tolerance.empty()) {
    absl::StatusOr<Tolerance> given = ParseTolerance(tolerance);
    if (!given.ok()) return given.status();
    parsed = *given;
  }
  return std::unique_ptr<Scorer>(std::make_unique<Numeric>(parsed));
}

}  // namespace runner
