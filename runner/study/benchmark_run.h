// The loop: asks what is not done, journals every step, scores.
#ifndef RUNNER_STUDY_BENCHMARK_RUN_H_
#define RUNNER_STUDY_BENCHMARK_RUN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "journal/clock.h"
#include "runner/base/query.h"
#include "runner/data/dataset.h"
#include "runner/data/fields.h"
#include "runner/data/prompt_template.h"
#include "runner/evaluators/evaluator.h"
#include "runner/scoring/scorer.h"
#include "runner/storage/benchmark_journal.h"

namespace runner {

// A selected row of the dataset and its place in the journal's own list.
struct SelectedRow {
  uint32_t row = 0;
  uint32_t index = 0;
};

struct RunPlan {
  uint32_t runs = 1;
  std::vector<SelectedRow> rows;  // In dataset order.
  // Queries evaluated at once, at least 1; fewer while the evaluator says that
  // they are too many.
  int workers = 1;
  bool score_only = false;  // Nothing is asked.
  // See batches.h.
  uint32_t batch_size = 25;
  uint32_t first_batch = 1;
  bool sync_batches = false;  // All is durable when a batch ends.
  uint32_t max_retries = 5;   // Further attempts at a retryable failure.
  bool only_failed = false;   // --retry-failed: also permanent failures.
  // Of a query with all its attempts in this session.
  absl::Duration total_timeout = absl::InfiniteDuration();
  double rate_limit = 0;  // Requests per second; 0: no limit.
  absl::Duration drain_timeout = absl::Seconds(10);
  uint64_t seed = 0;
  std::string model;
  std::string method;
};

// Told what happens, after it is in the journal. Called from several threads,
// never at the same time.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void OnScored(const QueryKey& key,
                        const EvaluationResult& result) = 0;
  // `final`: no further attempt in this session.
  virtual void OnError(const QueryKey& key, const EvaluationError& error,
                       bool final) = 0;
  // The answer is kept, and not scored: the external scorer failed.
  virtual void OnUnscored(const QueryKey& key, absl::string_view message) = 0;
  // The disk is full; `message` says what happens.
  virtual void OnNoSpace(absl::string_view message) = 0;
};

// Everything is borrowed and outlives the run.
struct RunParts {
  BenchmarkJournal* journal = nullptr;
  const Dataset* dataset = nullptr;
  const Fields* fields = nullptr;
  const PromptTemplate* prompt = nullptr;  // Null: the input field.
  const Scoring* scoring = nullptr;
  ExternalScorer* external = nullptr;  // Null: scoring needs none.
  Evaluator* evaluator = nullptr;      // Null: nothing is left to ask.
  RunObserver* observer = nullptr;
  journal::Clock* clock = nullptr;
};

// Threads that journal and score answers. More than one, so that they share
// their fsyncs; few, since each only waits, for the disk or a scorer.
inline constexpr int kFinishersMax = 16;

// Whether after this error nothing more can be journaled.
bool JournalIsDead(const absl::Status& status);

// What is left of a plan.
struct RemainingWork {
  uint64_t to_ask = 0;
  uint64_t batches = 0;   // That these are.
  uint64_t to_score = 0;  // Answered, and waiting for a score.
};

// One use. Run() blocks; the other members may be called from any thread while
// it does.
class BenchmarkRun {
 public:
  static RemainingWork CountRemaining(const QueryProgress& journal,
                                      const RunPlan& plan);

  static std::unique_ptr<BenchmarkRun> Create(const RunParts& parts,
                                              const RunPlan& plan);
  virtual ~BenchmarkRun() = default;

  // Returns when all is done, or after a stop when what was in flight has
  // ended. An error (the journal's, the dataset's) stops dispatch, lets what
  // is in flight end, and is returned; what was journaled is kept.
  virtual absl::Status Run() = 0;

  // Nothing new is asked; what is in flight has the drain timeout to end.
  virtual void RequestStop() = 0;
  // Nothing new is asked; what is in flight ends as it would have.
  virtual void StopAsking() = 0;
  // Memory runs short: all that is journaled is made durable, and half as many
  // are under way at once, until answers show that more may be. Returns how
  // many that are.
  virtual int EaseMemory() = 0;
  virtual int in_flight() const = 0;
};

}  // namespace runner

#endif  // RUNNER_STUDY_BENCHMARK_RUN_H_
