// Answers that wait for a score: an earlier session got and did not score them,
// or scoring has changed since.
#ifndef RUNNER_STUDY_UNSCORED_H_
#define RUNNER_STUDY_UNSCORED_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "runner/study/benchmark_run.h"

namespace runner {

// Scores those of them that `plan` selects, asks the evaluator nothing, and
// tells the observer. An external scorer's failure leaves an answer unscored
// and stops nothing; once `stopped`, it has the drain timeout, and is stopped
// then. Before the run begins. Ends early once `stopped`. The journal's state
// knows where answers lie that came after its newest change of scoring; for
// others it is read once from its first record on, with 16 bytes of memory an
// answer. Poison is passed over. The journal's and the dataset's errors.
absl::Status ScoreUnscored(const RunParts& parts, const RunPlan& plan,
                           absl::FunctionRef<bool()> stopped);

}  // namespace runner

#endif  // RUNNER_STUDY_UNSCORED_H_
