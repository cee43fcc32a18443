#include "runner/evaluators/replay_evaluator.h"

#include <atomic>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace runner {
namespace {

class ReplayEvaluator final : public Evaluator {
 public:
  ReplayEvaluator(std::string response_field, int slots)
      : response_field_(std::move(response_field)), slots_(slots) {}

  void Start(EvaluationRequest request, Done done) override {
    if (stopped_) {
      done(FailedResult("stopped", "the evaluator was stopped",
                        /*retryable=*/true));
      return;
    }
    done(Evaluate(std::move(request)));
  }

  int slots() const override { return slots_; }
  bool may_be_billed() const override { return false; }
  void Stop() override { stopped_ = true; }

 private:
  EvaluationResult Evaluate(EvaluationRequest request) const {
    if (!request.recorded.has_value()) {
      return FailedResult(kNoRecordedResponseError,
                          absl::StrCat("field `", response_field_, "` is null"),
                          /*retryable=*/false);
    }
    EvaluationResult result;
    result.output = std::move(request.recorded);
    return result;
  }

  const std::string response_field_;
  const int slots_;
  std::atomic<bool> stopped_{false};
};

}  // namespace

absl::StatusOr<std::unique_ptr<Evaluator>> NewReplayEvaluator(
    const ReplayEvaluatorOptions& options) {
  if (options.response_field.empty()) {
    return absl::InvalidArgumentError(
        "the replay evaluator needs --response-field: where the dataset's rows "
        "hold the recorded responses");
  }
  if (options.slots < 1) {
    return absl::InvalidArgumentError("--workers must be at least 1");
  }
  return std::unique_ptr<Evaluator>(
      new ReplayEvaluator(options.response_field, options.slots));
}

}  // namespace runner
