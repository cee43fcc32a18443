// What a study came to cost, in words and as JSON.
#ifndef RUNNER_STUDY_COST_SUMMARY_H_
#define RUNNER_STUDY_COST_SUMMARY_H_

#include <map>
#include <string>

#include "runner/study/ledger.h"

namespace runner {

// "Cost: $1.23 (gpt-4 $1.00, m $0.23); 1,200 prompt and 340 completion tokens;
// the cost of 3 answers is unknown". On one line, printable. Empty where
// nothing is known, neither cost nor tokens.
std::string CostSummary(const Ledger& ledger);

// {"event":"spending","cost":…,"prompt_tokens":…,…,"models":{"gpt-4":{…}}} and
// the line's end; empty likewise.
std::string SpendingEvent(const Ledger& ledger);

}  // namespace runner

#endif  // RUNNER_STUDY_COST_SUMMARY_H_
