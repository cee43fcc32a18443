// What an evaluator said, as the journal's records.
#ifndef RUNNER_STORAGE_ATTEMPT_RECORDS_H_
#define RUNNER_STORAGE_ATTEMPT_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "runner/evaluators/evaluator.h"
#include "runner/storage/records.h"

namespace runner {

// Of an error's message and context that are kept. Errors must always fit.
inline constexpr size_t kErrorTextMax = 1 << 20;

// The first kErrorTextMax bytes; says so when there were more.
std::string CutText(absl::string_view text);

// All of them are of this moment.
ResponseRecord MakeResponse(const EvaluationRequest& request,
                            const EvaluationResult& result);
// `result` has an error; its texts are cut.
AttemptErrorRecord MakeError(const EvaluationRequest& request,
                             const EvaluationResult& result, bool final);
WorkerStateRecord MakeWorkerState(uint32_t slot, absl::string_view state_json);

}  // namespace runner

#endif  // RUNNER_STORAGE_ATTEMPT_RECORDS_H_
