#include "runner/study/metered_evaluator.h"

#include <utility>

namespace runner {
namespace {

class MeteredEvaluator final : public Evaluator {
 public:
  MeteredEvaluator(std::unique_ptr<Evaluator> evaluator,
                   const absl::optional<ModelPrice>& price,
                   std::function<void(const EvaluationResult&)> ended)
      : price_(price),
        ended_(std::move(ended)),
        evaluator_(std::move(evaluator)) {}

  void Start(EvaluationRequest request, Done done) override {
    evaluator_->Start(std::move(request),
                      [this, done = std::move(done)](EvaluationResult result) {
                        if (!result.cost.has_value() && price_.has_value()) {
                          result.cost = CostOf(*price_, result.usage);
                        }
                        if (!WasCutOff(result)) ended_(result);
                        done(std::move(result));
                      });
  }

  int slots() const override { return evaluator_->slots(); }
  bool may_be_billed() const override { return evaluator_->may_be_billed(); }
  void Stop() override { evaluator_->Stop(); }

 private:
  static bool WasCutOff(const EvaluationResult& result) {
    return result.error.has_value() && result.error->type == kStoppedError;
  }

  const absl::optional<ModelPrice> price_;
  const std::function<void(const EvaluationResult&)> ended_;
  // Last: its threads call into the above.
  const std::unique_ptr<Evaluator> evaluator_;
};

}  // namespace

std::unique_ptr<Evaluator> NewMeteredEvaluator(
    std::unique_ptr<Evaluator> evaluator,
    const absl::optional<ModelPrice>& price,
    std::function<void(const EvaluationResult&)> ended) {
  return std::make_unique<MeteredEvaluator>(std::move(evaluator), price,
                                            std::move(ended));
}

}  // namespace runner
