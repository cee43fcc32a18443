// The scorer of multiple-choice questions.
#ifndef RUNNER_SCORING_CHOICE_SCORER_H_
#define RUNNER_SCORING_CHOICE_SCORER_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "runner/scoring/scorer.h"

namespace runner {

// 1 when the answer chooses what the target names, else 0; "unparsed" when it
// chooses nothing. The target is a label: a letter A to Z, or a digit, alone or
// dressed as in FindChoice's first line.
std::unique_ptr<Scorer> NewMultipleChoice();

enum class ChoiceLabels { kLetters, kDigits };

// The label, a capital letter or a digit, that `answer` chooses; the first rule
// that finds one decides:
//   1. the answer is a label, or begins with one that ends in `.`, `)` or `:`:
//      "B", "b", "(B)", "**B**", "B. Paris"
//   2. the last label after "answer", "choice" or "option": "the answer is
//   (B)",
//      "Answer: B"
//   3. the last label in brackets or bold: "it must be (B), not a guess"
//   4. the last label that stands alone as a capital: "I think that it is B";
//      "A" and "I" before a small letter are words
absl::optional<char> FindChoice(absl::string_view answer, ChoiceLabels labels);

}  // namespace runner

#endif  // RUNNER_SCORING_CHOICE_SCORER_H_
