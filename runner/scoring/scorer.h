// From an answer and a target to a score.
#ifndef RUNNER_SCORING_SCORER_H_
#define RUNNER_SCORING_SCORER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "runner/base/query.h"
#include "runner/scoring/external_scorer.h"
#include "runner/scoring/extraction.h"

namespace runner {

struct Score {
  double value = 0;
  bool parsed = true;  // False: the answer is not of the kind that is scored.
};

// Immutable and thread-safe. KnownScorers() lists which there are; each says
// beside its factory what it does.
class Scorer {
 public:
  // One from its text as in --scorer: "numeric:0.5", "recall@10".
  // InvalidArgument names what is known.
  static absl::StatusOr<std::unique_ptr<Scorer>> Create(absl::string_view text);

  virtual ~Scorer() = default;

  // The name in results: without a tolerance, with a retrieval measure's K.
  virtual absl::string_view name() const = 0;

  virtual Score Evaluate(absl::string_view answer,
                         absl::string_view target) const = 0;

  // InvalidArgument when nothing could be scored against `target`. For all rows
  // before anything is paid.
  virtual absl::Status CheckTarget(absl::string_view target) const = 0;

  // All scores lie here: a failed query's would be one of them.
  virtual double lowest() const { return 0; }
  virtual double highest() const { return 1; }
};

// The forms that Scorer::Create takes, for messages and help: "exact_match,
// contains, ..., numeric[:TOL], ..., recall@K".
const std::string& KnownScorers();

// What the journal keeps of scoring one response.
struct ScoredResponse {
  NamedValues scores;     // In the scorers' order.
  bool unparsed = false;  // No answer, or not of the kind that is scored.
  std::string extracted;  // Empty when nothing was found.
};

// The scorer that a process is; see external_scorer.h.
inline constexpr char kExternalScorer[] = "worker";

// Extraction and all scorers of a benchmark. Immutable and thread-safe.
class Scoring {
 public:
  // InvalidArgument also when a scorer is named twice.
  static absl::StatusOr<Scoring> Create(
      const ExtractionOptions& extraction,
      const std::vector<std::string>& scorers);

  // Scores an answer. `output` is null when the evaluator said null. `target`
  // is missing only when CheckTarget was not called. A missing answer scores
  // the lowest. The evaluator's own scores come last. Needs no external scorer.
  ScoredResponse Evaluate(const absl::optional<std::string>& output,
                          const absl::optional<std::string>& target,
                          const NamedValues& evaluator_scores) const;

  // The same with the scores of `external`, if one is needed, before the
  // evaluator's. `key` and `query_json` are for it. Errors: those of
  // ExternalScorer::Score, and InvalidArgument for an answer that it needs and
  // `external` is null.
  absl::StatusOr<ScoredResponse> EvaluateWith(
      ExternalScorer* external, const QueryKey& key,
      absl::string_view query_json, const absl::optional<std::string>& output,
      const absl::optional<std::string>& target,
      const NamedValues& evaluator_scores) const;

  // `worker` is among the scorers.
  bool needs_external() const { return needs_external_; }

  // InvalidArgument when a scorer needs a target and this is none for it.
  absl::Status CheckTarget(const absl::optional<std::string>& target) const;

  // Without an external one, whose scores have names of its own.
  absl::Span<const std::unique_ptr<Scorer>> scorers() const { return scorers_; }

 private:
  std::unique_ptr<Extractor> extractor_;
  std::vector<std::unique_ptr<Scorer>> scorers_;
  bool needs_external_ = false;
};

}  // namespace runner

#endif  // RUNNER_SCORING_SCORER_H_
