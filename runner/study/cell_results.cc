#include "runner/study/cell_results.h"

#include <memory>
#include <string>

namespace runner {

ResultsInfo DescribeResults(const ResultsSubject& subject) {
  const BenchmarkInfo& journaled = subject.journal->info();
  const BenchmarkNames& names = *subject.names;
  const RunPlan& plan = *subject.plan;
  ResultsInfo info;
  info.mixed_config = subject.journal->now().mixed_config;
  // That by which the journal is found.
  info.benchmark_id =
      info.mixed_config ? journaled.benchmark_id : names.benchmark_id;
  info.identity_hash = names.identity_hash;
  info.scoring_hash = names.scoring_hash;
  info.dataset_name = journaled.dataset_name;
  info.dataset_fingerprint = subject.dataset->fingerprint();
  info.dataset_path = subject.dataset->path();
  info.dataset_queries = subject.dataset->size();
  info.model = names.model;
  info.method = plan.method;
  info.seed = plan.seed;
  info.runs = plan.runs;
  info.order.reserve(plan.rows.size());
  for (const SelectedRow& row : plan.rows) info.order.push_back(row.index);
  for (const std::unique_ptr<Scorer>& scorer : subject.scoring->scorers()) {
    info.scorers.push_back(
        {std::string(scorer->name()), {scorer->lowest(), scorer->highest()}});
  }
  return info;
}

}  // namespace runner
