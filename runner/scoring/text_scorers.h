// Scorers that compare texts.
#ifndef RUNNER_SCORING_TEXT_SCORERS_H_
#define RUNNER_SCORING_TEXT_SCORERS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "runner/scoring/scorer.h"

namespace runner {

// 1 when answer and target are the same bytes, blanks around them aside; else
// 0. Case counts.
std::unique_ptr<Scorer> NewExactMatch();

// 1 when the target, without blanks around it, occurs in the answer. Case
// counts. An empty target is refused: everything contains it.
std::unique_ptr<Scorer> NewContains();

// 1 when the target, a pattern in RE2 syntax, matches anywhere in the answer:
// ^ and $ tie it to the ends. A target that RE2 refuses is refused.
std::unique_ptr<Scorer> NewRegexScorer();

// The F1 of the words that answer and target share, as SQuAD's evaluation
// computes it (Rajpurkar et al. 2016, arXiv:1606.05250, section 6.1; script
// evaluate-v2.0.py): lower case, without ASCII punctuation, without the words
// a, an, the. A target that is a JSON list of strings holds several right
// answers, of which the best counts. Where no word is left of one of the two,
// 1 if none is left of the other, else 0.
std::unique_ptr<Scorer> NewTokenF1();

// The words that remain of a text.
std::vector<std::string> SquadWords(absl::string_view text);

}  // namespace runner

#endif  // RUNNER_SCORING_TEXT_SCORERS_H_
