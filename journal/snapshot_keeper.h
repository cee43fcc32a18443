// Removes what no snapshot needs any more, and copies snapshots elsewhere.
#ifndef JOURNAL_SNAPSHOT_KEEPER_H_
#define JOURNAL_SNAPSHOT_KEEPER_H_

#include <atomic>
#include <cstdint>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "journal/file_system.h"
#include "journal/manifest.h"
#include "journal/segment_header.h"

namespace journal {

// The last segment that both of the two newest manifests cover with parts that
// are in `verified`; 0: none. Manifests that cannot be read from the disk, or
// are another journal's, do not count. What they both gave up needs no part.
absl::StatusOr<uint64_t> LastSegmentNotNeeded(
    FileSystem& fs, absl::string_view directory, const JournalUuid& uuid,
    const std::set<uint64_t>& verified_parts);

// Removes segments up to `last_segment`, oldest first.
absl::Status RemoveSegments(FileSystem& fs, absl::string_view directory,
                            uint64_t last_segment);

// Removes manifests but for the newest `manifests_kept`, and those that give up
// less than the two newest do; then parts that no manifest left here names,
// unless there is one that cannot be read.
absl::Status PruneSnapshots(FileSystem& fs, absl::string_view directory,
                            const JournalUuid& uuid, int manifests_kept);

// kInvalidArgument when a manifest in the directory is not of the journal
// `uuid`; without a uuid (a journal that is not made yet), when there is any
// that can be read. One that cannot says nothing.
absl::Status CheckBackupDirectory(FileSystem& fs, absl::string_view backup,
                                  const absl::optional<JournalUuid>& uuid);

// Copies the manifest and those of its parts that are not there yet into
// `backup`, the manifest last; then prunes there. Each file is checked before,
// written under a temporary name, fsynced, read back from the disk and
// compared before it gets its own name. What is there counts only if it is the
// same: an older file of that name, or a damaged one, is replaced. Ends with
// CancelledError, at the next MiB, when `*stop` is set (may be null). Errors:
// kInvalidArgument (as CheckBackupDirectory), kDamage, kNoSpace, kIo.
absl::Status BackUpSnapshot(FileSystem& fs, absl::string_view directory,
                            absl::string_view backup, const Manifest& manifest,
                            int manifests_kept, const std::atomic<bool>* stop);

}  // namespace journal

#endif  // JOURNAL_SNAPSHOT_KEEPER_H_
