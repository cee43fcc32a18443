#include "runner/evaluators/evaluator.h"

#include <utility>

namespace runner {

EvaluationResult FailedResult(absl::string_view type, std::string message,
                              bool retryable) {
  EvaluationResult result;
  EvaluationError& error = result.error.emplace();
  error.type = std::string(type);
  error.message = std::move(message);
  error.retryable = retryable;
  return result;
}

}  // namespace runner
