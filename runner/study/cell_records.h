// What a benchmark records besides its queries.
#ifndef RUNNER_STUDY_CELL_RECORDS_H_
#define RUNNER_STUDY_CELL_RECORDS_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "runner/results/results_writer.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/storage/records.h"
#include "runner/study/limits.h"

namespace runner {

// Lists in the journal the attempts of which nobody knows the end, and returns
// what people are told: "In doubt: 3 (q91, q92, q93): may have been billed,
// asked again". Empty when there are none. The journal's errors.
absl::StatusOr<std::string> RecordInDoubt(BenchmarkJournal& journal);

// What is asked for, unless the journal says just that. The journal's errors.
absl::Status RecordSelection(const SelectionRecord& selection,
                             BenchmarkJournal& journal);

// Records the limit that a session has reached, once: when it is reached, so
// that neither a signal nor a death forgets it, or at the latest when the
// session ends. Thread-safe.
class LimitRecorder {
 public:
  // The journal's errors, after which it may be called again.
  absl::Status Record(const LimitReached& limit, BenchmarkJournal& journal)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::Mutex mutex_;
  bool recorded_ ABSL_GUARDED_BY(mutex_) = false;
};

// What the results say of a run.
RunEndRecord AggregateOf(const RunResults& run);

}  // namespace runner

#endif  // RUNNER_STUDY_CELL_RECORDS_H_
