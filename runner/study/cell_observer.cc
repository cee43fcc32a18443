#include "runner/study/cell_observer.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "journal/file_system.h"
#include "runner/base/printable.h"
#include "runner/study/failure_text.h"
#include "runner/study/work_source.h"

namespace runner {

// What it cost was counted when it was answered.
void CellObserver::OnScored(const QueryKey& key, const EvaluationResult&) {
  parts_.console->Scored(key);
  OnEnded();
}

void CellObserver::OnError(const QueryKey& key, const EvaluationError& error,
                           bool final) {
  parts_.console->Detail(absl::StrCat("Recorded error for ", Printable(key.id),
                                      ": ", Printable(error.type), ": ",
                                      Excerpt(error.message, 200)));
  if (!final) return;
  parts_.console->Failed(key);
  ++failed_;
  OnEnded();
}

void CellObserver::OnUnscored(const QueryKey& key, absl::string_view message) {
  const std::string text = absl::StrCat("Not scored: ", Printable(key.id), ": ",
                                        Excerpt(message, 200));
  // One is enough to see what is wrong.
  if (unscored_++ == 0) {
    parts_.console->Say(text);
  } else {
    parts_.console->Detail(text);
  }
  OnEnded();
}

void CellObserver::OnNoSpace(absl::string_view message) {
  parts_.console->Error(absl::StrCat(
      "The disk is full: ", Printable(message),
      "\nNothing new is asked; answers that are here wait for space."));
}

// A query that failed once more is one failure, as the journal counts.
void CellObserver::OnEnded() {
  const ProgressTotals totals = parts_.journal->totals();
  parts_.ledger->SetEnded(parts_.benchmark, totals.answered,
                          parts_.only_failed ? failed_ : totals.failed);
  parts_.limits->Check();
}

void SaySkipped(const BenchmarkJournal& journal, const Dataset& dataset,
                const RunPlan& plan, Console& console) {
  for (uint32_t run = 1; run <= plan.runs; ++run) {
    for (const SelectedRow& row : plan.rows) {
      if (!journal.IsDone(run, row.index)) continue;
      console.Detail(absl::StrCat("Skipping completed query: ",
                                  Printable(dataset.id(row.row)), " (Cached)"));
    }
  }
}

void SayFailures(const Results& results, const FailurePlace& place,
                 Console& console) {
  if (results.failed == 0) return;
  const bool kept = !place.directory.empty();
  std::string where = journal::JoinPath(place.directory, "errors.log");
  std::error_code ignored;
  if (!kept || !std::filesystem::exists(where, ignored)) {
    where = ResultLinesPath(place.results_path);
  }
  console.Say(FailureText(results, where, /*can_be_retried=*/kept));
}

Progress StartOf(const BenchmarkJournal& journal, const RunPlan& plan) {
  const ProgressTotals totals = journal.totals();
  Progress start;
  start.total = uint64_t{plan.runs} * plan.rows.size();
  start.failed = CountSetAside(journal, plan);
  // Answers that are scored in this session are done then.
  start.done =
      std::min(totals.completed, CountDone(journal, plan)) + start.failed;
  start.resumed = start.done;
  start.runs = plan.runs;
  if (totals.cost > 0) start.cost = totals.cost;
  return start;
}

void CarryInto(Ledger& ledger, size_t benchmark, absl::string_view model,
               ProgressTotals totals, bool only_failed) {
  if (only_failed) totals.failed = 0;
  ledger.Carry(benchmark, model, totals);
}

}  // namespace runner
