// An evaluator whose every attempt is priced and accounted for.
#ifndef RUNNER_STUDY_METERED_EVALUATOR_H_
#define RUNNER_STUDY_METERED_EVALUATOR_H_

#include <functional>
#include <memory>

#include "absl/types/optional.h"
#include "runner/config/prices.h"
#include "runner/evaluators/evaluator.h"

namespace runner {

// `evaluator`, with the cost of what it says to have used where it does not say
// the cost itself. Where neither it nor `price` knows, the cost stays unknown.
// `ended` hears of each attempt that has ended before anybody else does, from
// any thread; not of those that Stop cut off, of which nobody knows what they
// used.
std::unique_ptr<Evaluator> NewMeteredEvaluator(
    std::unique_ptr<Evaluator> evaluator,
    const absl::optional<ModelPrice>& price,
    std::function<void(const EvaluationResult&)> ended);

}  // namespace runner

#endif  // RUNNER_STUDY_METERED_EVALUATOR_H_
