// One benchmark of a study: finds or begins its journal, asks what is left,
// writes the results.
#ifndef RUNNER_STUDY_BENCHMARK_CELL_H_
#define RUNNER_STUDY_BENCHMARK_CELL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "journal/clock.h"
#include "runner/base/exit_code.h"
#include "runner/base/signals.h"
#include "runner/config/options.h"
#include "runner/config/prices.h"
#include "runner/data/dataset.h"
#include "runner/data/fields.h"
#include "runner/display/console.h"
#include "runner/results/results_writer.h"
#include "runner/scoring/scorer.h"
#include "runner/storage/journal_access.h"
#include "runner/study/ledger.h"
#include "runner/study/limits.h"

namespace runner {

// All borrowed; outlives the cell.
struct CellContext {
  const RunOptions* options = nullptr;
  const Dataset* dataset = nullptr;
  // The rows of it that are asked for, in its order.
  const std::vector<uint32_t>* selected = nullptr;
  const Scoring* scoring = nullptr;
  JournalAccess access;
  journal::Clock* clock = nullptr;
  Console* console = nullptr;
  const SignalCatcher* signals = nullptr;
  // Which of how many, as its progress says it: "[2/6] "; empty: the only one.
  std::string position;
  // Queries of all benchmarks of a study, and of those before this one; 0: the
  // only one.
  uint64_t study_total = 0;
  uint64_t study_before = 0;
  // What the whole study spends, and what stops it.
  Ledger* ledger = nullptr;
  LimitWatch* limits = nullptr;
  size_t number = 0;  // Of this benchmark in the ledger.
  // What the model costs where the evaluator does not say it.
  absl::optional<ModelPrice> price;
};

struct CellOutcome {
  int exit_code = kExitDone;
  std::string refusal;  // Why it did not come to its end; empty: it did.
  std::string label;    // "gsm8k/gpt-4/cot".
  std::string model;
  absl::optional<Results> results;
  std::string results_path;
};

// Not thread-safe but for RequestStop.
class BenchmarkCell {
 public:
  // Names, identity and fields of the benchmark for one model (empty: none).
  // InvalidArgument for what the options cannot mean.
  static absl::StatusOr<std::unique_ptr<BenchmarkCell>> Create(
      const CellContext& context, absl::string_view model);

  virtual ~BenchmarkCell() = default;

  // For checking rows before anything runs: the fields, and a prompt of which
  // nothing is missing. InvalidArgument.
  virtual const Fields& fields() const = 0;
  virtual absl::Status CheckPrompt(absl::string_view row_json,
                                   const RowFields& fields) const = 0;

  // All that says what rows are checked for: rows that were found right are
  // right as long as it is the same.
  virtual std::string row_rules() const = 0;

  // Runs it to its end, to a signal, or to a refusal, which is said on the
  // console.
  virtual CellOutcome Run() = 0;

  // Tells the ledger what the journal that it would go on with says was spent,
  // before anything runs. False where there is none.
  virtual bool CarrySpending() = 0;

  // From a signal: nothing new is asked. Thread-safe.
  virtual void RequestStop() = 0;

  // Where --results says that the results go; empty: in a folder of their own.
  virtual std::string named_results() const = 0;

  // --clear-on-success: removes the journal. After Run() ended with 0.
  virtual void ClearJournal() = 0;
};

}  // namespace runner

#endif  // RUNNER_STUDY_BENCHMARK_CELL_H_
