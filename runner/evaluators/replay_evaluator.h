// Answers with the responses that the dataset itself has recorded.
#ifndef RUNNER_EVALUATORS_REPLAY_EVALUATOR_H_
#define RUNNER_EVALUATORS_REPLAY_EVALUATOR_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "runner/evaluators/evaluator.h"

namespace runner {

// The error of a row whose response is null. Not retryable: it will not have
// one later.
inline constexpr char kNoRecordedResponseError[] = "no-recorded-response";

struct ReplayEvaluatorOptions {
  std::string response_field;  // For messages: requests bring what it holds.
  int slots = 1;
};

// Calls Done from within Start and starts no thread; costs nothing, so
// may_be_billed() is false.
// Errors: InvalidArgument when no field is named.
absl::StatusOr<std::unique_ptr<Evaluator>> NewReplayEvaluator(
    const ReplayEvaluatorOptions& options);

}  // namespace runner

#endif  // RUNNER_EVALUATORS_REPLAY_EVALUATOR_H_
