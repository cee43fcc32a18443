#include "journal/snapshotter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "journal/error.h"
#include "journal/segment_list.h"
#include "journal/snapshot_choice.h"
#include "journal/snapshot_keeper.h"

namespace journal {
namespace {

// One part stands for so many bytes of log, or one segment that is larger.
constexpr uint64_t kPartLogBytes = 64 << 20;

// Parts smaller than this, so many side by side, are made into one, so that
// many short sessions do not leave many files.
constexpr uint64_t kSmallPartBytes = 1 << 20;
constexpr size_t kSmallParts = 8;

bool MostlySuperseded(const ManifestEntry& part) {
  return part.records > 0 && part.superseded * 2 > part.records;
}

// How often the records of a small part may have been merged: each time it
// stands for eight times as many segments, so that none is merged often.
int Tier(const ManifestEntry& part) {
  int tier = 0;
  for (uint64_t segments = part.last_segment - part.first_segment + 1;
       segments >= kSmallParts; segments /= kSmallParts) {
    ++tier;
  }
  return tier;
}

// [begin, end) of the first parts worth rewriting; empty if there are none.
std::pair<size_t, size_t> PartsToMerge(
    const std::vector<ManifestEntry>& parts) {
  for (size_t i = 0; i < parts.size(); ++i) {
    size_t end = i;
    while (end < parts.size() && MostlySuperseded(parts[end])) ++end;
    if (end > i) return {i, end};
    while (end < parts.size() && parts[end].file_bytes < kSmallPartBytes &&
           Tier(parts[end]) == Tier(parts[i])) {
      ++end;
    }
    if (end - i >= kSmallParts) return {i, end};
  }
  return {0, 0};
}

}  // namespace

Snapshotter::Snapshotter(const Options& options, Manifest newest,
                         uint64_t sealed, uint64_t needed_from)
    : options_(options),
      builder_({.fs = options.fs,
                .clock = options.clock,
                .directory = options.directory,
                .uuid = options.uuid,
                .cipher = options.cipher,
                .compactor = options.compactor,
                .stop = &stop_,
                .zstd_level = options.policy.zstd_level}),
      snapshot_lsn_(newest.manifest_id == 0 ? 0 : newest.last_lsn),
      removed_before_lsn_(newest.removed_before_lsn),
      manifest_(std::move(newest)) {
  manifest_.uuid = options.uuid;
  agreed_before_lsn_ = manifest_.removed_before_lsn;
  // An earlier one may have been kept from removing what was given up.
  if (manifest_.manifest_id > 0 && manifest_.removed_before_lsn > 0) {
    absl::Status status = Clean(needed_from);
    if (!status.ok() && options_.on_error) options_.on_error(status);
    removal_failed_ = !status.ok();
  }
  absl::MutexLock lock(&mutex_);
  remove_again_ = removal_failed_;
  covered_ = manifest_.last_segment;
  wanted_.sealed = sealed;
  wanted_.needed_from = needed_from;
}

void Snapshotter::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
    // Nobody waits for what will not be done.
    finished_ = UINT64_MAX;
    failure_ = MakeError(ErrorKind::kClosed, "the journal is closed");
  }
  if (thread_.joinable()) thread_.join();
}

// ---------------------------------------------------------------------------
// Callers

void Snapshotter::NoteSealed(uint64_t segment_id, uint64_t log_bytes,
                             uint64_t needed_from) {
  absl::MutexLock lock(&mutex_);
  wanted_.sealed = segment_id;
  sealed_bytes_ += log_bytes;
  wanted_.needed_from = needed_from;
  if (options_.policy.log_bytes > 0 && !log_damaged_ &&
      sealed_bytes_ >= options_.policy.log_bytes) {
    wanted_.cover = segment_id;
    StartThread();
  }
  if (remove_again_) {
    remove_again_ = false;
    ++wanted_.ticket;  // Nobody waits for it.
    StartThread();
  }
}

absl::Status Snapshotter::Cover(uint64_t segment_id) {
  return Submit(segment_id, 0);
}

absl::Status Snapshotter::RemoveBefore(Lsn lsn) { return Submit(0, lsn); }

absl::Status Snapshotter::Submit(uint64_t cover, Lsn remove_before) {
  absl::MutexLock lock(&mutex_);
  wanted_.cover = std::max(wanted_.cover, cover);
  wanted_.remove_before = std::max(wanted_.remove_before, remove_before);
  const uint64_t ticket = ++wanted_.ticket;
  StartThread();
  const auto done = [this, ticket]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return finished_ >= ticket;
  };
  mutex_.Await(absl::Condition(&done));
  const bool satisfied =
      covered_ >= cover && removed_before_lsn_ >= remove_before;
  return satisfied ? absl::OkStatus() : failure_;
}

void Snapshotter::StartThread() {
  if (started_ || stop_) return;
  started_ = true;
  thread_ = std::thread([this] { Run(); });
}

// ---------------------------------------------------------------------------
// The thread

bool Snapshotter::HasWork() const {
  return wanted_.cover > covered_ || wanted_.remove_before > 0 ||
         wanted_.ticket > finished_;
}

void Snapshotter::Run() {
  for (;;) {
    Work work;
    {
      absl::MutexLock lock(&mutex_);
      const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return stop_ || HasWork();
      };
      mutex_.Await(absl::Condition(&ready));
      if (stop_) return;
      work = wanted_;
      wanted_.remove_before = 0;
      if (work.cover > covered_) sealed_bytes_ = 0;
    }
    Finish(work, Do(work));
  }
}

void Snapshotter::Finish(const Work& work, const absl::Status& status) {
  const bool report = !status.ok() && !absl::IsCancelled(status);
  {
    absl::MutexLock lock(&mutex_);
    covered_ = manifest_.last_segment;
    remove_again_ = removal_failed_;
    // A failure is not tried again at once, but with the next segment; what
    // was asked for meanwhile is.
    if (!status.ok() && wanted_.cover == work.cover) wanted_.cover = 0;
    log_damaged_ =
        KindOf(status) == ErrorKind::kDamage && covered_ < work.cover;
    if (!status.ok() && !stop_) failure_ = status;
    finished_ = std::max(finished_, work.ticket);
  }
  if (report && options_.on_error) options_.on_error(status);
}

absl::Status Snapshotter::Do(const Work& work) {
  if (next_part_id_ == 0) {
    if (absl::Status s = Number(); !s.ok()) return s;
  }
  // Or what only one manifest came to say.
  const Lsn give_up =
      std::max(work.remove_before, manifest_.removed_before_lsn);
  if (give_up > agreed_before_lsn_) {
    removal_failed_ = true;
    if (absl::Status s = GiveUpBefore(give_up, work.sealed); !s.ok()) return s;
  }
  const bool grows = work.cover > manifest_.last_segment;
  if (grows) {
    if (absl::Status s = CoverUpTo(work.cover); !s.ok()) return s;
  }
  // First: what is damaged cannot be merged.
  if (absl::Status s = VerifyInherited(); !s.ok()) return s;
  if (grows) {
    if (absl::Status s = Merge(); !s.ok()) return s;
  }
  absl::Status cleaned = Clean(work.needed_from);
  removal_failed_ = !cleaned.ok();
  if (!cleaned.ok()) return cleaned;
  if (!options_.policy.backup_directory.empty() && manifest_.manifest_id > 0) {
    absl::Status s = BackUpSnapshot(*options_.fs, options_.directory,
                                    options_.policy.backup_directory, manifest_,
                                    options_.policy.manifests_kept, &stop_);
    if (absl::IsCancelled(s)) return s;
    if (!s.ok()) return WithContext(s, "backup");
  }
  return ScrubOne();
}

// New files get numbers that no old one has, whatever state that is in, or
// ever had: with each part a manifest is numbered, and the newest manifest
// stays when all parts are given up. Nor one in the backup directory, where
// older ones may outlive those here.
absl::Status Snapshotter::Number() {
  absl::StatusOr<SnapshotFiles> files =
      ListSnapshotFiles(*options_.fs, options_.directory);
  if (!files.ok()) return files.status();
  next_manifest_id_ =
      files->manifests.empty() ? 1 : files->manifests.back() + 1;
  next_part_id_ = next_manifest_id_;
  if (!files->parts.empty()) {
    next_part_id_ = std::max(next_part_id_, files->parts.back() + 1);
  }
  for (const ManifestEntry& part : manifest_.parts) {
    next_part_id_ = std::max(next_part_id_, part.part_id + 1);
  }
  if (options_.policy.backup_directory.empty()) return absl::OkStatus();
  files = ListSnapshotFiles(*options_.fs, options_.policy.backup_directory);
  // One that cannot be listed may not be there yet.
  if (!files.ok()) return absl::OkStatus();
  if (!files->manifests.empty()) {
    next_manifest_id_ =
        std::max(next_manifest_id_, files->manifests.back() + 1);
  }
  if (!files->parts.empty()) {
    next_part_id_ = std::max(next_part_id_, files->parts.back() + 1);
  }
  next_part_id_ = std::max(next_part_id_, next_manifest_id_);
  return absl::OkStatus();
}

absl::Status Snapshotter::CoverUpTo(uint64_t segment_id) {
  while (manifest_.last_segment < segment_id) {
    const uint64_t first = manifest_.last_segment + 1;
    absl::StatusOr<uint64_t> last = LastOfPart(first, segment_id);
    if (!last.ok()) return last.status();
    absl::StatusOr<PartSpan> span = builder_.SpanOf(first, *last);
    if (!span.ok()) return span.status();
    absl::StatusOr<ManifestEntry> entry =
        builder_.CompactSegments(next_part_id_, first, *last);
    if (!entry.ok()) return entry.status();
    ++next_part_id_;
    verified_.insert(entry->part_id);
    Manifest manifest = manifest_;
    manifest.last_segment = *last;
    manifest.last_lsn = span->last_lsn;
    manifest.chain_end = span->chain_end;
    manifest.records_after = span->records_after;
    manifest.seal_end = span->seal_end;
    manifest.parts.push_back(*entry);
    if (absl::Status s = Publish(std::move(manifest)); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Snapshotter::LastOfPart(uint64_t first,
                                                 uint64_t limit) {
  uint64_t bytes = 0;
  for (uint64_t id = first; id <= limit; ++id) {
    absl::StatusOr<OpenedSegment> segment =
        OpenSegment(*options_.fs, options_.directory, id);
    if (!segment.ok()) return segment.status();
    bytes += segment->file_bytes;
    if (bytes >= kPartLogBytes) return id;
  }
  return limit;
}

absl::Status Snapshotter::Publish(Manifest manifest) {
  manifest.manifest_id = next_manifest_id_;
  manifest.required_features =
      options_.cipher != nullptr ? kFeatureEncryption : 0;
  manifest.created_unix_ns = absl::ToUnixNanos(options_.clock->Now());
  absl::Status status =
      PublishManifest(*options_.fs, options_.directory, manifest);
  // Its number is used up, whatever is there now.
  ++next_manifest_id_;
  if (!status.ok()) {
    Abandon(manifest);
    return status;
  }
  agreed_before_lsn_ = manifest_.removed_before_lsn;
  manifest_ = std::move(manifest);
  snapshot_lsn_ = manifest_.last_lsn;
  removed_before_lsn_ = manifest_.removed_before_lsn;
  if (options_.on_snapshot) options_.on_snapshot(manifest_);
  return absl::OkStatus();
}

// A part that its manifest does not come to name would only take space.
void Snapshotter::Abandon(const Manifest& manifest) {
  const std::string& directory = options_.directory;
  const absl::StatusOr<bool> named = options_.fs->Exists(
      JoinPath(directory, ManifestFileName(manifest.manifest_id)));
  if (!named.ok() || *named) return;
  for (const ManifestEntry& part : manifest.parts) {
    const bool old = std::any_of(manifest_.parts.begin(), manifest_.parts.end(),
                                 [&part](const ManifestEntry& each) {
                                   return each.part_id == part.part_id;
                                 });
    if (old) continue;
    options_.fs->Remove(JoinPath(directory, PartFileName(part.part_id)))
        .IgnoreError();
  }
}

absl::Status Snapshotter::Merge() {
  const auto [begin, end] = PartsToMerge(manifest_.parts);
  if (begin == end) return absl::OkStatus();
  absl::StatusOr<ManifestEntry> merged = builder_.RewriteParts(
      next_part_id_,
      absl::MakeConstSpan(manifest_.parts).subspan(begin, end - begin),
      manifest_.last_lsn);
  if (!merged.ok()) return merged.status();
  ++next_part_id_;
  verified_.insert(merged->part_id);
  Manifest manifest = manifest_;
  const auto at = manifest.parts.begin() + begin;
  *at = *merged;
  manifest.parts.erase(at + 1, manifest.parts.begin() + end);
  return Publish(std::move(manifest));
}

// What is given up is given up whole files at a time.
absl::Status Snapshotter::GiveUpBefore(Lsn lsn, uint64_t sealed) {
  Manifest manifest = manifest_;
  manifest.removed_before_lsn = lsn;
  const auto kept = std::find_if(
      manifest.parts.begin(), manifest.parts.end(),
      [lsn](const ManifestEntry& part) { return part.last_lsn >= lsn; });
  manifest.parts.erase(manifest.parts.begin(), kept);
  // The log, too, once no part stands before it.
  while (manifest.parts.empty() && manifest.last_segment < sealed) {
    absl::StatusOr<OpenedSegment> next = OpenSegment(
        *options_.fs, options_.directory, manifest.last_segment + 2);
    if (KindOf(next.status()) == ErrorKind::kNotFound) break;
    if (!next.ok()) return next.status();
    const SegmentHeader& header = next->header;
    if (next->state != HeaderState::kGood || header.uuid != options_.uuid ||
        header.first_lsn > lsn) {
      break;
    }
    ++manifest.last_segment;
    manifest.last_lsn = header.first_lsn - 1;
    manifest.chain_end = header.chain_start;
    manifest.records_after = header.records_before;
    manifest.seal_end = header.predecessor_bytes;
  }
  // Twice, or once more: nothing is removed that only one manifest says may go.
  while (agreed_before_lsn_ < lsn) {
    if (absl::Status s = Publish(manifest); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status Snapshotter::Clean(uint64_t needed_from) {
  FileSystem& fs = *options_.fs;
  absl::Status pruned = PruneSnapshots(fs, options_.directory, options_.uuid,
                                       options_.policy.manifests_kept);
  if (!pruned.ok()) return pruned;
  absl::StatusOr<uint64_t> last =
      LastSegmentNotNeeded(fs, options_.directory, options_.uuid, verified_);
  if (!last.ok()) return last.status();
  if (needed_from > 0) *last = std::min(*last, needed_from - 1);
  return RemoveSegments(fs, options_.directory, *last);
}

// Parts of an earlier life whose segments are still here: before those go, what
// replaces them is read back once more. So is a part that has vanished since.
absl::Status Snapshotter::VerifyInherited() {
  absl::StatusOr<std::vector<uint64_t>> segments =
      ListSegmentIds(*options_.fs, options_.directory);
  if (!segments.ok()) return segments.status();
  if (segments->empty()) return absl::OkStatus();
  absl::StatusOr<SnapshotFiles> files =
      ListSnapshotFiles(*options_.fs, options_.directory);
  if (!files.ok()) return files.status();
  const std::set<uint64_t> there(files->parts.begin(), files->parts.end());
  std::erase_if(verified_, [&there](uint64_t id) { return !there.count(id); });
  for (size_t i = 0; i < manifest_.parts.size(); ++i) {
    const ManifestEntry& part = manifest_.parts[i];
    if (part.last_segment < segments->front() ||
        verified_.count(part.part_id) > 0) {
      continue;
    }
    absl::Status status = builder_.VerifyPart(part);
    if (!status.ok() && !absl::IsCancelled(status)) {
      if (options_.on_error) options_.on_error(status);
      status = MakeAnew(i);
    }
    if (!status.ok()) return status;
    verified_.insert(manifest_.parts[i].part_id);
  }
  return absl::OkStatus();
}

// A part that is damaged, or gone, is made once more from the log that it
// stands for.
absl::Status Snapshotter::MakeAnew(size_t part) {
  const ManifestEntry& old = manifest_.parts[part];
  absl::StatusOr<ManifestEntry> entry = builder_.CompactSegments(
      next_part_id_, old.first_segment, old.last_segment);
  if (!entry.ok()) return entry.status();
  ++next_part_id_;
  Manifest manifest = manifest_;
  manifest.parts[part] = *entry;
  return Publish(std::move(manifest));
}

// One older part with each snapshot: sooner or later all are read, and what is
// superseded in them is known.
absl::Status Snapshotter::ScrubOne() {
  if (manifest_.parts.empty()) return absl::OkStatus();
  scrub_next_ = (scrub_next_ + 1) % manifest_.parts.size();
  ManifestEntry& part = manifest_.parts[scrub_next_];
  absl::StatusOr<uint64_t> superseded =
      builder_.CountSuperseded(part, manifest_.last_lsn);
  if (!superseded.ok()) return superseded.status();
  part.superseded = *superseded;
  return absl::OkStatus();
}

}  // namespace journal
