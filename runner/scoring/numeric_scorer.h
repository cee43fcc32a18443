// The scorer that compares numbers.
#ifndef RUNNER_SCORING_NUMERIC_SCORER_H_
#define RUNNER_SCORING_NUMERIC_SCORER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runner/scoring/scorer.h"

namespace runner {

// 1 when answer and target are the same number (see number.h), else 0;
// "unparsed" when the answer holds no number. `tolerance` is empty, or how far
// they may be apart: "0.5", or a part of the target, "1%".
absl::StatusOr<std::unique_ptr<Scorer>> NewNumeric(absl::string_view tolerance);

}  // namespace runner

#endif  // RUNNER_SCORING_NUMERIC_SCORER_H_
