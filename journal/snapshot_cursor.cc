#include "journal/snapshot_cursor.h"

#include <algorithm>
#include <utility>

#include "journal/error.h"
#include "journal/snapshot_choice.h"

namespace journal {
namespace {

constexpr Position kSnapshotBit = Position{1} << 63;

}  // namespace

Position MakeSnapshotPosition(Lsn lsn) { return kSnapshotBit | lsn; }
bool IsSnapshotPosition(Position position) {
  return (position & kSnapshotBit) != 0;
}
Lsn SnapshotPositionLsn(Position position) { return position & ~kSnapshotBit; }

absl::StatusOr<Manifest> NewestManifest(FileSystem& fs,
                                        absl::string_view directory) {
  absl::StatusOr<SnapshotFiles> files = ListSnapshotFiles(fs, directory);
  if (!files.ok()) return files.status();
  absl::Status failure =
      MakeError(ErrorKind::kNotFound, "there is no snapshot");
  for (auto id = files->manifests.rbegin(); id != files->manifests.rend();
       ++id) {
    absl::StatusOr<Manifest> manifest = ReadManifest(fs, directory, *id);
    if (manifest.ok()) return manifest;
    if (KindOf(failure) == ErrorKind::kNotFound) failure = manifest.status();
  }
  return failure;
}

SnapshotCursor::SnapshotCursor(FileSystem& fs, absl::string_view directory,
                               Manifest manifest, const Cipher* cipher)
    : fs_(fs),
      directory_(directory),
      cipher_(cipher),
      manifest_(std::move(manifest)) {}

void SnapshotCursor::Seek(Lsn lsn) {
  next_lsn_ = lsn;
  const auto at =
      std::lower_bound(manifest_.parts.begin(), manifest_.parts.end(), lsn,
                       [](const ManifestEntry& entry, Lsn wanted) {
                         return entry.last_lsn < wanted;
                       });
  part_ = at - manifest_.parts.begin();
  const bool same_part = reader_ != nullptr && at != manifest_.parts.end() &&
                         reader_->footer().part_id == at->part_id;
  if (!same_part) {
    reader_.reset();
  } else {
    reader_->Seek(lsn);
  }
}

PartStep SnapshotCursor::Next(Record* record) {
  for (;;) {
    if (part_ >= manifest_.parts.size()) return PartStep::kEnd;
    if (reader_ == nullptr && !OpenPart()) return PartStep::kBad;
    const PartStep step = reader_->Next(record);
    if (step == PartStep::kRecord) {
      next_lsn_ = record->lsn + 1;
      record->position = MakeSnapshotPosition(record->lsn);
      return step;
    }
    if (step == PartStep::kBad) {
      finding_ = reader_->finding();
      return step;
    }
    next_lsn_ = manifest_.parts[part_].last_lsn + 1;
    reader_.reset();
    ++part_;
  }
}

// False: finding_ says why, and the part is passed over.
bool SnapshotCursor::OpenPart() {
  for (;;) {
    const ManifestEntry entry = manifest_.parts[part_];
    absl::StatusOr<std::unique_ptr<PartReader>> part = PartReader::Open(
        fs_, directory_, manifest_.uuid, entry.part_id, cipher_, &finding_);
    if (part.ok()) {
      reader_ = *std::move(part);
      reader_->Seek(next_lsn_);
      return true;
    }
    if (KindOf(part.status()) == ErrorKind::kNotFound && TakeNewer()) continue;
    finding_.file = PartFileName(entry.part_id);
    finding_.first_lsn = std::max(next_lsn_, entry.first_lsn);
    finding_.last_lsn = entry.last_lsn;
    finding_.detail = std::string(part.status().message());
    next_lsn_ = entry.last_lsn + 1;
    ++part_;
    return false;
  }
}

// A part that is gone was replaced: a newer manifest names another.
bool SnapshotCursor::TakeNewer() {
  absl::StatusOr<Manifest> newest = NewestManifest(fs_, directory_);
  if (!newest.ok() || newest->uuid != manifest_.uuid ||
      newest->manifest_id <= manifest_.manifest_id) {
    return false;
  }
  manifest_ = *std::move(newest);
  Seek(next_lsn_);
  return part_ < manifest_.parts.size();
}

}  // namespace journal
