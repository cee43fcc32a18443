// What an evaluator said, as the journal's records.
#ifndef RUNNER_STORAGE_ATTEMPT_RECORDS_H_
#define RUNNER_STORAGE_ATTEMPT_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "runner/evaluators/evaluator.h"
#include "runner/storage/records.h"

namespace runner {

// Of an error's message and context that are kept. Errors must always fit.
inline constexpr size_t kErrorTextMax = 1 << 20;

// The most that one record may hold (journal::WriterOptions), and that less
// what its small fields take.
inline constexpr size_t kRecordBytesMax = 16 << 20;
inline constexpr size_t kRecordTextMax = kRecordBytesMax - (64 << 10);

// kInvalidArgument for an answer that is larger than a record may be.
absl::Status CheckFits(const EvaluationRequest& request,
                       const EvaluationResult& result);

// The first kErrorTextMax bytes; says so when there were more.
std::string CutText(absl::string_view text);

// All but MakeStart's are of this moment.
AttemptStartRecord MakeStart(const EvaluationRequest& request);
ResponseRecord MakeResponse(const EvaluationRequest& request,
                            const EvaluationResult& result);
// `result` has an error; its texts are cut.
AttemptErrorRecord MakeError(const EvaluationRequest& request,
                             const EvaluationResult& result, bool final);
WorkerStateRecord MakeWorkerState(uint32_t slot, absl::string_view state_json);

}  // namespace runner

#endif  // RUNNER_STORAGE_ATTEMPT_RECORDS_H_
