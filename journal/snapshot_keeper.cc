#include "journal/snapshot_keeper.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/part_footer.h"
#include "journal/segment_list.h"
#include "journal/snapshot_choice.h"

namespace journal {
namespace {

constexpr uint64_t kCopyBytes = 1 << 20;

// How many of the newest manifests must agree before anything is removed.
constexpr size_t kManifestsAgreeing = 2;

// The journal's manifests that can be read, newest first; at most `most`.
absl::StatusOr<std::vector<Manifest>> ReadManifests(FileSystem& fs,
                                                    absl::string_view directory,
                                                    const JournalUuid& uuid,
                                                    size_t most) {
  absl::StatusOr<SnapshotFiles> files = ListSnapshotFiles(fs, directory);
  if (!files.ok()) return files.status();
  std::vector<Manifest> manifests;
  for (auto id = files->manifests.rbegin();
       id != files->manifests.rend() && manifests.size() < most; ++id) {
    absl::StatusOr<Manifest> manifest = ReadManifest(fs, directory, *id);
    if (manifest.ok() && manifest->uuid == uuid) {
      manifests.push_back(*std::move(manifest));
    }
  }
  return manifests;
}

// The last segment of the parts at the manifest's beginning that are verified.
uint64_t VerifiedUpTo(const Manifest& manifest,
                      const std::set<uint64_t>& verified,
                      uint64_t first_present) {
  uint64_t last = manifest.parts.empty()
                      ? manifest.last_segment
                      : manifest.parts.front().first_segment - 1;
  for (const ManifestEntry& part : manifest.parts) {
    // Of a part whose segments are all gone nothing depends on being verified.
    if (part.last_segment >= first_present &&
        verified.count(part.part_id) == 0) {
      break;
    }
    last = part.last_segment;
  }
  return last;
}

absl::Status CopyFile(FileSystem& fs, absl::string_view from,
                      absl::string_view to) {
  absl::StatusOr<std::unique_ptr<File>> source = fs.Open(from, OpenMode::kRead);
  if (!source.ok()) return source.status();
  const std::string temporary = absl::StrCat(to, kNewSuffix);
  absl::StatusOr<std::unique_ptr<File>> target =
      fs.Open(temporary, OpenMode::kCreate);
  if (!target.ok()) return target.status();
  std::string buffer(kCopyBytes, '\0');
  absl::Status status;
  for (uint64_t at = 0; status.ok(); at += kCopyBytes) {
    absl::StatusOr<size_t> got =
        (*source)->ReadAt(at, buffer.data(), kCopyBytes);
    status = got.status();
    if (status.ok() && *got > 0) {
      status = (*target)->WriteAt(at, absl::string_view(buffer.data(), *got));
    }
    if (status.ok() && *got < kCopyBytes) break;
  }
  if (status.ok()) status = (*target)->Sync();
  if (status.ok()) status = fs.Rename(temporary, to);
  if (!status.ok()) fs.Remove(temporary).IgnoreError();
  return status;
}

}  // namespace

absl::StatusOr<uint64_t> LastSegmentNotNeeded(
    FileSystem& fs, absl::string_view directory, const JournalUuid& uuid,
    const std::set<uint64_t>& verified_parts) {
  absl::StatusOr<std::vector<Manifest>> manifests =
      ReadManifests(fs, directory, uuid, kManifestsAgreeing);
  if (!manifests.ok()) return manifests.status();
  absl::StatusOr<std::vector<uint64_t>> segments =
      ListSegmentIds(fs, directory);
  if (!segments.ok()) return segments.status();
  if (manifests->size() < kManifestsAgreeing || segments->empty()) return 0;
  uint64_t last = UINT64_MAX;
  for (const Manifest& manifest : *manifests) {
    last = std::min(last,
                    VerifiedUpTo(manifest, verified_parts, segments->front()));
  }
  return last;
}

absl::Status RemoveSegments(FileSystem& fs, absl::string_view directory,
                            uint64_t last_segment) {
  absl::StatusOr<std::vector<uint64_t>> ids = ListSegmentIds(fs, directory);
  if (!ids.ok()) return ids.status();
  for (const uint64_t id : *ids) {
    if (id > last_segment) break;
    absl::Status s = fs.Remove(JoinPath(directory, SegmentFileName(id)));
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status PruneSnapshots(FileSystem& fs, absl::string_view directory,
                            const JournalUuid& uuid, int manifests_kept) {
  absl::StatusOr<SnapshotFiles> files = ListSnapshotFiles(fs, directory);
  if (!files.ok()) return files.status();
  absl::StatusOr<std::vector<Manifest>> readable =
      ReadManifests(fs, directory, uuid, files->manifests.size());
  if (!readable.ok()) return readable.status();
  const size_t kept = std::max<size_t>(manifests_kept, kManifestsAgreeing);
  Lsn given_up = 0;
  if (readable->size() >= kManifestsAgreeing) {
    given_up = std::min((*readable)[0].removed_before_lsn,
                        (*readable)[1].removed_before_lsn);
  }
  std::set<uint64_t> named;
  std::set<uint64_t> stay;
  for (const Manifest& manifest : *readable) {
    if (stay.size() >= kept) break;
    if (manifest.removed_before_lsn < given_up) continue;
    stay.insert(manifest.manifest_id);
    for (const ManifestEntry& part : manifest.parts) named.insert(part.part_id);
  }
  bool removed = false;
  bool unknown = false;
  for (const uint64_t id : files->manifests) {
    // A damaged one stays for people until as many newer ones are there.
    const size_t newer = std::count_if(stay.begin(), stay.end(),
                                       [id](uint64_t s) { return s > id; });
    const bool unreadable =
        std::none_of(readable->begin(), readable->end(),
                     [id](const Manifest& m) { return m.manifest_id == id; });
    if (stay.count(id) > 0) continue;
    if (unreadable && newer < kept) {
      unknown = true;
      continue;
    }
    absl::Status s = fs.Remove(JoinPath(directory, ManifestFileName(id)));
    if (!s.ok()) return s;
    removed = true;
  }
  // A part outlives the last name of it.
  if (removed) {
    if (absl::Status s = fs.SyncDirectory(directory); !s.ok()) return s;
  }
  // One that cannot be read, perhaps only now, may name any part.
  if (stay.empty() || unknown) return absl::OkStatus();
  for (const uint64_t id : files->parts) {
    if (named.count(id) > 0) continue;
    absl::Status s = fs.Remove(JoinPath(directory, PartFileName(id)));
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status BackUpSnapshot(FileSystem& fs, absl::string_view directory,
                            absl::string_view backup, const Manifest& manifest,
                            int manifests_kept) {
  if (absl::Status s = fs.CreateDirectory(backup); !s.ok()) return s;
  std::vector<std::string> names;
  for (const ManifestEntry& part : manifest.parts) {
    names.push_back(PartFileName(part.part_id));
  }
  names.push_back(ManifestFileName(manifest.manifest_id));
  for (const std::string& name : names) {
    const std::string to = JoinPath(backup, name);
    absl::StatusOr<bool> there = fs.Exists(to);
    if (!there.ok()) return there.status();
    if (*there) continue;
    if (absl::Status s = CopyFile(fs, JoinPath(directory, name), to); !s.ok()) {
      return s;
    }
    // Each part is durable under its name before the manifest that needs it.
    if (absl::Status s = fs.SyncDirectory(backup); !s.ok()) return s;
  }
  return PruneSnapshots(fs, backup, manifest.uuid, manifests_kept);
}

}  // namespace journal
