#include "runner/evaluators/worker_scorer.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "runner/evaluators/worker_evaluator.h"
#include "runner/evaluators/worker_protocol.h"

namespace runner {
namespace {

constexpr WorkerDialect kScorerDialect = {.name = "scorer",
                                          .request_line = ScoreRequestLine,
                                          .parse_answer = ParseScores};

class WorkerScorer final : public ExternalScorer {
 public:
  explicit WorkerScorer(std::unique_ptr<Evaluator> processes)
      : processes_(std::move(processes)) {}

  absl::StatusOr<ExternalScores> Score(
      const ExternalRequest& request) override {
    EvaluationRequest asked;
    asked.key = request.key;
    asked.query_json = ScoreRequestFields(request);
    for (int tries = 1;; ++tries) {
      EvaluationResult result = Ask(asked);
      if (!result.error.has_value()) {
        return ExternalScores{std::move(result.scores), result.unparsed};
      }
      const EvaluationError& error = *result.error;
      if (error.type == kStoppedError) {
        return absl::CancelledError(error.message);
      }
      const bool again = error.retryable && error.type != kTimeoutError;
      if (!again || tries == kScorerTriesMax) {
        return absl::UnavailableError(
            absl::StrCat(error.type, ": ", error.message));
      }
    }
  }

  void Stop() override { processes_->Stop(); }

 private:
  EvaluationResult Ask(const EvaluationRequest& request) {
    EvaluationResult result;
    absl::Notification done;
    processes_->Start(request, [&](EvaluationResult given) {
      result = std::move(given);
      done.Notify();
    });
    done.WaitForNotification();
    return result;
  }

  const std::unique_ptr<Evaluator> processes_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ExternalScorer>> NewWorkerScorer(
    WorkerScorerOptions options) {
  WorkerEvaluatorOptions processes;
  processes.command = std::move(options.command);
  processes.slots = options.slots;
  processes.timeout = options.timeout;
  processes.log = std::move(options.log);
  processes.dialect = kScorerDialect;
  absl::StatusOr<std::unique_ptr<Evaluator>> started =
      NewWorkerEvaluator(std::move(processes));
  if (!started.ok()) return started.status();
  return std::unique_ptr<ExternalScorer>(
      std::make_unique<WorkerScorer>(*std::move(started)));
}

}  // namespace runner
