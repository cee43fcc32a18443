// Batches: labels over what one session asks, in the plan's order, journaled
// for people and programs that watch. They hold nothing up: a query of the next
// batch leaves as soon as there is a worker for it.
//
// A batch is at most so many consecutive queries of one run. Those that are not
// begun have no record of their own: the session's first record of all says how
// many are planned. So what is kept in memory is what is under way.
#ifndef RUNNER_STUDY_BATCHES_H_
#define RUNNER_STUDY_BATCHES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/storage/records.h"
#include "runner/study/work_source.h"

namespace runner {

// Where a session's batches begin, and how many there are with those of
// earlier sessions.
struct BatchRange {
  uint32_t first = 1;
  uint64_t total = 0;
};

// That which follows what `progress` has completed, when `batches` are left.
BatchRange NextBatches(const BatchProgress& progress, uint64_t batches);

// Journals that `range` is planned, and that what earlier sessions left open
// has gone into it.
absl::Status RecordPlan(const BatchProgress& progress, const BatchRange& range,
                        BenchmarkJournal& journal);

// Whether people should know of `range`: batches were begun before, or the
// newest session had another number of workers.
bool IsRedistributed(const BenchmarkJournal& journal, const BatchRange& range,
                     int workers);

// "Redistributing remaining work across 4 workers; resuming from batch 4 of 6"
std::string RedistributionText(const BatchRange& range, int workers);

class Batches {
 public:
  // Divides what `source` yields into batches of `size`, at least 1, from the
  // number `first` on.
  Batches(WorkSource source, uint32_t size, uint32_t first)
      : source_(std::move(source)), size_(size), next_number_(first) {}

  // The next query, with its batch, or nothing at the end. These two from one
  // thread only.
  absl::optional<WorkItem> Next();

  // The batches whose first query was yielded since the last call: Running, to
  // be journaled before those queries leave.
  std::vector<BatchRecord> TakeBegun();

  // A query was answered, or has failed for good, on worker `slot`. Returns its
  // batch, Completed, if it was the last one. Thread-safe.
  absl::optional<BatchRecord> Ended(const WorkItem& item, uint32_t slot)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Open {
    uint32_t run = 0;
    size_t left = 0;
    std::set<uint32_t> slots;
  };

  void Begin() ABSL_LOCKS_EXCLUDED(mutex_);

  WorkSource source_;
  const uint32_t size_;
  uint32_t next_number_;
  absl::optional<WorkItem> ahead_;  // Of the next run.
  std::deque<WorkItem> items_;      // Of the batch begun last.
  std::vector<BatchRecord> begun_;

  absl::Mutex mutex_;
  std::map<uint32_t, Open> open_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace runner

#endif  // RUNNER_STUDY_BATCHES_H_
