// What is still to be asked, in canonical order.
#ifndef RUNNER_STUDY_WORK_SOURCE_H_
#define RUNNER_STUDY_WORK_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/optional.h"
#include "runner/storage/progress_state.h"
#include "runner/study/benchmark_run.h"

namespace runner {

// One query to be asked.
struct WorkItem {
  uint32_t run = 1;
  SelectedRow row;
  uint32_t attempts_before = 0;  // In all sessions.
  uint32_t batch = 0;            // Set by Batches.
};

// Walks runs x rows once and yields what the journal does not hold: neither
// done nor, unless asked for, failed for good. Borrows `plan`. Not thread-safe.
class WorkSource {
 public:
  using IsDone = std::function<bool(uint32_t run, uint32_t index)>;

  // `open` and `is_done` are what a journal says.
  WorkSource(const std::vector<OpenQuery>& open, IsDone is_done,
             const RunPlan& plan);
  // Borrows `journal`.
  WorkSource(const QueryProgress& journal, const RunPlan& plan);

  // The next query, or nothing when all were yielded.
  absl::optional<WorkItem> Next();

 private:
  struct Open {
    uint32_t attempts = 0;
    bool failed = false;
    bool retryable = false;
  };

  const IsDone is_done_;
  const RunPlan& plan_;
  absl::flat_hash_map<uint64_t, Open> open_;
  uint32_t run_ = 1;
  size_t next_ = 0;
};

// How many queries are left to ask, in how many batches, and how many answers
// to score.
RemainingWork CountWork(const QueryProgress& journal, const RunPlan& plan);
// How many are answered, of what is asked for: the journal may hold more.
uint64_t CountDone(const QueryProgress& journal, const RunPlan& plan);
// How many failed and are not asked again.
uint64_t CountSetAside(const QueryProgress& journal, const RunPlan& plan);
uint64_t CountUnscored(const QueryProgress& journal, const RunPlan& plan);

}  // namespace runner

#endif  // RUNNER_STUDY_WORK_SOURCE_H_
