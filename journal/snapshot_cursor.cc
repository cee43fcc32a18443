#include "journal/snapshot_cursor.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/format.h"
#include "journal/segment_header.h"
#include "journal/segment_list.h"
#include "journal/snapshot_choice.h"

namespace journal {
namespace {

constexpr Position kSnapshotBit = Position{1} << 63;

// How often a directory is listed that changes before it is read.
constexpr int kListingsMax = 16;

bool SameEncryption(uint32_t features, uint32_t other_features) {
  return ((features ^ other_features) & kFeatureEncryption) == 0;
}

// Whether it is of the journal of the newest segment that has a good head.
absl::Status CheckBelongs(FileSystem& fs, absl::string_view directory,
                          const Manifest& manifest) {
  absl::StatusOr<std::vector<uint64_t>> ids = ListSegmentIds(fs, directory);
  if (!ids.ok()) return ids.status();
  for (auto id = ids->rbegin(); id != ids->rend(); ++id) {
    const absl::StatusOr<OpenedSegment> segment =
        OpenSegment(fs, directory, *id);
    if (!segment.ok() || segment->state != HeaderState::kGood) continue;
    if (segment->header.uuid == manifest.uuid &&
        SameEncryption(segment->header.required_features,
                       manifest.required_features)) {
      break;
    }
    return MakeError(ErrorKind::kDamage,
                     absl::StrCat(ManifestFileName(manifest.manifest_id),
                                  " belongs to another journal, or is "
                                  "encrypted otherwise"));
  }
  return absl::OkStatus();
}

}  // namespace

Position MakeSnapshotPosition(Lsn lsn) { return kSnapshotBit | lsn; }
bool IsSnapshotPosition(Position position) {
  return (position & kSnapshotBit) != 0;
}
Lsn SnapshotPositionLsn(Position position) { return position & ~kSnapshotBit; }

absl::StatusOr<Manifest> NewestManifest(FileSystem& fs,
                                        absl::string_view directory) {
  absl::Status failure;
  for (int i = 0; i < kListingsMax; ++i) {
    absl::StatusOr<SnapshotFiles> files = ListSnapshotFiles(fs, directory);
    if (!files.ok()) return files.status();
    failure = MakeError(ErrorKind::kNotFound, "there is no snapshot");
    bool removed = false;
    for (auto id = files->manifests.rbegin();
         id != files->manifests.rend() && !removed; ++id) {
      absl::StatusOr<Manifest> manifest = ReadManifest(fs, directory, *id);
      if (manifest.ok()) {
        absl::Status belongs = CheckBelongs(fs, directory, *manifest);
        if (belongs.ok()) return manifest;
        manifest = std::move(belongs);
      }
      // A writer has made newer ones since: no older one may take their place.
      removed = KindOf(manifest.status()) == ErrorKind::kNotFound;
      if (KindOf(failure) == ErrorKind::kNotFound) failure = manifest.status();
    }
    if (!removed) return failure;
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

SnapshotStep SnapshotCursor::Next(Record* record) {
  for (;;) {
    if (part_ >= manifest_.parts.size()) return SnapshotStep::kEnd;
    if (reader_ == nullptr) {
      const SnapshotStep opened = OpenPart();
      if (opened != SnapshotStep::kRecord) return opened;
    }
    switch (reader_->Next(record)) {
      case PartStep::kRecord:
        next_lsn_ = record->lsn + 1;
        record->position = MakeSnapshotPosition(record->lsn);
        return SnapshotStep::kRecord;
      case PartStep::kBad:
        finding_ = reader_->finding();
        return SnapshotStep::kBad;
      case PartStep::kEnd:
        break;
    }
    next_lsn_ = manifest_.parts[part_].last_lsn + 1;
    reader_.reset();
    ++part_;
  }
}

SnapshotStep SnapshotCursor::OpenPart() {
  while (part_ < manifest_.parts.size()) {
    const ManifestEntry entry = manifest_.parts[part_];
    absl::StatusOr<std::unique_ptr<PartReader>> part = PartReader::Open(
        fs_, directory_, manifest_.uuid, entry.part_id, cipher_, &finding_);
    if (part.ok()) {
      const PartFooter& footer = (*part)->footer();
      if (footer.checksum == entry.footer_checksum &&
          SameEncryption(footer.required_features,
                         manifest_.required_features)) {
        reader_ = *std::move(part);
        reader_->Seek(next_lsn_);
        return SnapshotStep::kRecord;
      }
      finding_ = Finding();
      finding_.kind = FindingKind::kSegmentChain;
      part = MakeError(ErrorKind::kDamage,
                       "is not the part that its manifest names");
    }
    if (KindOf(part.status()) == ErrorKind::kNotFound && TakeNewer()) {
      const Lsn first = manifest_.begin_lsn();
      if (first <= next_lsn_) continue;
      Seek(first);
      return SnapshotStep::kGivenUp;
    }
    finding_.file = PartFileName(entry.part_id);
    finding_.first_lsn = std::max(next_lsn_, entry.first_lsn);
    finding_.last_lsn = entry.last_lsn;
    finding_.detail = std::string(part.status().message());
    next_lsn_ = entry.last_lsn + 1;
    ++part_;
    return SnapshotStep::kBad;
  }
  return SnapshotStep::kEnd;
}

// A part that is gone was replaced, or given up: a newer manifest says which.
bool SnapshotCursor::TakeNewer() {
  absl::StatusOr<Manifest> newest = NewestManifest(fs_, directory_);
  if (!newest.ok() || newest->uuid != manifest_.uuid ||
      newest->manifest_id <= manifest_.manifest_id) {
    return false;
  }
  manifest_ = *std::move(newest);
  Seek(next_lsn_);
  return true;
}

}  // namespace journal
