// What a walk over all of a journal begins with: its files, the snapshot it
// stands on, and the segments that this covers.

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/examiner.h"
#include "journal/sealed_segment.h"
#include "journal/snapshot_cursor.h"

namespace journal {
namespace {

// How often the files are listed anew because a living writer replaces them.
constexpr int kLoadsMax = 8;

}  // namespace

bool Examiner::KeepGoing(uint64_t bytes) const {
  return options_.keep_going == nullptr || options_.keep_going(bytes);
}

// Beside a living writer a snapshot may replace what was just listed: then the
// directory is another one by now.
absl::Status Examiner::Load(bool full) {
  for (int i = 1;; ++i) {
    if (absl::Status s = LoadOnce(full); !s.ok()) return s;
    if (report_.findings.empty() && !base_.outdated) return absl::OkStatus();
    if (i == kLoadsMax) break;
    absl::StatusOr<SnapshotFiles> files = ListSnapshotFiles(fs_, directory_);
    absl::StatusOr<std::vector<uint64_t>> ids = ListSegmentIds(fs_, directory_);
    if (!files.ok()) return files.status();
    if (!ids.ok()) return ids.status();
    std::vector<uint64_t> listed;
    for (const ListedSegment& segment : list_.segments) {
      listed.push_back(segment.id);
    }
    const bool same =
        files->manifests == base_.manifests_seen && *ids == listed;
    if (same && !base_.outdated) return absl::OkStatus();
  }
  // What is left is what is wrong with files that are still there.
  if (!base_.outdated) return absl::OkStatus();
  return MakeError(ErrorKind::kBusy,
                   absl::StrCat(directory_,
                                ": snapshots take each other's place faster "
                                "than they can be read"));
}

absl::Status Examiner::LoadOnce(bool full) {
  report_ = RecoveryReport();
  report_.mode = options_.mode;
  report_.full = full;
  end_ = JournalEnd();
  cursor_ = Cursor();
  start_offset_ = kFirstFrameOffset;
  absl::StatusOr<SegmentList> list = ListSegments(fs_, directory_);
  if (!list.ok()) return list.status();
  list_ = *std::move(list);
  if (absl::Status s = CheckKeyGiven(); !s.ok()) return s;
  end_.key_id = list_.key_id;
  report_.key_id = KeyIdHex(list_.key_id);
  absl::StatusOr<SnapshotChoice> base = ChooseSnapshot(
      fs_, directory_, list_, full, options_.keep_going, &part_checks_);
  if (!base.ok()) return base.status();
  base_ = *std::move(base);
  if (list_.segments.empty() && !base_.has_snapshot) {
    return MakeError(ErrorKind::kNotFound,
                     absl::StrCat(directory_, ": no journal here"));
  }
  const Manifest& manifest = base_.manifest;
  end_.uuid = manifest.uuid;
  DescribeBase();
  report_.journal_uuid = UuidHex(end_.uuid);
  const auto covered = [&manifest](absl::string_view file) {
    const absl::optional<uint64_t> id = ParseSegmentFileName(file);
    return id.has_value() && *id <= manifest.last_segment;
  };
  for (Finding& finding : list_.findings) {
    if (covered(finding.file) && finding.kind != FindingKind::kNewerFormat) {
      finding.kind = FindingKind::kSecondCopy;
    }
  }
  const auto needed = std::find_if(
      list_.segments.begin(), list_.segments.end(),
      [&](const ListedSegment& segment) { return !covered(segment.name); });
  FindGaps(needed - list_.segments.begin(), &list_);
  Take(&base_.findings);
  Take(&list_.findings);
  return absl::OkStatus();
}

void Examiner::DescribeBase() {
  const Manifest& manifest = base_.manifest;
  if (base_.has_snapshot) {
    end_.snapshot = manifest;
    report_.snapshot_file = ManifestFileName(manifest.manifest_id);
    report_.snapshot_lsn = manifest.last_lsn;
    report_.snapshot_parts = manifest.parts.size();
  }
  end_.snapshot.last_segment = manifest.last_segment;
  end_.snapshot.removed_before_lsn = manifest.removed_before_lsn;
  report_.removed_before_lsn = manifest.removed_before_lsn;
}

absl::Status Examiner::StartFromBase() {
  if (options_.folder != nullptr) options_.folder->Reset();
  SetCoveredAside();
  CheckCovered();
  EmitSnapshot(1);
  if (base_.has_snapshot && !base_.whole) StopBefore(0);
  return KeepGoing(0) ? absl::OkStatus()
                      : absl::CancelledError("the examination was stopped");
}

void Examiner::SetCoveredAside() {
  while (!list_.segments.empty() &&
         list_.segments.front().id <= base_.manifest.last_segment) {
    covered_.push_back(std::move(list_.segments.front()));
    list_.segments.pop_front();
  }
}

// Second copies of what the snapshot holds: each is checked by itself.
void Examiner::CheckCovered() {
  for (size_t i = 0; i < covered_.size() && KeepGoing(0); ++i) {
    const ListedSegment& segment = covered_[i];
    const bool last = i + 1 == covered_.size();
    const bool known =
        last ? segment.id == base_.manifest.last_segment
             : covered_[i + 1].usable && covered_[i + 1].id == segment.id + 1;
    const Lsn last_lsn = !known ? 0
                         : last ? base_.manifest.last_lsn
                                : covered_[i + 1].header.first_lsn - 1;
    if (segment.usable) CheckCoveredSegment(segment, last_lsn);
  }
}

// `last_lsn` is 0 when what follows does not say it.
void Examiner::CheckCoveredSegment(const ListedSegment& segment, Lsn last_lsn) {
  const auto bad = [&](uint64_t offset, Lsn lsn, absl::string_view what) {
    Add(FindingKind::kSecondCopy, segment.name, offset, 0, lsn, lsn,
        absl::StrCat(what, "; the snapshot holds its records"));
  };
  absl::StatusOr<SealedSegment> read = ReadSealedSegment(
      fs_, directory_, segment, last_lsn, bad, options_.keep_going);
  if (read.ok()) {
    read->info.covered = true;
    report_.segments.push_back(std::move(read->info));
    return;
  }
  // Removed since, as it may be.
  if (KindOf(read.status()) == ErrorKind::kNotFound) return;
  if (absl::IsCancelled(read.status())) return;
  bad(0, segment.header.first_lsn, read.status().message());
}

// Beside a living writer a segment may be gone since it was listed, because a
// snapshot has taken its place: the walk goes on through that. False if none
// has.
bool Examiner::GoOnInSnapshot(uint64_t segment_id) {
  absl::StatusOr<Manifest> newest = NewestManifest(fs_, directory_);
  if (stopped_ || !newest.ok() || newest->uuid != end_.uuid ||
      newest->last_segment < segment_id ||
      newest->last_segment <= replaced_up_to_) {
    return false;
  }
  base_.manifest = *std::move(newest);
  base_.has_snapshot = true;
  DescribeBase();
  EmitSnapshot(expected_lsn_);
  const Manifest& manifest = base_.manifest;
  cursor_ = Cursor();
  cursor_.last_lsn = manifest.last_lsn;
  cursor_.end_offset = manifest.seal_end;
  cursor_.chain = manifest.chain_end;
  cursor_.records = manifest.records_after;
  settled_ = cursor_;
  expected_lsn_ = manifest.last_lsn + 1;
  previous_id_ = manifest.last_segment;
  replaced_up_to_ = manifest.last_segment;
  if (list_.segments.back().id <= manifest.last_segment) {
    ListOneMore(fs_, directory_, manifest.last_segment + 1, &list_);
    Take(&list_.findings);
    last_has_no_frames_.reset();
  }
  return true;
}

void Examiner::EmitSnapshot(Lsn from) {
  if (!base_.has_snapshot || (options_.folder == nullptr && !on_record_)) {
    return;
  }
  SnapshotCursor cursor(fs_, directory_, base_.manifest, options_.cipher);
  cursor.Seek(from);
  for (Record record; KeepGoing(0);) {
    const SnapshotStep step = cursor.Next(&record);
    if (step == SnapshotStep::kEnd) return;
    if (step == SnapshotStep::kGivenUp) continue;
    if (step == SnapshotStep::kRecord) {
      // A newer snapshot may go further; the log goes on behind this one.
      if (record.lsn > base_.manifest.last_lsn) return;
      ++report_.snapshot_records;
      Emit(record);
      continue;
    }
    const Finding& found = cursor.finding();
    const bool known = std::any_of(
        report_.findings.begin(), report_.findings.end(),
        [&found](const Finding& each) {
          return each.file == found.file && each.offset == found.offset &&
                 each.kind > FindingKind::kSecondCopy;
        });
    if (!known) {
      Add(found.kind, found.file, found.offset, found.bytes, found.first_lsn,
          found.last_lsn, found.detail);
    }
    StopBefore(0);
  }
}

}  // namespace journal
