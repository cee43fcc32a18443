// From a row of the dataset to what the evaluator is asked.
#ifndef RUNNER_STUDY_REQUEST_MAKER_H_
#define RUNNER_STUDY_REQUEST_MAKER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "runner/data/dataset.h"
#include "runner/data/fields.h"
#include "runner/data/prompt_template.h"
#include "runner/evaluators/evaluator.h"

namespace runner {

// All borrowed.
struct RequestParts {
  const Dataset* dataset = nullptr;
  const Fields* fields = nullptr;
  const PromptTemplate* prompt = nullptr;  // Null: the input field.
};

struct RowRequest {
  EvaluationRequest request;  // Without run, index, attempt, seed and names.
  absl::optional<std::string> target;
};

// Row `row` of the dataset. InvalidArgument when a field is missing; the
// dataset's errors.
absl::StatusOr<RowRequest> MakeRowRequest(const RequestParts& parts,
                                          uint32_t row);

}  // namespace runner

#endif  // RUNNER_STUDY_REQUEST_MAKER_H_
