// The journals that lie in a directory: which there are, which is newest,
// whether one is whole, and removing old ones.
#ifndef RUNNER_CHECKPOINT_CHECKPOINT_LIST_H_
#define RUNNER_CHECKPOINT_CHECKPOINT_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "journal/recovery_report.h"
#include "runner/storage/journal_access.h"

namespace runner {

struct CheckpointEntry {
  std::string directory;
  std::string benchmark_id;  // Empty when it cannot be read.
  std::string model;
  std::string method;
  absl::Time created;
  uint64_t total = 0;  // Queries x runs that are asked for.
  uint64_t completed = 0;
  uint64_t failed = 0;
  bool complete = false;
  // Why it cannot be gone on with: damaged, of a newer version, no key.
  absl::Status status;
};

// Newest first. None where there is no such directory.
absl::StatusOr<std::vector<CheckpointEntry>> ListCheckpoints(
    absl::string_view journal_dir, const JournalAccess& access = {});

// The newest of `benchmark_id`, or of all when that is empty; nothing when
// there is none.
absl::StatusOr<absl::optional<CheckpointEntry>> FindLatest(
    absl::string_view journal_dir, absl::string_view benchmark_id = "",
    const JournalAccess& access = {});

// Reads every byte of the journal in `directory`; OK only when all that was
// acknowledged is there and is what was written. A torn tail, which opening
// cuts, is OK. Takes no lock, writes nothing. Errors: kNotFound, kDamage with
// place and reason, kNewerVersion, kIo. Needs no key.
absl::Status Validate(absl::string_view directory,
                      const JournalAccess& access = {});

struct CleanupOptions {
  // Also journals whose queries are not all done: what was paid is lost.
  bool unfinished = false;
  // Say what would be removed, and remove nothing.
  bool dry_run = false;
};

// Removes journals, but not the newest `keep` of each benchmark id, none that a
// living process has open, and none that cannot be read. Returns the
// directories that were removed. Errors: those of the first that could not be
// removed.
absl::StatusOr<std::vector<std::string>> Cleanup(
    absl::string_view journal_dir, size_t keep,
    const CleanupOptions& options = {}, const JournalAccess& access = {});

}  // namespace runner

#endif  // RUNNER_CHECKPOINT_CHECKPOINT_LIST_H_
