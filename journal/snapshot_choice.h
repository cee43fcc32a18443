// Which snapshot an examination of a journal stands on.
#ifndef JOURNAL_SNAPSHOT_CHOICE_H_
#define JOURNAL_SNAPSHOT_CHOICE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/file_system.h"
#include "journal/manifest.h"
#include "journal/recovery_report.h"
#include "journal/segment_list.h"

namespace journal {

struct SnapshotChoice {
  // Records up to manifest.last_lsn come from its parts, later ones from the
  // log. Without a snapshot `manifest` is empty, and the log begins with
  // segment manifest.last_segment + 1.
  Manifest manifest;
  bool has_snapshot = false;
  // Some snapshot, or the log alone, is all there.
  bool whole = false;
  // kSecondCopy for what the chosen one makes up for; graver ones say what is
  // lost. Damage inside the chosen parts is found when they are read.
  std::vector<Finding> findings;
  std::vector<uint64_t> manifests_seen;  // Ids, ascending.
};

// The newest snapshot that is whole and whose log is there; else the log alone,
// or a snapshot made out from its parts, if that is whole; else the newest that
// can be made out. With `full`, every byte of every part that a manifest names
// is checked, else heads, ends and sizes. `list` is of the same directory and
// may be empty. `keep_going` may be null.
absl::StatusOr<SnapshotChoice> ChooseSnapshot(
    FileSystem& fs, absl::string_view directory, const SegmentList& list,
    bool full, const std::function<bool(uint64_t bytes)>& keep_going);

// The ids of the manifests and parts in a directory, ascending.
struct SnapshotFiles {
  std::vector<uint64_t> manifests;
  std::vector<uint64_t> parts;
};
absl::StatusOr<SnapshotFiles> ListSnapshotFiles(FileSystem& fs,
                                                absl::string_view directory);

}  // namespace journal

#endif  // JOURNAL_SNAPSHOT_CHOICE_H_
