#include "runner/study/journal_entry.h"

#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "journal/error.h"
#include "runner/base/printable.h"
#include "runner/base/version.h"
#include "runner/storage/journal_locator.h"
#include "runner/study/dataset_match.h"
#include "runner/study/journal_choice.h"
#include "runner/study/resume_check.h"

namespace runner {
namespace {

// Bytes of sealed segments after which they become a snapshot.
constexpr uint64_t kSnapshotLogBytes = 64 << 20;

class JournalEntry {
 public:
  JournalEntry(const JournalEntryContext& context, const BenchmarkNames& names,
               EnteredJournal& entered)
      : context_(context),
        options_(*context.options),
        console_(*context.console),
        names_(names),
        entered_(entered) {}

  absl::optional<Refusal> OpenJournal();

 private:
  using MaybeRefusal = absl::optional<Refusal>;

  MaybeRefusal Enter(const JournalChoice& choice);
  MaybeRefusal CreateJournal(const JournalChoice& choice);
  MaybeRefusal ResumeJournal(const JournalChoice& choice);
  MaybeRefusal CheckSame(const LocatedJournal& found, bool* begin_new);
  MaybeRefusal MatchRows();
  MaybeRefusal ChangeScoring();
  MaybeRefusal ExtendDataset(const RowMatch& match);
  BenchmarkJournal::Options JournalOptions() const;
  JournalWish Wish() const { return WishOf(options_, names_); }

  const JournalEntryContext context_;
  const RunOptions& options_;
  Console& console_;
  const BenchmarkNames& names_;
  EnteredJournal& entered_;
};

BenchmarkJournal::Options JournalEntry::JournalOptions() const {
  BenchmarkJournal::Options options;
  options.file_system = context_.access.file_system;
  options.cipher = context_.access.cipher;
  options.sync_interval = options_.sync_interval;
  if (options_.checkpoint_interval == 0) {
    options.sync_mode = journal::SyncMode::kNone;
    return options;
  }
  options.sync_mode = options_.sync;
  options.sync_records = options_.checkpoint_interval;
  options.snapshots.log_bytes = kSnapshotLogBytes;
  options.snapshots.manifests_kept = static_cast<int>(options_.keep_snapshots);
  options.snapshots.zstd_level = static_cast<int>(options_.compression);
  options.snapshot_results = options_.backup_interval;
  if (!options_.backup_dir.empty()) {
    options.snapshots.backup_directory =
        journal::JoinPath(options_.backup_dir, entered_.run_id);
    // A backup without what came last is none.
    options.snapshots.on_close = true;
  }
  return options;
}

absl::optional<Refusal> JournalEntry::OpenJournal() {
  if (options_.checkpoint_interval == 0) {
    std::string path =
        (std::filesystem::temp_directory_path() / "bench-runner-XXXXXX")
            .string();
    if (mkdtemp(path.data()) == nullptr) {
      return RefuseJournal(path, journal::ErrnoError(errno, path));
    }
    entered_.temporary = true;
    JournalChoice choice;
    choice.create = true;
    choice.run_id = names_.run_id;
    choice.directory = path;
    console_.Say("No checkpoints (interval 0): an interruption loses this run");
    return Enter(choice);
  }
  const JournalChoice choice = ChooseJournal(Wish(), context_.access, console_);
  if (choice.refusal.has_value()) return choice.refusal;
  if (choice.create && options_.retry_failed) {
    return Refusal{kExitUsage,
                   "No checkpoint available: --retry-failed asks the failed "
                   "queries of a journal again, and there is none"};
  }

  return Enter(choice);
}

absl::optional<Refusal> JournalEntry::Enter(const JournalChoice& choice) {
  MaybeRefusal refusal =
      choice.create ? CreateJournal(choice) : ResumeJournal(choice);
  if (refusal.has_value() || entered_.temporary) return refusal;
  const absl::Status linked = PointLatestAt(
      *context_.access.file_system, options_.journal_dir,
      std::filesystem::path(entered_.directory).filename().string());
  // A convenience: its failure stops nothing.
  if (!linked.ok()) console_.Detail(Printable(linked.message()));
  return absl::nullopt;
}

absl::optional<Refusal> JournalEntry::CreateJournal(
    const JournalChoice& choice) {
  BenchmarkInfo info;
  info.benchmark_id = names_.benchmark_id;
  info.run_id = choice.run_id;
  info.dataset_name = context_.dataset->name();
  info.dataset_path = context_.dataset->path();
  info.dataset_fingerprint = context_.dataset->fingerprint();
  info.model = names_.model;
  info.method = options_.method;
  info.identity_json = names_.identity_json;
  info.identity_hash = names_.identity_hash;
  info.scoring_json = names_.scoring_json;
  info.scoring_hash = names_.scoring_hash;
  info.config_json = ConfigJson(options_);
  info.seed = options_.seed;
  info.runs = options_.runs;
  info.queries = context_.dataset->size();
  info.shard_index = options_.shard.index;
  info.shard_count = options_.shard.count;
  info.created = context_.clock->Now();
  info.writer_version = kVersion;
  info.writer_commit = std::string(BuildCommit());
  entered_.directory = choice.directory;
  entered_.run_id = choice.run_id;
  absl::StatusOr<std::unique_ptr<BenchmarkJournal>> journal =
      BenchmarkJournal::Create(entered_.directory, info,
                               RowsOf(*context_.dataset), JournalOptions());
  if (!journal.ok()) return RefuseJournal(entered_.directory, journal.status());
  entered_.journal = *std::move(journal);
  std::vector<uint32_t> same(context_.dataset->size());
  for (size_t i = 0; i < same.size(); ++i) same[i] = static_cast<uint32_t>(i);
  entered_.index_of_row = std::move(same);
  return absl::nullopt;
}

absl::optional<Refusal> JournalEntry::ResumeJournal(
    const JournalChoice& choice) {
  entered_.directory = choice.directory;
  bool begin_new = false;
  MaybeRefusal refusal = CheckSame(*choice.found, &begin_new);
  if (refusal.has_value()) return refusal;
  if (begin_new) {
    const JournalChoice beside = NewJournal(Wish(), context_.access);
    return beside.refusal.has_value() ? beside.refusal : CreateJournal(beside);
  }
  entered_.run_id = choice.run_id;
  absl::StatusOr<std::unique_ptr<BenchmarkJournal>> journal =
      BenchmarkJournal::Resume(entered_.directory, JournalOptions());
  if (!journal.ok()) return RefuseJournal(entered_.directory, journal.status());
  entered_.journal = *std::move(journal);
  entered_.run_id = entered_.journal->info().run_id;
  entered_.resumed = true;
  const journal::RecoveryReport& report = entered_.journal->recovery_report();
  if (report.outcome == journal::FindingKind::kTornTail) {
    console_.Say(absl::StrCat(
        "Cut a torn tail of ", report.bytes_cut,
        " bytes, kept beside the segment in .torn; nothing confirmed is lost"));
  }
  for (const std::string& warning : entered_.journal->warnings()) {
    console_.Say(Printable(warning));
  }
  return MatchRows();
}

// Rows must be those of the journal, or it is left as it is. One that is
// finished, or in which nothing was asked, stands in nobody's way.
absl::optional<Refusal> JournalEntry::CheckSame(const LocatedJournal& found,
                                                bool* begin_new) {
  absl::StatusOr<std::string> differences =
      DatasetDifferences(found, *context_.dataset, context_.access);
  if (!differences.ok())
    return RefuseJournal(entered_.directory, differences.status());
  if (differences->empty()) return absl::nullopt;
  const std::string where = Printable(entered_.directory);
  const bool finished = found.condition == JournalCondition::kComplete;
  if (options_.new_journal || found.totals.attempts == 0 || finished) {
    console_.Say(absl::StrCat(where,
                              found.totals.attempts == 0 ? " has no answers and"
                              : finished                 ? " is complete and"
                                                         : "",
                              " differs; starting a new journal beside it:\n",
                              *differences));
    *begin_new = true;
    return absl::nullopt;
  }
  return Refusal{
      kExitDifference,
      absl::StrCat(where,
                   " is unfinished and differs from what is asked for:\n",
                   *differences,
                   "Nothing was changed. Repeat with what it was begun with, "
                   "or\n  --new-journal  starts one beside it and asks "
                   "everything again\n"
                   "  --overwrite    moves it to replaced/ and starts over")};
}

// Other scoring is no other benchmark: what was answered is scored again, and
// nothing is asked for it.
absl::optional<Refusal> JournalEntry::ChangeScoring() {
  const BenchmarkInfo& journaled = entered_.journal->info();
  if (journaled.scoring_hash == names_.scoring_hash) return absl::nullopt;
  const std::string differences =
      DifferenceTable(journaled.scoring_json, names_.scoring_json);
  console_.Say(
      absl::StrCat("Scoring changed; recorded responses are scored again:\n",
                   absl::StripSuffix(differences, "\n")));
  absl::Status s =
      entered_.journal->BeginScoring(names_.scoring_json, names_.scoring_hash);
  if (!s.ok()) return RefuseJournal(entered_.directory, s);
  return absl::nullopt;
}

absl::optional<Refusal> JournalEntry::MatchRows() {
  absl::StatusOr<std::vector<RowInfo>> rows = entered_.journal->ReadRows();
  if (!rows.ok()) return RefuseJournal(entered_.directory, rows.status());
  const RowMatch match = MatchDataset(*context_.dataset, *rows);
  if (!match.differences.empty()) {
    return Refusal{kExitDifference,
                   absl::StrCat(Printable(entered_.directory),
                                " was changed by another process just now; "
                                "run the same command again")};
  }
  MaybeRefusal refusal = ExtendDataset(match);
  return refusal.has_value() ? refusal : ChangeScoring();
}

absl::optional<Refusal> JournalEntry::ExtendDataset(const RowMatch& match) {
  entered_.index_of_row = match.index_of_row;
  if (!match.added.empty()) {
    console_.Say(absl::StrCat("The dataset has ", match.added.size(),
                              " new rows; the journal is extended"));
    absl::Status s = entered_.journal->ExtendRows(match.added);
    if (!s.ok()) return RefuseJournal(entered_.directory, s);
  }
  return absl::nullopt;
}

}  // namespace

JournalWish WishOf(const RunOptions& options, const BenchmarkNames& names) {
  JournalWish wish;
  wish.journal_dir = options.journal_dir;
  wish.resume_from = options.resume_from;
  wish.benchmark_id = names.benchmark_id;
  wish.identity_json = names.identity_json;
  wish.identity_hash = names.identity_hash;
  wish.shard_index = options.shard.index;
  wish.shard_count = options.shard.count;
  wish.run_id = names.run_id;
  wish.resume = options.resume;
  wish.new_journal = options.new_journal;
  wish.overwrite = options.overwrite;
  return wish;
}

absl::optional<Refusal> EnterJournal(const JournalEntryContext& context,
                                     const BenchmarkNames& names,
                                     EnteredJournal* entered) {
  return JournalEntry(context, names, *entered).OpenJournal();
}

}  // namespace runner
