// What people and programs are told of a benchmark, as pure functions.
#ifndef RUNNER_STUDY_CELL_MESSAGES_H_
#define RUNNER_STUDY_CELL_MESSAGES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "runner/base/exit_code.h"
#include "runner/config/options.h"
#include "runner/results/results_writer.h"
#include "runner/storage/progress_state.h"
#include "runner/storage/records.h"
#include "runner/study/limits.h"

namespace runner {

// Of what is asked for now.
struct LoadedCounts {
  uint64_t done = 0;  // Answered.
  uint64_t total = 0;
  uint64_t set_aside = 0;  // Failed, and not asked again.
  uint64_t to_score = 0;
};

// "Loaded checkpoint: 90/150 queries completed (60.0%), 60 remaining (2
// failed), $12.45". What is not asked again does not remain, as in the bar, and
// is said: "58 remaining, 2 failed and not asked again".
std::string LoadedText(const ProgressTotals& totals,
                       const LoadedCounts& counts);

// "complete since 2026-01-02 15:30:22; --no-resume runs it again"
std::string CompleteText(absl::Time since);

// How many queries may have been billed without an answer, and which.
std::string InDoubtText(size_t in_doubt, absl::string_view names);

// "3 answers were not scored: ..."
std::string UnscoredText(uint64_t unscored);

// Whether the results are below `minimum`, if there is one.
bool IsBelow(const absl::optional<MinScore>& minimum, const Results& results);

// How a benchmark ended whose results were written.
struct CellEnd {
  std::string directory;   // Of its journal.
  bool temporary = false;  // Without checkpoints.
  std::string results_path;
  uint64_t n = 0;
  uint64_t completed = 0;
  uint64_t failed = 0;
  bool complete = false;
  bool session_begun = false;  // There was something to do.
  absl::optional<LimitReached> limit;
};

// What is there, where it lies, and how to go on.
std::string EndText(const CellEnd& end);

// For results that could not be read back from the journal in `directory`.
Refusal CannotReadBack(absl::string_view directory, const absl::Status& status,
                       bool session_begun);

}  // namespace runner

#endif  // RUNNER_STUDY_CELL_MESSAGES_H_
