#include "tools/snapshot_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "journal/file_system.h"
#include "journal/format.h"
#include "journal/part_footer.h"

namespace inspector {
namespace {

std::vector<uint64_t> ManifestIds(absl::string_view directory) {
  std::vector<uint64_t> ids;
  const absl::StatusOr<std::vector<std::string>> names =
      journal::FileSystem::Posix()->List(directory);
  if (!names.ok()) return ids;
  for (const std::string& name : *names) {
    if (const auto id = journal::ParseManifestFileName(name)) {
      ids.push_back(*id);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

absl::Time SnapshotFile::created() const {
  return manifest.has_value() ? absl::FromUnixNanos(manifest->created_unix_ns)
                              : absl::InfinitePast();
}

std::vector<SnapshotFile> ListSnapshots(absl::string_view directory,
                                        const journal::RecoveryReport& report) {
  std::vector<SnapshotFile> snapshots;
  for (const uint64_t id : ManifestIds(directory)) {
    SnapshotFile snapshot;
    snapshot.file = journal::ManifestFileName(id);
    snapshot.used = snapshot.file == report.snapshot_file;
    absl::StatusOr<journal::Manifest> manifest =
        journal::ReadManifest(*journal::FileSystem::Posix(), directory, id);
    if (manifest.ok()) {
      snapshot.bytes = journal::kManifestHeaderBytes +
                       journal::kManifestEntryBytes * manifest->parts.size();
      for (const journal::ManifestEntry& part : manifest->parts) {
        snapshot.records += part.records;
        snapshot.bytes += part.file_bytes;
      }
      snapshot.manifest = *std::move(manifest);
    } else {
      snapshot.problem = std::string(manifest.status().message());
    }
    snapshots.push_back(std::move(snapshot));
  }
  return snapshots;
}

uint64_t SnapshotBytes(absl::string_view directory) {
  uint64_t bytes = 0;
  const absl::StatusOr<std::vector<std::string>> names =
      journal::FileSystem::Posix()->List(directory);
  if (!names.ok()) return 0;
  for (const std::string& name : *names) {
    if (!journal::ParseManifestFileName(name).has_value() &&
        !journal::ParsePartFileName(name).has_value()) {
      continue;
    }
    std::error_code error;
    const uintmax_t size =
        std::filesystem::file_size(journal::JoinPath(directory, name), error);
    if (!error) bytes += size;
  }
  return bytes;
}

}  // namespace inspector
