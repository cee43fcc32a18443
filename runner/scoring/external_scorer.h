// A scorer outside of this program: `--scorer worker`.
#ifndef RUNNER_SCORING_EXTERNAL_SCORER_H_
#define RUNNER_SCORING_EXTERNAL_SCORER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "runner/base/query.h"

namespace runner {

// What it is told of an answer.
struct ExternalRequest {
  QueryKey key;
  absl::optional<std::string> output;     // Null when the evaluator said null.
  absl::optional<std::string> extracted;  // Null when nothing was found.
  absl::optional<std::string> target;
  std::string query_json;  // The dataset's whole object.
};

struct ExternalScores {
  NamedValues scores;     // By name; what names there are is not known before.
  bool unparsed = false;  // The answer is not of the kind that is scored.
};

// Thread-safe.
class ExternalScorer {
 public:
  virtual ~ExternalScorer() = default;

  // Blocks until it has decided. Errors: Unavailable, with what went wrong; the
  // answer may be scored later. Cancelled: Stop was called.
  virtual absl::StatusOr<ExternalScores> Score(
      const ExternalRequest& request) = 0;

  // Ends what is under way, and all that comes later, with Cancelled.
  virtual void Stop() = 0;
};

}  // namespace runner

#endif  // RUNNER_SCORING_EXTERNAL_SCORER_H_
