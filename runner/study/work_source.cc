#include "runner/study/work_source.h"

#include <utility>

#include "absl/container/flat_hash_set.h"

namespace runner {
namespace {

uint64_t KeyOf(uint32_t run, uint32_t index) {
  return static_cast<uint64_t>(run) << 32 | index;
}

}  // namespace

WorkSource::WorkSource(const QueryProgress& journal, const RunPlan& plan)
    : WorkSource(
          journal.open_queries(),
          [&journal](uint32_t run, uint32_t index) {
            return journal.IsDone(run, index);
          },
          plan) {}

WorkSource::WorkSource(const std::vector<OpenQuery>& open, IsDone is_done,
                       const RunPlan& plan)
    : is_done_(std::move(is_done)), plan_(plan) {
  for (const OpenQuery& query : open) {
    open_[KeyOf(query.run, query.index)] = {query.attempts, query.failed,
                                            query.retryable};
  }
}

absl::optional<WorkItem> WorkSource::Next() {
  if (plan_.score_only) return absl::nullopt;
  for (; run_ <= plan_.runs; ++run_, next_ = 0) {
    while (next_ < plan_.rows.size()) {
      const SelectedRow& row = plan_.rows[next_++];
      if (is_done_(run_, row.index)) continue;
      const auto open = open_.find(KeyOf(run_, row.index));
      const bool failed = open != open_.end() && open->second.failed;
      if (plan_.only_failed ? !failed : failed && !open->second.retryable) {
        continue;
      }
      return WorkItem{run_, row,
                      open == open_.end() ? 0 : open->second.attempts,
                      /*batch=*/0};
    }
  }
  return absl::nullopt;
}

RemainingWork CountWork(const QueryProgress& journal, const RunPlan& plan) {
  RemainingWork remaining;
  remaining.to_score = CountUnscored(journal, plan);
  WorkSource source(journal, plan);
  uint32_t run = 0;
  uint64_t of_run = 0;
  while (const absl::optional<WorkItem> item = source.Next()) {
    if (item->run != run) of_run = 0;
    run = item->run;
    remaining.batches += of_run++ % plan.batch_size == 0 ? 1 : 0;
    ++remaining.to_ask;
  }
  return remaining;
}

uint64_t CountDone(const QueryProgress& journal, const RunPlan& plan) {
  uint64_t done = 0;
  for (uint32_t run = 1; run <= plan.runs; ++run) {
    for (const SelectedRow& row : plan.rows) {
      done += journal.IsDone(run, row.index) ? 1 : 0;
    }
  }
  return done;
}

uint64_t CountSetAside(const QueryProgress& journal, const RunPlan& plan) {
  absl::flat_hash_set<uint64_t> failed;
  for (const OpenQuery& query : journal.open_queries()) {
    const bool asked =
        !plan.score_only && (plan.only_failed || query.retryable);
    if (query.failed && !asked) failed.insert(KeyOf(query.run, query.index));
  }
  if (failed.empty()) return 0;
  uint64_t set_aside = 0;
  for (uint32_t run = 1; run <= plan.runs; ++run) {
    for (const SelectedRow& row : plan.rows) {
      set_aside += failed.count(KeyOf(run, row.index));
    }
  }
  return set_aside;
}

uint64_t CountUnscored(const QueryProgress& journal, const RunPlan& plan) {
  uint64_t unscored = 0;
  for (uint32_t run = 1; run <= plan.runs; ++run) {
    for (const SelectedRow& row : plan.rows) {
      unscored += journal.NeedsScore(run, row.index) ? 1 : 0;
    }
  }
  return unscored;
}

}  // namespace runner
