// The snapshots that lie in a journal's directory.
#ifndef TOOLS_SNAPSHOT_FILES_H_
#define TOOLS_SNAPSHOT_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "journal/manifest.h"
#include "journal/recovery_report.h"

namespace inspector {

struct SnapshotFile {
  std::string file;  // Of its manifest.
  // Nothing when the manifest cannot be read: `problem` says why.
  absl::optional<journal::Manifest> manifest;
  std::string problem;
  uint64_t records = 0;  // Of its parts, as the manifest says.
  uint64_t bytes = 0;    // Of its manifest and parts, which others may share.
  bool used = false;     // The one that the journal is read from.

  absl::Time created() const;
};

// In order of their ids; empty when there are none, or the directory cannot be
// read. Reads manifests, not parts.
std::vector<SnapshotFile> ListSnapshots(absl::string_view directory,
                                        const journal::RecoveryReport& report);

// Bytes of all manifests and parts there.
uint64_t SnapshotBytes(absl::string_view directory);

}  // namespace inspector

#endif  // TOOLS_SNAPSHOT_FILES_H_
