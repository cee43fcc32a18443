// The evaluator and the scorer that a benchmark's options ask for.
#ifndef RUNNER_STUDY_EVALUATOR_MAKER_H_
#define RUNNER_STUDY_EVALUATOR_MAKER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runner/config/api_key.h"
#include "runner/config/options.h"
#include "runner/display/console.h"
#include "runner/evaluators/evaluator.h"
#include "runner/scoring/external_scorer.h"
#include "runner/storage/benchmark_journal.h"

namespace runner {

struct EvaluatorWish {
  const RunOptions* options = nullptr;  // Borrowed for the call.
  std::string model;                    // Empty: none.
  OpenAiEndpoint endpoint;              // Empty unless it is asked.
  int workers = 1;
  std::map<uint32_t, std::string> restore;  // States of workers, by slot.
  // What worker processes write to their stderr, from any thread.
  std::function<void(uint32_t slot, absl::string_view line)> log;
};

// Fills in `restore` from what workers gave in earlier sessions, and says whose
// states stay in the journal for want of a worker. The journal's errors.
absl::Status HandBackStates(const BenchmarkJournal& journal, Console& console,
                            EvaluatorWish* wish);

// InvalidArgument for what no evaluator can be made of; others where one does
// not start.
absl::StatusOr<std::unique_ptr<Evaluator>> MakeEvaluator(EvaluatorWish wish);

// The process that --scorer worker is, for at most kFinishersMax answers at
// once. `log` as above. Errors: those of NewWorkerScorer.
absl::StatusOr<std::unique_ptr<ExternalScorer>> MakeExternalScorer(
    const RunOptions& options, int workers,
    std::function<void(uint32_t slot, absl::string_view line)> log);

}  // namespace runner

#endif  // RUNNER_STUDY_EVALUATOR_MAKER_H_
