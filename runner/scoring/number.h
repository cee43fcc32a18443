// Numbers as people and models write them.
#ifndef RUNNER_SCORING_NUMBER_H_
#define RUNNER_SCORING_NUMBER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace runner {

struct Number {
  double value = 0;
  // The digits of an integer, sign first, without leading zeros ("-12", "0"):
  // compares exactly where a double cannot. Empty for other numbers.
  std::string integer;
};

// The number in `text`: the last one when there are several, so that a whole
// response ("... 3 x 6 = 18.", "#### 18") gives its conclusion. nullopt when
// there is none, or it has no value. Independent of the locale. Understood:
//   signs         -5  +5  U+2212 5  -$5  $-5
//   currencies    $ EUR-sign GBP-sign YEN-sign and others before or after
//   thousands     1,234,567.5  1_234  1'234  1 234 (no-break spaces): groups
//                 of three, else the text is not a number ("1,23")
//   end           "18." is 18
//   percent       50% is 50: the sign is a unit, as a currency is
//   fractions     3/4 is 0.75
//   exponents     1.5e3
//   units         "18 eggs", "18km" are 18
// Digits that go on a word ("q3", "x_3") are no number.
absl::optional<Number> FindNumber(absl::string_view text);

// Equal: integers digit by digit; other numbers when they differ by at most
// kNumberRelativeTolerance of the larger, which is rounding and not an answer.
inline constexpr double kNumberRelativeTolerance = 1e-9;
bool SameNumber(const Number& a, const Number& b);

}  // namespace runner

#endif  // RUNNER_SCORING_NUMBER_H_
