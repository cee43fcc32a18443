#include "journal/snapshot_keeper.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/file_copy.h"
#include "journal/part_footer.h"
#include "journal/part_reader.h"
#include "journal/recovery_report.h"
#include "journal/segment_list.h"
#include "journal/snapshot_choice.h"

namespace journal {
namespace {

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
    absl::StatusOr<Manifest> manifest =
        ReadManifest(fs, directory, *id, /*from_disk=*/true);
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

// One that does not come back from the disk as it was read is no copy.
absl::Status CopyFile(FileSystem& fs, absl::string_view from,
                      absl::string_view to, const std::atomic<bool>* stop) {
  absl::StatusOr<std::unique_ptr<File>> source = fs.Open(from, OpenMode::kRead);
  if (!source.ok()) return source.status();
  absl::StatusOr<uint64_t> size = (*source)->Size();
  if (!size.ok()) return size.status();
  const std::string temporary = absl::StrCat(to, kNewSuffix);
  absl::StatusOr<std::unique_ptr<File>> target =
      fs.Open(temporary, OpenMode::kCreate);
  if (!target.ok()) return target.status();
  absl::Status status = CopyRange(**source, 0, *size, **target, stop);
  if (status.ok()) status = (*target)->DropCache();
  if (status.ok()) {
    const absl::StatusOr<bool> same =
        SameBytes(**source, 0, *size, **target, stop);
    status = same.status();
    if (same.ok() && !*same) {
      status = MakeError(
          ErrorKind::kDamage,
          absl::StrCat(to, ": the disk does not return what was written"));
    }
  }
  if (status.ok()) status = fs.Rename(temporary, to);
  if (!status.ok()) fs.Remove(temporary).IgnoreError();
  return status;
}

absl::StatusOr<bool> IsCopy(FileSystem& fs, absl::string_view from,
                            absl::string_view to,
                            const std::atomic<bool>* stop) {
  absl::StatusOr<std::unique_ptr<File>> copy = fs.Open(to, OpenMode::kRead);
  if (KindOf(copy.status()) == ErrorKind::kNotFound) return false;
  if (!copy.ok()) return copy.status();
  absl::StatusOr<std::unique_ptr<File>> source = fs.Open(from, OpenMode::kRead);
  if (!source.ok()) return source.status();
  absl::StatusOr<uint64_t> size = (*source)->Size();
  if (!size.ok()) return size.status();
  return SameBytes(**source, 0, *size, **copy, stop);
}

bool IsPartOf(const PartReader& part, const ManifestEntry& entry) {
  return part.footer().checksum == entry.footer_checksum &&
         part.file_bytes() == entry.file_bytes;
}

// Whether the backup has this very part. An older one of that number, or a
// damaged one, is not it; another journal's is an error.
absl::StatusOr<bool> IsBackedUp(FileSystem& fs, absl::string_view backup,
                                const JournalUuid& uuid,
                                const ManifestEntry& entry) {
  Finding found;
  absl::StatusOr<std::unique_ptr<PartReader>> part =
      PartReader::Open(fs, backup, uuid, entry.part_id, nullptr, &found);
  if (part.ok()) return IsPartOf(**part, entry);
  switch (KindOf(part.status())) {
    case ErrorKind::kNotFound:
      return false;
    case ErrorKind::kDamage:
      if (found.kind != FindingKind::kSegmentChain) return false;
      return MakeError(ErrorKind::kInvalidArgument, part.status().message());
    default:
      return part.status();
  }
}

// A damaged part is no backup.
absl::Status CheckSource(FileSystem& fs, absl::string_view directory,
                         const JournalUuid& uuid, const ManifestEntry& entry,
                         const std::atomic<bool>* stop) {
  absl::StatusOr<std::unique_ptr<PartReader>> part =
      PartReader::Open(fs, directory, uuid, entry.part_id, nullptr);
  if (!part.ok()) return part.status();
  absl::StatusOr<bool> whole = (*part)->Verify(
      /*decode=*/false, [](const Finding&) {},
      [stop](uint64_t) { return stop == nullptr || !*stop; });
  if (!whole.ok()) return whole.status();
  if (*whole && IsPartOf(**part, entry)) return absl::OkStatus();
  return MakeError(
      ErrorKind::kDamage,
      absl::StrCat(PartFileName(entry.part_id), ": damaged, and not copied"));
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

absl::Status CheckBackupDirectory(FileSystem& fs, absl::string_view backup,
                                  const absl::optional<JournalUuid>& uuid) {
  absl::StatusOr<SnapshotFiles> files = ListSnapshotFiles(fs, backup);
  if (KindOf(files.status()) == ErrorKind::kNotFound) return absl::OkStatus();
  if (!files.ok()) return files.status();
  for (const uint64_t id : files->manifests) {
    const absl::StatusOr<Manifest> manifest = ReadManifest(fs, backup, id);
    if (!manifest.ok() || (uuid.has_value() && manifest->uuid == *uuid)) {
      continue;
    }
    return MakeError(
        ErrorKind::kInvalidArgument,
        absl::StrCat(backup, ": this backup directory holds snapshots of ",
                     "another journal, ", UuidHex(manifest->uuid),
                     "; each journal needs one of its own"));
  }
  return absl::OkStatus();
}

absl::Status BackUpSnapshot(FileSystem& fs, absl::string_view directory,
                            absl::string_view backup, const Manifest& manifest,
                            int manifests_kept, const std::atomic<bool>* stop) {
  if (absl::Status s = fs.CreateDirectory(backup); !s.ok()) return s;
  absl::Status own = CheckBackupDirectory(fs, backup, manifest.uuid);
  if (!own.ok()) return own;
  absl::StatusOr<SnapshotFiles> files = ListSnapshotFiles(fs, backup);
  if (!files.ok()) return files.status();
  // Perhaps only just made.
  if (files->manifests.empty()) {
    absl::Status s = fs.SyncDirectory(ParentDirectory(backup));
    if (!s.ok()) return s;
  }
  const auto copy = [&](const std::string& name) {
    absl::Status s =
        CopyFile(fs, JoinPath(directory, name), JoinPath(backup, name), stop);
    // Each part is durable under its name before the manifest that needs it.
    return s.ok() ? fs.SyncDirectory(backup) : s;
  };
  for (const ManifestEntry& entry : manifest.parts) {
    absl::StatusOr<bool> there = IsBackedUp(fs, backup, manifest.uuid, entry);
    if (!there.ok()) return there.status();
    if (*there) continue;
    absl::Status s = CheckSource(fs, directory, manifest.uuid, entry, stop);
    if (s.ok()) s = copy(PartFileName(entry.part_id));
    if (!s.ok()) return s;
  }
  const std::string name = ManifestFileName(manifest.manifest_id);
  absl::StatusOr<bool> there =
      IsCopy(fs, JoinPath(directory, name), JoinPath(backup, name), stop);
  if (!there.ok()) return there.status();
  if (!*there) {
    if (absl::Status s = copy(name); !s.ok()) return s;
  }
  return PruneSnapshots(fs, backup, manifest.uuid, manifests_kept);
}

}  // namespace journal
