#include "journal/snapshot_choice.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/part_reader.h"
#include "journal/sealed_segment.h"
#include "journal/segment_header.h"

namespace journal {
namespace {

class Chooser {
 public:
  Chooser(FileSystem& fs, absl::string_view directory, const SegmentList& list,
          bool full, const std::function<bool(uint64_t)>& keep_going,
          PartChecks& checks)
      : fs_(fs),
        directory_(directory),
        list_(list),
        full_(full),
        keep_going_(keep_going),
        checks_(checks) {}

  absl::StatusOr<SnapshotChoice> Run();

 private:
  struct Candidate {
    Manifest manifest;
    bool has_snapshot = true;
    std::vector<Finding> problems;
    // What its log holds, as far as others need it less. Whoever walks that
    // says what is wrong there.
    bool log_read = false;
    FindingKind log_gravity = FindingKind::kCleanEnd;
  };

  void AddManifests();
  bool AddRebuilt();
  void AddLogAlone();
  void CheckCandidate(Candidate& candidate);
  void CheckParts(Candidate& candidate);
  const PartCheck& Check(uint64_t part_id);
  void CheckJoins(Candidate& candidate);
  void CheckLog(Candidate& candidate);
  void DropRemoved();
  void ReadLogs();
  void ReadLog(Candidate& candidate);
  struct LogCheck {
    FindingKind kind = FindingKind::kCleanEnd;
    uint64_t chain_end = 0;
  };
  const LogCheck& CheckSegment(const ListedSegment& segment);
  void CheckAnnounced(Candidate& candidate);
  static FindingKind Gravity(const Candidate& candidate);
  Candidate* Best();
  bool ReadsAll();
  absl::StatusOr<SnapshotChoice> Choose();

  FileSystem& fs_;
  const absl::string_view directory_;
  const SegmentList& list_;
  const bool full_;
  const std::function<bool(uint64_t)>& keep_going_;

  SnapshotFiles files_;
  std::vector<Candidate> candidates_;
  std::vector<Finding> unreadable_;  // Manifests that are none.
  PartChecks& checks_;
  std::set<uint64_t> checked_now_;
  std::map<uint64_t, LogCheck> log_checks_;
  uint64_t reach_ = 0;  // The last segment that any snapshot stands for.
  bool outdated_ = false;
  absl::Status cancelled_;
};

absl::StatusOr<SnapshotChoice> Chooser::Run() {
  absl::StatusOr<SnapshotFiles> files = ListSnapshotFiles(fs_, directory_);
  if (!files.ok()) return files.status();
  files_ = *std::move(files);
  AddManifests();
  AddLogAlone();
  for (Candidate& candidate : candidates_) {
    CheckCandidate(candidate);
    // Without `full` the first that will do is enough.
    if (!full_ && candidate.problems.empty()) break;
    if (!cancelled_.ok()) return cancelled_;
  }
  DropRemoved();
  ReadLogs();
  // Only where nothing else is left: a part that no manifest names may be one
  // that a crash kept from being named.
  if (!ReadsAll() && AddRebuilt()) {
    CheckCandidate(candidates_.back());
    ReadLogs();
  }
  if (!cancelled_.ok()) return cancelled_;
  return Choose();
}

void Chooser::CheckCandidate(Candidate& candidate) {
  CheckParts(candidate);
  CheckJoins(candidate);
  CheckLog(candidate);
}

void Chooser::AddManifests() {
  for (auto id = files_.manifests.rbegin(); id != files_.manifests.rend();
       ++id) {
    absl::StatusOr<Manifest> manifest = ReadManifest(fs_, directory_, *id);
    if (KindOf(manifest.status()) == ErrorKind::kNotFound) continue;
    if (manifest.ok() && !list_.segments.empty() &&
        manifest->uuid != list_.uuid) {
      manifest = MakeError(ErrorKind::kDamage, "belongs to another journal");
    }
    if (manifest.ok()) {
      candidates_.push_back({.manifest = *std::move(manifest), .problems = {}});
    } else {
      unreadable_.push_back(
          {.kind = FindingKindOf(manifest.status()),
           .file = ManifestFileName(*id),
           .detail = std::string(manifest.status().message())});
    }
  }
}

bool Chooser::AddRebuilt() {
  std::vector<PartFooter> footers;
  std::vector<uint64_t> file_bytes;
  for (const uint64_t id : files_.parts) {
    const PartCheck& check = Check(id);
    if (!check.opened.ok() || !check.findings.empty()) continue;
    footers.push_back(check.footer);
    file_bytes.push_back(check.file_bytes);
  }
  absl::optional<Manifest> rebuilt = RebuildManifest(footers, file_bytes);
  if (!rebuilt.has_value()) return false;
  for (const ListedSegment& segment : list_.segments) {
    if (segment.usable) {
      rebuilt->removed_before_lsn = std::max(rebuilt->removed_before_lsn,
                                             segment.header.removed_before_lsn);
    }
  }
  candidates_.push_back({.manifest = *std::move(rebuilt), .problems = {}});
  return true;
}

// A journal without a snapshot begins with segment 1, or where the application
// said that it may.
void Chooser::AddLogAlone() {
  if (list_.segments.empty()) return;
  Candidate log;
  log.has_snapshot = false;
  log.manifest.uuid = list_.uuid;
  const ListedSegment& first = list_.segments.front();
  const ListedSegment& last = list_.segments.back();
  if (first.usable && last.usable && first.id > 1 &&
      first.header.first_lsn <= last.header.removed_before_lsn) {
    const SegmentHeader& header = first.header;
    log.manifest.last_segment = header.predecessor_id;
    log.manifest.last_lsn = header.first_lsn - 1;
    log.manifest.chain_end = header.chain_start;
    log.manifest.records_after = header.records_before;
    log.manifest.seal_end = header.predecessor_bytes;
    log.manifest.removed_before_lsn = last.header.removed_before_lsn;
  }
  candidates_.push_back(std::move(log));
}

// Opens and checks a part, once.
const PartCheck& Chooser::Check(uint64_t part_id) {
  PartCheck& check = checks_[part_id];
  if (!checked_now_.insert(part_id).second || check.full) return check;
  check = PartCheck();
  const JournalUuid& uuid = list_.segments.empty() && !candidates_.empty()
                                ? candidates_.front().manifest.uuid
                                : list_.uuid;
  Finding found;
  absl::StatusOr<std::unique_ptr<PartReader>> part =
      PartReader::Open(fs_, directory_, uuid, part_id, nullptr, &found);
  check.opened = part.status();
  check.kind = found.kind;
  if (!part.ok()) return check;
  check.footer = (*part)->footer();
  check.file_bytes = (*part)->file_bytes();
  if (!full_) return check;
  const auto verified = (*part)->Verify(
      /*decode=*/false,
      [&check](const Finding& finding) { check.findings.push_back(finding); },
      [this](uint64_t bytes) {
        return keep_going_ == nullptr || keep_going_(bytes);
      });
  check.full = verified.ok();
  if (!verified.ok()) cancelled_ = verified.status();
  return check;
}

void Chooser::CheckParts(Candidate& candidate) {
  for (const ManifestEntry& entry : candidate.manifest.parts) {
    const PartCheck& check = Check(entry.part_id);
    const std::string name = PartFileName(entry.part_id);
    if (!check.opened.ok()) {
      candidate.problems.push_back(
          {.kind = check.kind,
           .file = name,
           .first_lsn = entry.first_lsn,
           .last_lsn = entry.last_lsn,
           .detail = std::string(check.opened.message())});
      continue;
    }
    candidate.problems.insert(candidate.problems.end(), check.findings.begin(),
                              check.findings.end());
    ManifestEntry there = EntryOf(check.footer, check.file_bytes);
    there.superseded = entry.superseded;
    const bool same_key =
        list_.segments.empty() || check.footer.key_id == list_.key_id;
    if (same_key && there == entry) continue;
    candidate.problems.push_back(
        {.kind = FindingKind::kSegmentChain,
         .file = name,
         .first_lsn = entry.first_lsn,
         .last_lsn = entry.last_lsn,
         .detail = same_key
                       ? "is not the part that its manifest names"
                       : "is encrypted with another key than the log, or not "
                         "at all"});
  }
}

// Parts fit together, and to the beginning, as segments do.
void Chooser::CheckJoins(Candidate& candidate) {
  const Manifest& manifest = candidate.manifest;
  if (!candidate.has_snapshot || !candidate.problems.empty()) return;
  PartSpan before;
  before.chain_end = FirstChain(manifest.uuid);
  for (size_t i = 0; i < manifest.parts.size(); ++i) {
    const ManifestEntry& entry = manifest.parts[i];
    const PartSpan& span = Check(entry.part_id).footer.span;
    const bool fits = span.first_segment == before.last_segment + 1 &&
                      span.first_lsn == before.last_lsn + 1 &&
                      span.chain_start == before.chain_end &&
                      span.records_before == before.records_after;
    const bool given_up =
        i == 0 && span.first_lsn <= manifest.removed_before_lsn;
    if (!fits && !given_up) {
      candidate.problems.push_back(
          {.kind = FindingKind::kSegmentChain,
           .file = PartFileName(entry.part_id),
           .first_lsn = before.last_lsn + 1,
           .last_lsn = std::max(before.last_lsn + 1, span.first_lsn - 1),
           .detail = "does not continue the part before it"});
    }
    before = span;
  }
  if (!manifest.parts.empty() &&
      (before.chain_end != manifest.chain_end ||
       before.records_after != manifest.records_after ||
       before.seal_end != manifest.seal_end)) {
    candidate.problems.push_back(
        {.kind = FindingKind::kSegmentChain,
         .file = ManifestFileName(manifest.manifest_id),
         .first_lsn = manifest.last_lsn,
         .last_lsn = manifest.last_lsn,
         .detail = "disagrees with its last part about where the log goes on"});
  }
}

// The log goes on right behind it.
void Chooser::CheckLog(Candidate& candidate) {
  const Manifest& manifest = candidate.manifest;
  const uint64_t wanted = manifest.last_segment + 1;
  const auto next = std::find_if(
      list_.segments.begin(), list_.segments.end(),
      [wanted](const ListedSegment& segment) { return segment.id >= wanted; });
  if (next != list_.segments.end() && next->id == wanted) return;
  const bool nothing_next = next == list_.segments.end();
  if (nothing_next) {
    // The list may be older than the snapshot.
    const absl::StatusOr<bool> there =
        fs_.Exists(JoinPath(directory_, SegmentFileName(wanted)));
    if (there.ok() && *there) {
      outdated_ = true;
      return;
    }
  }
  // How far it went says what comes next, when that is walked.
  candidate.problems.push_back(
      {.kind = FindingKind::kSegmentChain,
       .file = SegmentFileName(wanted),
       .first_lsn = nothing_next ? manifest.last_lsn + 1 : 0,
       .detail = nothing_next || next->id == wanted + 1
                     ? "is missing"
                     : absl::StrCat("and up to ", SegmentFileName(next->id - 1),
                                    " are missing")});
}

// A writer removes a manifest before the parts that it alone names: what is
// not there any more may just have been replaced.
void Chooser::DropRemoved() {
  const size_t before = candidates_.size();
  std::erase_if(candidates_, [this](const Candidate& candidate) {
    if (!candidate.has_snapshot || candidate.problems.empty()) return false;
    const absl::StatusOr<bool> there = fs_.Exists(
        JoinPath(directory_, ManifestFileName(candidate.manifest.manifest_id)));
    return there.ok() && !*there;
  });
  outdated_ |= candidates_.size() < before &&
               std::none_of(candidates_.begin(), candidates_.end(),
                            [](const Candidate& candidate) {
                              return candidate.has_snapshot;
                            });
}

// Of what is best without, until it is best with what its log holds.
void Chooser::ReadLogs() {
  if (!full_) return;
  for (const Candidate& candidate : candidates_) {
    reach_ = std::max(reach_, candidate.manifest.last_segment);
  }
  for (const uint64_t id : files_.parts) {
    const PartCheck& check = Check(id);
    if (check.opened.ok()) {
      reach_ = std::max(reach_, check.footer.span.last_segment);
    }
  }
  for (Candidate* best = Best(); best != nullptr && !best->log_read;
       best = Best()) {
    ReadLog(*best);
  }
}

// Behind `reach_` all need the same.
void Chooser::ReadLog(Candidate& candidate) {
  const Manifest& manifest = candidate.manifest;
  uint64_t wanted = manifest.last_segment + 1;
  uint64_t chain = wanted == 1 ? FirstChain(manifest.uuid) : manifest.chain_end;
  const auto lacks = [&candidate](FindingKind kind) {
    candidate.log_gravity = std::max(candidate.log_gravity, kind);
  };
  candidate.log_read = true;
  for (const ListedSegment& segment : list_.segments) {
    if (segment.id < wanted || segment.id > reach_) continue;
    if (segment.id != wanted) break;
    ++wanted;
    if (!segment.usable) return lacks(FindingKind::kHeadersBad);
    if (segment.header.chain_start != chain) {
      return lacks(FindingKind::kSegmentChain);
    }
    const LogCheck& check = CheckSegment(segment);
    if (check.kind != FindingKind::kCleanEnd) return lacks(check.kind);
    chain = check.chain_end;
  }
  if (wanted <= reach_) lacks(FindingKind::kSegmentChain);
}

const Chooser::LogCheck& Chooser::CheckSegment(const ListedSegment& segment) {
  const auto [place, fresh] = log_checks_.try_emplace(segment.id);
  LogCheck& check = place->second;
  if (!fresh) return check;
  const absl::StatusOr<SealedSegment> read = ReadSealedSegment(
      fs_, directory_, segment, /*last_lsn=*/0,
      [&check](uint64_t, Lsn, absl::string_view) {
        check.kind = FindingKind::kAckedLoss;
      },
      keep_going_);
  if (read.ok()) {
    check.chain_end = read->chain_end;
  } else if (absl::IsCancelled(read.status())) {
    cancelled_ = read.status();
  } else {
    check.kind = FindingKindOf(read.status());
  }
  return check;
}

// The log says which snapshot there was.
void Chooser::CheckAnnounced(Candidate& candidate) {
  Lsn announced = 0;
  for (const ListedSegment& segment : list_.segments) {
    if (segment.usable) {
      announced = std::max(announced, segment.header.snapshot_lsn);
    }
  }
  if (announced <= candidate.manifest.last_lsn) return;
  // Nothing is lost as long as the log is there.
  candidate.problems.push_back(
      {.kind = FindingKind::kSecondCopy,
       .file = candidate.has_snapshot
                   ? ManifestFileName(candidate.manifest.manifest_id)
                   : "the newest manifest",
       .first_lsn = candidate.manifest.last_lsn + 1,
       .last_lsn = announced,
       .detail = absl::StrCat("a snapshot up to LSN ", announced,
                              " was published and is not here")});
}

FindingKind Chooser::Gravity(const Candidate& candidate) {
  FindingKind gravest = FindingKind::kCleanEnd;
  for (const Finding& finding : candidate.problems) {
    gravest = std::max(gravest, finding.kind);
  }
  return gravest;
}

// Nothing wrong is best, then what costs no record; of equals what is whole by
// itself, then the newest.
Chooser::Candidate* Chooser::Best() {
  const auto cost = [](const Candidate& candidate) {
    const FindingKind own = Gravity(candidate);
    return std::make_pair(std::max(own, candidate.log_gravity), own);
  };
  const auto best =
      std::min_element(candidates_.begin(), candidates_.end(),
                       [&cost](const Candidate& a, const Candidate& b) {
                         return cost(a) < cost(b);
                       });
  return best == candidates_.end() ? nullptr : &*best;
}

bool Chooser::ReadsAll() {
  const Candidate* best = Best();
  return best != nullptr && std::max(Gravity(*best), best->log_gravity) <=
                                FindingKind::kNoRecordLost;
}

absl::StatusOr<SnapshotChoice> Chooser::Choose() {
  SnapshotChoice choice;
  choice.manifests_seen = files_.manifests;
  choice.outdated = outdated_;
  Candidate* const chosen = Best();
  if (chosen == nullptr) return choice;
  choice.whole = Gravity(*chosen) <= FindingKind::kNoRecordLost;
  choice.has_snapshot = chosen->has_snapshot;
  CheckAnnounced(*chosen);
  std::set<std::pair<std::string, uint64_t>> said;
  const auto say = [&](Finding finding, bool demote) {
    // A newer version is never answered by an older copy.
    if (demote && finding.kind != FindingKind::kNewerFormat) {
      finding.kind = FindingKind::kSecondCopy;
    }
    if (said.insert({finding.file, finding.offset}).second) {
      choice.findings.push_back(std::move(finding));
    }
  };
  for (const Finding& finding : chosen->problems) say(finding, false);
  for (const Finding& finding : unreadable_) say(finding, choice.whole);
  for (const Candidate& candidate : candidates_) {
    // A log that begins late is no fault beside a snapshot, and what parts
    // make that were never named may well be nothing.
    if (&candidate == chosen || candidate.manifest.manifest_id == 0) continue;
    for (const Finding& finding : candidate.problems) {
      const bool of_the_log = ParseSegmentFileName(finding.file).has_value();
      if (!of_the_log) say(finding, choice.whole);
    }
  }
  choice.manifest = std::move(chosen->manifest);
  return choice;
}

}  // namespace

absl::StatusOr<SnapshotFiles> ListSnapshotFiles(FileSystem& fs,
                                                absl::string_view directory) {
  absl::StatusOr<std::vector<std::string>> names = fs.List(directory);
  if (!names.ok()) return names.status();
  SnapshotFiles files;
  for (const std::string& name : *names) {
    if (absl::optional<uint64_t> id = ParseManifestFileName(name)) {
      files.manifests.push_back(*id);
    } else if (absl::optional<uint64_t> id = ParsePartFileName(name)) {
      files.parts.push_back(*id);
    }
  }
  std::sort(files.manifests.begin(), files.manifests.end());
  std::sort(files.parts.begin(), files.parts.end());
  return files;
}

absl::StatusOr<SnapshotChoice> ChooseSnapshot(
    FileSystem& fs, absl::string_view directory, const SegmentList& list,
    bool full, const std::function<bool(uint64_t bytes)>& keep_going,
    PartChecks* checks) {
  return Chooser(fs, directory, list, full, keep_going, *checks).Run();
}

}  // namespace journal
