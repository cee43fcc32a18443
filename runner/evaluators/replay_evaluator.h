// Answers with the responses that the dataset itself has recorded.
#ifndef RUNNER_EVALUATORS_REPLAY_EVALUATOR_H_
#define RUNNER_EVALUATORS_REPLAY_EVALUATOR_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "runner/evaluators/evaluator.h"

namespace runner {

// The error of a row that has no response, or null for one. Not retryable: the
// row will not have one later.
inline constexpr char kNoRecordedResponseError[] = "no-recorded-response";

struct ReplayEvaluatorOptions {
  // Dotted path; "{model}" and "{method}" stand for the two below.
  std::string response_field;
  std::string model;
  std::string method;
  int slots = 1;
};

// Calls Done from within Start and starts no thread; costs nothing, so
// may_be_billed() is false.
// Errors: InvalidArgument for a path that is empty or does not resolve.
absl::StatusOr<std::unique_ptr<Evaluator>> NewReplayEvaluator(
    const ReplayEvaluatorOptions& options);

}  // namespace runner

#endif  // RUNNER_EVALUATORS_REPLAY_EVALUATOR_H_
