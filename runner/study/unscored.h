// Answers that an earlier session got and did not score.
#ifndef RUNNER_STUDY_UNSCORED_H_
#define RUNNER_STUDY_UNSCORED_H_

#include "absl/status/status.h"
#include "runner/study/benchmark_run.h"

namespace runner {

// Scores those of them that `plan` selects, calls nothing, and tells the
// observer. Before the run begins. The journal's and the dataset's errors.
absl::Status ScoreUnscored(const RunParts& parts, const RunPlan& plan);

}  // namespace runner

#endif  // RUNNER_STUDY_UNSCORED_H_
