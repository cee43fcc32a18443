// What a benchmark's results are about.
#ifndef RUNNER_STUDY_CELL_RESULTS_H_
#define RUNNER_STUDY_CELL_RESULTS_H_

#include "runner/data/dataset.h"
#include "runner/results/results_writer.h"
#include "runner/scoring/scorer.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/study/benchmark_names.h"
#include "runner/study/benchmark_run.h"

namespace runner {

// All borrowed.
struct ResultsSubject {
  const BenchmarkNames* names = nullptr;
  const BenchmarkJournal* journal = nullptr;
  const Dataset* dataset = nullptr;
  const Scoring* scoring = nullptr;
  const RunPlan* plan = nullptr;
};

// All but the run id, and whether a limit was reached.
ResultsInfo DescribeResults(const ResultsSubject& subject);

}  // namespace runner

#endif  // RUNNER_STUDY_CELL_RESULTS_H_
