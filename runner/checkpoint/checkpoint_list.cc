#include "runner/checkpoint/checkpoint_list.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "journal/error.h"
#include "journal/recovery.h"
#include "runner/storage/journal_locator.h"
#include "runner/storage/journal_removal.h"

namespace runner {
namespace {

CheckpointEntry EntryOf(const LocatedJournal& journal) {
  CheckpointEntry entry;
  entry.directory = journal.directory;
  entry.complete = journal.condition == JournalCondition::kComplete;
  entry.status = journal.status;
  entry.completed = journal.totals.completed;
  entry.failed = journal.totals.failed;
  if (journal.info.has_value()) {
    entry.benchmark_id = journal.info->benchmark_id;
    entry.model = journal.info->model;
    entry.method = journal.info->method;
    entry.created = journal.info->created;
    entry.total = journal.info->runs * journal.rows;
  }
  return entry;
}

}  // namespace

absl::StatusOr<std::vector<CheckpointEntry>> ListCheckpoints(
    absl::string_view journal_dir, const JournalAccess& access) {
  absl::StatusOr<std::vector<LocatedJournal>> journals =
      ListJournals(access, journal_dir);
  if (!journals.ok()) return journals.status();
  std::vector<CheckpointEntry> entries;
  for (const LocatedJournal& journal : *journals) {
    if (journal.condition == JournalCondition::kUnborn) continue;
    entries.push_back(EntryOf(journal));
  }
  return entries;
}

absl::StatusOr<absl::optional<CheckpointEntry>> FindLatest(
    absl::string_view journal_dir, absl::string_view benchmark_id,
    const JournalAccess& access) {
  absl::StatusOr<std::vector<CheckpointEntry>> entries =
      ListCheckpoints(journal_dir, access);
  if (!entries.ok()) return entries.status();
  absl::optional<CheckpointEntry> latest;
  for (CheckpointEntry& entry : *entries) {
    if (!benchmark_id.empty() && entry.benchmark_id != benchmark_id) continue;
    latest = std::move(entry);
    break;
  }
  return latest;
}

absl::Status Validate(absl::string_view directory,
                      const JournalAccess& access) {
  journal::ExamineOptions options;
  options.cipher = access.cipher;
  options.file_system = access.file_system;
  const absl::StatusOr<journal::RecoveryReport> report =
      journal::Examine(directory, options);
  if (!report.ok()) return report.status();
  const absl::Status status = journal::StatusOf(*report);
  const bool torn = report->outcome == journal::FindingKind::kTornTail;
  return torn ? absl::OkStatus() : status;
}

absl::StatusOr<std::vector<std::string>> Cleanup(absl::string_view journal_dir,
                                                 size_t keep,
                                                 const CleanupOptions& options,
                                                 const JournalAccess& access) {
  absl::StatusOr<std::vector<CheckpointEntry>> entries =
      ListCheckpoints(journal_dir, access);
  if (!entries.ok()) return entries.status();
  absl::flat_hash_map<std::string, size_t> kept;
  std::vector<std::string> removed;
  for (const CheckpointEntry& entry : *entries) {
    if (!entry.status.ok() || entry.benchmark_id.empty()) continue;
    if (kept[entry.benchmark_id]++ < keep) continue;
    if (!entry.complete && !options.unfinished) continue;
    if (!options.dry_run) {
      absl::Status s = RemoveJournal(*access.file_system, entry.directory);
      if (journal::KindOf(s) == journal::ErrorKind::kLocked) continue;
      if (!s.ok()) return s;
    }
    removed.push_back(entry.directory);
  }
  if (!removed.empty() && !options.dry_run) {
    // A convenience: its failure stops nothing.
    MendLatest(access, journal_dir).IgnoreError();
  }
  return removed;
}

}  // namespace runner
