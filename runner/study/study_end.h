// How the benchmarks of a study ended, as text, rows and JSON, and whether the
// study goes on after one. Pure functions.
#ifndef RUNNER_STUDY_STUDY_END_H_
#define RUNNER_STUDY_STUDY_END_H_

#include <cstddef>
#include <string>
#include <vector>

#include "runner/display/progress_format.h"
#include "runner/study/benchmark_cell.h"

namespace runner {

// Whether the benchmarks behind it are not begun: what ended it would end them,
// too. A journal that is in use, differs or is damaged costs its own benchmark
// only.
bool EndsStudy(const CellOutcome& outcome);

// "gsm8k/gpt-4: exact_match 0.9000, 3 failed"
std::string EndOf(const CellOutcome& outcome);

// Which of so many benchmarks could not be done or not be ended, and why, a
// line each; empty where there are none.
std::string RefusedText(const std::vector<CellOutcome>& outcomes,
                        size_t benchmarks);

// A row of the table for each scorer; none without results.
std::vector<ScoreRow> RowsOf(const CellOutcome& outcome);

// One line for programs: {"event":"result", ...}, without results
// {"event":"refused", ...}.
std::string OutcomeEvent(const CellOutcome& outcome);

}  // namespace runner

#endif  // RUNNER_STUDY_STUDY_END_H_
