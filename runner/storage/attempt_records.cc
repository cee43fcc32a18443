#include "runner/storage/attempt_records.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "journal/error.h"

namespace runner {
namespace {

// A context is JSON, which cannot be cut in the middle.
std::string CutJson(absl::string_view json) {
  if (json.size() <= kErrorTextMax) return std::string(json);
  return absl::StrCat("{\"cut\":\"a context of ", json.size(), " bytes\"}");
}

}  // namespace

absl::Status CheckFits(const EvaluationRequest& request,
                       const EvaluationResult& result) {
  const size_t text = (result.output.has_value() ? result.output->size() : 0) +
                      result.reasoning.size() + result.metadata_json.size() +
                      result.finish_reason.size() + request.key.id.size();
  if (text <= kRecordTextMax) return absl::OkStatus();
  return journal::MakeError(
      journal::ErrorKind::kInvalidArgument,
      absl::StrCat("a response of ", text,
                   " bytes is larger than a record may be (", kRecordTextMax,
                   ")"));
}

std::string CutText(absl::string_view text) {
  if (text.size() <= kErrorTextMax) return std::string(text);
  return absl::StrCat(text.substr(0, kErrorTextMax), "… [",
                      text.size() - kErrorTextMax, " more bytes were cut]");
}

AttemptStartRecord MakeStart(const EvaluationRequest& request) {
  AttemptStartRecord record;
  record.key = request.key;
  record.attempt = request.attempt;
  record.seed = request.seed;
  return record;
}

ResponseRecord MakeResponse(const EvaluationRequest& request,
                            const EvaluationResult& result) {
  ResponseRecord record;
  record.key = request.key;
  record.attempt = request.attempt;
  record.slot = result.slot;
  record.at = absl::Now();
  record.latency = result.latency;
  record.output = result.output;
  record.reasoning = result.reasoning;
  record.usage = result.usage;
  record.cost = result.cost;
  record.metrics = result.metrics;
  record.worker_scores = result.scores;
  record.metadata_json = result.metadata_json;
  record.finish_reason = result.finish_reason;
  return record;
}

AttemptErrorRecord MakeError(const EvaluationRequest& request,
                             const EvaluationResult& result, bool final) {
  AttemptErrorRecord record;
  record.key = request.key;
  record.attempt = request.attempt;
  record.slot = result.slot;
  record.at = absl::Now();
  record.latency = result.latency;
  record.type = CutText(result.error->type);
  record.message = CutText(result.error->message);
  record.retryable = result.error->retryable;
  record.final = final;
  record.context_json = CutJson(result.error->context_json);
  record.usage = result.usage;
  record.cost = result.cost;
  return record;
}

WorkerStateRecord MakeWorkerState(uint32_t slot, absl::string_view state_json) {
  WorkerStateRecord record;
  record.slot = slot;
  record.state_json = std::string(state_json);
  record.at = absl::Now();
  return record;
}

}  // namespace runner
