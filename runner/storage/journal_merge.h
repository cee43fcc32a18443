// One journal made of those of its shards.
#ifndef RUNNER_STORAGE_JOURNAL_MERGE_H_
#define RUNNER_STORAGE_JOURNAL_MERGE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "runner/data/selection.h"
#include "runner/storage/journal_access.h"
#include "runner/storage/progress_state.h"
#include "runner/storage/records.h"

namespace runner {

struct MergePart {
  std::string directory;
  Shard shard;
  // The place of each of its rows in the merged list.
  std::vector<uint32_t> index_of_row;
};

struct MergeTarget {
  std::string directory;  // New; its parents are made.
  BenchmarkInfo info;     // Of the whole.
  SelectionRecord selection;
  std::vector<RowInfo> rows;
};

// Writes `target` from the parts, in their order: every attempt, answer, score,
// error and doubt with its time, and the sessions, renumbered. Not taken over
// are what is about a part as a whole (ends of runs, completion, batches) and
// the states of its workers; ends of runs and completion are those of the
// whole. Durable on return; `totals` are what it holds then.
//
// Errors: kDamage for damage and for records that do not fit their journal,
// kNewerVersion, kInvalidArgument for a query of another shard, kLocked for a
// part that is no longer complete, kIo, kNoSpace; Cancelled when `stopped` says
// so. What was written so far stays, and is the caller's to remove.
absl::Status MergeJournals(absl::Span<const MergePart> parts,
                           const MergeTarget& target,
                           const JournalAccess& access,
                           const std::function<bool()>& stopped,
                           ProgressTotals* totals);

}  // namespace runner

#endif  // RUNNER_STORAGE_JOURNAL_MERGE_H_
