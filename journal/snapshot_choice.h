// Which snapshot an examination of a journal stands on.
#ifndef JOURNAL_SNAPSHOT_CHOICE_H_
#define JOURNAL_SNAPSHOT_CHOICE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/file_system.h"
#include "journal/manifest.h"
#include "journal/part_footer.h"
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
  // A living writer has replaced what was chosen from: list and choose again.
  bool outdated = false;
};

// What is known of one part.
struct PartCheck {
  bool full = false;  // Every byte was checked; it need not be done again.
  absl::Status opened;
  FindingKind kind = FindingKind::kCleanEnd;  // Of what opening met.
  PartFooter footer;
  uint64_t file_bytes = 0;
  std::vector<Finding> findings;
};
// By part id. Parts never change, and no id is used twice.
using PartChecks = std::map<uint64_t, PartCheck>;

// The newest snapshot that is whole and whose log is there; else the log alone,
// or a snapshot made out from its parts, if that is whole; else the newest that
// can be made out. With `full`, every byte of every part that a manifest names
// is checked, and of the log what one snapshot needs and another stands for;
// else heads, ends and sizes. `list` is of the same directory and may be empty.
// `keep_going` may be null. `checks` carries what was checked from one choice
// in this directory to the next. A snapshot that is removed meanwhile is none.
absl::StatusOr<SnapshotChoice> ChooseSnapshot(
    FileSystem& fs, absl::string_view directory, const SegmentList& list,
    bool full, const std::function<bool(uint64_t bytes)>& keep_going,
    PartChecks* checks);

// The ids of the manifests and parts in a directory, ascending.
struct SnapshotFiles {
  std::vector<uint64_t> manifests;
  std::vector<uint64_t> parts;
};
absl::StatusOr<SnapshotFiles> ListSnapshotFiles(FileSystem& fs,
                                                absl::string_view directory);

}  // namespace journal

#endif  // JOURNAL_SNAPSHOT_CHOICE_H_
