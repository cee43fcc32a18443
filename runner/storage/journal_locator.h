// Finds the journals of benchmarks among whatever lies in the journal
// directory, and moves them about.
//
//   journals/
//     20261121_gsm8k_gpt-4_1a2b3c4d/     a journal, named by its run id
//     20261121_gsm8k_gpt-4_1a2b3c4d_2/   another run of the same, or a clash
//     latest -> 20261121_…               last opened for writing
//     replaced/                          moved away by --overwrite, never read
//
// What counts is what a journal's first record says; names matter only for
// journals that cannot be read. Nothing here takes a journal's lock, but
// MoveToReplaced, or deletes anything.
#ifndef RUNNER_STORAGE_JOURNAL_LOCATOR_H_
#define RUNNER_STORAGE_JOURNAL_LOCATOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "journal/file_system.h"
#include "journal/recovery_report.h"
#include "journal/types.h"
#include "runner/storage/journal_access.h"
#include "runner/storage/journal_now.h"
#include "runner/storage/progress_state.h"
#include "runner/storage/records.h"

namespace runner {

inline constexpr char kLatestName[] = "latest";
inline constexpr char kReplacedName[] = "replaced";

enum class JournalCondition {
  kComplete,
  kUnfinished,
  // Its creation was interrupted before anything was asked: worth nothing.
  kUnborn,
  // Confirmed data is damaged: it is refused until it is salvaged.
  kDamaged,
  // Not readable for another reason: permission, I/O, a newer version, no key
  // or another one.
  kUnreadable,
};

// "complete", "unfinished", …
absl::string_view JournalConditionName(JournalCondition condition);

// One journal as found. `info` is set whenever the first record can be read,
// whatever the condition.
struct LocatedJournal {
  std::string directory;  // As given, or <journal dir>/<name>.
  std::string name;
  JournalCondition condition = JournalCondition::kUnreadable;
  absl::Status status;  // Why kDamaged or kUnreadable.
  // What holds now of scoring, identity and the newest session's
  // configuration.
  absl::optional<BenchmarkInfo> info;
  // These only for kComplete and kUnfinished.
  JournalNow now;
  ProgressTotals totals;
  uint64_t rows = 0;
  journal::Lsn selection_lsn = 0;  // Of the newest Selection; 0: none.
  int complete_exit_code = 0;
  absl::Time complete_time;
  bool torn_tail = false;
};

// What is in the journal `directory`. Nothing when there is no journal, that is
// neither segment nor manifest, in it. Quick: reads the newest state and what
// follows it. `state`, if given, is then that of the whole journal, where it is
// kComplete or kUnfinished.
absl::optional<LocatedJournal> LocateJournal(const JournalAccess& access,
                                             absl::string_view directory,
                                             ProgressState* state = nullptr);

// All journals in `journal_dir`, newest first (by the time of their creation);
// those whose first record cannot be read come by the date in their name.
// An absent directory has none. Errors: one that cannot be read.
absl::StatusOr<std::vector<LocatedJournal>> ListJournals(
    const JournalAccess& access, absl::string_view journal_dir);

struct JournalQuery {
  std::string benchmark_id;
  std::string identity_hash;
  // The run id that a new journal would get today. A journal that cannot be
  // read and is named like it, but for date and suffix, counts as the same.
  std::string run_id;
  // Journals of other shards are others' business; 0 of 0 is the whole.
  uint32_t shard_index = 0;
  uint32_t shard_count = 0;
  // Older ones do not count, whatever they are. Of one that cannot be read
  // only its name's day is known: it is as old as that day's end.
  absl::Time created_min = absl::InfinitePast();
};

struct JournalMatch {
  // The newest with the same benchmark id and identity. kUnborn ones do not
  // count; damaged and unreadable ones do, so that nothing is asked twice
  // because of them: act on `condition` and `status`.
  absl::optional<LocatedJournal> same;
  // The newest unfinished one with the same benchmark id and another identity.
  // One in which nothing was ever asked (its worker did not start, say) does
  // not count: there is nothing to mix with.
  absl::optional<LocatedJournal> other_identity;
};

absl::StatusOr<JournalMatch> FindJournal(const JournalAccess& access,
                                         absl::string_view journal_dir,
                                         const JournalQuery& query);

// Whether a name differs from `run_id` in its date and a number behind at most.
bool IsRunIdLike(absl::string_view name, absl::string_view run_id);

// `run_id`, or the first of `run_id`_2, _3, … under which a journal may be
// created (BenchmarkJournal::Create takes over what is unborn without a
// record). Errors: kInvalidArgument when thousands are taken.
absl::StatusOr<std::string> FreeRunId(const JournalAccess& access,
                                      absl::string_view journal_dir,
                                      absl::string_view run_id);

// Points <journal_dir>/latest at `name`, at once or not at all. Errors: kIo,
// also when something that is not a link bears that name; kInvalidArgument
// where `name` is the link's own.
absl::Status PointLatestAt(journal::FileSystem& fs,
                           absl::string_view journal_dir,
                           absl::string_view name);

// Where <journal_dir>/latest points at nothing, its journal having been
// removed, points it at the newest that is left, or removes it. Errors: kIo.
absl::Status MendLatest(const JournalAccess& access,
                        absl::string_view journal_dir);

// Moves the journal `name` to <journal_dir>/replaced/, with a suffix if there
// is one of that name, durably. Returns its new path. `lock` is that of the
// journal if the caller has it. Errors: kLocked, naming the holder, while
// a process writes to it; kNotFound; kIo.
absl::StatusOr<std::string> MoveToReplaced(
    journal::FileSystem& fs, absl::string_view journal_dir,
    absl::string_view name, std::unique_ptr<journal::FileLock> lock = nullptr);

}  // namespace runner

#endif  // RUNNER_STORAGE_JOURNAL_LOCATOR_H_
