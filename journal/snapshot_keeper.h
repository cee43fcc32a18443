// Removes what no snapshot needs any more, and copies snapshots elsewhere.
#ifndef JOURNAL_SNAPSHOT_KEEPER_H_
#define JOURNAL_SNAPSHOT_KEEPER_H_

#include <cstdint>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/file_system.h"
#include "journal/manifest.h"
#include "journal/segment_header.h"

namespace journal {

// The last segment that both of the two newest manifests cover with parts that
// are in `verified`; 0: none. Manifests that cannot be read, or are another
// journal's, do not count. What they both gave up needs no part.
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

// Copies the manifest and those of its parts that are not there yet into
// `backup`, each by temporary file, fsync and rename, the manifest last; then
// prunes there.
absl::Status BackUpSnapshot(FileSystem& fs, absl::string_view directory,
                            absl::string_view backup, const Manifest& manifest,
                            int manifests_kept);

}  // namespace journal

#endif  // JOURNAL_SNAPSHOT_KEEPER_H_
