// Scores answers with child processes, in any language: an external scorer made
// of what the worker evaluator is made of, with other lines.
//
//   runner → scorer   {"id": "…", "run": 1, "query_id": "q7", "output": "5",
//                      "extracted": "5", "target": "6", "query": {…}}
//   scorer → runner   {"id": "…", "scores": {"judge": 0.5}, "unparsed": false}
//                 or  {"id": "…", "error": {"type": "…", "message": "…",
//                                           "retryable": true}}
//
// A process has one answer at a time. One that dies, hangs or breaks the
// protocol is killed with its group and started again; its answer stays
// unscored after kScorerTriesMax tries.
#ifndef RUNNER_EVALUATORS_WORKER_SCORER_H_
#define RUNNER_EVALUATORS_WORKER_SCORER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "runner/scoring/external_scorer.h"

namespace runner {

// How often an answer is given to a process, when what went wrong may pass. One
// that took all of its time is not given again.
inline constexpr int kScorerTriesMax = 3;

struct WorkerScorerOptions {
  std::vector<std::string> command;  // As of WorkerEvaluatorOptions.
  // How many processes. At most so many threads call Score at once.
  int slots = 1;
  absl::Duration timeout = absl::Seconds(600);  // Of one answer.
  // As of WorkerEvaluatorOptions.
  std::function<void(uint32_t slot, absl::string_view line)> log;
};

// Starts the processes. Errors: those of NewWorkerEvaluator.
absl::StatusOr<std::unique_ptr<ExternalScorer>> NewWorkerScorer(
    WorkerScorerOptions options);

}  // namespace runner

#endif  // RUNNER_EVALUATORS_WORKER_SCORER_H_
