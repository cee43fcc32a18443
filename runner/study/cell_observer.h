// Passes on what happens in a benchmark's run: to people, and to the account
// that limits are held against.
#ifndef RUNNER_STUDY_CELL_OBSERVER_H_
#define RUNNER_STUDY_CELL_OBSERVER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "runner/base/query.h"
#include "runner/data/dataset.h"
#include "runner/display/console.h"
#include "runner/evaluators/evaluator.h"
#include "runner/results/results_writer.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/study/benchmark_run.h"
#include "runner/study/ledger.h"
#include "runner/study/limits.h"

namespace runner {

// All borrowed.
struct CellObserverParts {
  Console* console = nullptr;
  const BenchmarkJournal* journal = nullptr;
  Ledger* ledger = nullptr;
  LimitWatch* limits = nullptr;
  size_t benchmark = 0;      // Its number in the ledger.
  bool only_failed = false;  // See CarryInto.
};

// Called as RunObserver says.
class CellObserver final : public RunObserver {
 public:
  explicit CellObserver(const CellObserverParts& parts) : parts_(parts) {}

  void OnScored(const QueryKey& key, const EvaluationResult& result) override;
  void OnError(const QueryKey& key, const EvaluationError& error,
               bool final) override;
  void OnUnscored(const QueryKey& key, absl::string_view message) override;
  void OnNoSpace(absl::string_view message) override;

  // After the run: answers that an external scorer failed at.
  uint64_t unscored() const { return unscored_; }

 private:
  void OnEnded();

  const CellObserverParts parts_;
  uint64_t failed_ = 0;  // In this session, as the next.
  uint64_t unscored_ = 0;
};

// Names what is asked for and answered already, with --verbose.
void SaySkipped(const BenchmarkJournal& journal, const Dataset& dataset,
                const RunPlan& plan, Console& console);

// Why queries failed, with the journal's errors.log if it is there, else with
// the list of results. Nothing when none failed.
struct FailurePlace {
  std::string directory;  // Of the journal; empty: it goes with the run.
  std::string results_path;
};
void SayFailures(const Results& results, const FailurePlace& place,
                 Console& console);

// Where a benchmark stands when a session begins. What failed and is not asked
// again is done. Its title and its study are left to the caller.
Progress StartOf(const BenchmarkJournal& journal, const RunPlan& plan);

// What a journal says of earlier sessions, before this one begins. With
// --retry-failed (`only_failed`) the failures that are asked again are none
// yet.
void CarryInto(Ledger& ledger, size_t benchmark, absl::string_view model,
               ProgressTotals totals, bool only_failed);

}  // namespace runner

#endif  // RUNNER_STUDY_CELL_OBSERVER_H_
