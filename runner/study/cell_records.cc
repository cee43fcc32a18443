#include "runner/study/cell_records.h"

#include <vector>

#include "runner/study/cell_messages.h"
#include "runner/study/in_doubt.h"
#include "runner/study/standing_limit.h"

namespace runner {

absl::StatusOr<std::string> RecordInDoubt(BenchmarkJournal& journal) {
  std::vector<OpenQuery> in_doubt;
  for (const OpenQuery& query : journal.open_queries()) {
    if (query.in_flight) in_doubt.push_back(query);
  }
  if (in_doubt.empty()) return std::string();
  absl::Status s = journal.RecordInDoubt(in_doubt);
  if (!s.ok()) return s;
  return InDoubtText(in_doubt.size(), NamesOfInFlight(journal, in_doubt));
}

absl::Status RecordSelection(const SelectionRecord& selection,
                             BenchmarkJournal& journal) {
  const SelectionRecord known = journal.selection();
  if (known.runs == selection.runs && known.queries == selection.queries &&
      known.selection_json == selection.selection_json &&
      known.dataset_fingerprint == selection.dataset_fingerprint) {
    return absl::OkStatus();
  }
  return journal.RecordSelection(selection);
}

absl::Status LimitRecorder::Record(const LimitReached& limit,
                                   BenchmarkJournal& journal) {
  absl::MutexLock lock(&mutex_);
  if (recorded_) return absl::OkStatus();
  absl::Status status = journal.RecordLimit(RecordOf(limit));
  recorded_ = status.ok();
  return status;
}

RunEndRecord AggregateOf(const RunResults& run) {
  RunEndRecord record;
  record.run = run.run;
  record.seed = run.seed;
  record.n = run.n;
  record.completed = run.completed;
  record.failed = run.failed;
  record.unparsed = run.unparsed;
  for (const NamedSummary& metric : run.metrics) {
    if (!metric.summary.mean.has_value()) continue;
    record.means.emplace_back(metric.name, *metric.summary.mean);
  }
  run.usage.ToRunEnd(record);
  return record;
}

}  // namespace runner
