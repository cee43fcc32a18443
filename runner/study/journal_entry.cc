#include "runner/study/journal_entry.h"

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "journal/error.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"
#include "runner/base/version.h"
#include "runner/config/overrides.h"
#include "runner/display/progress_format.h"
#include "runner/storage/journal_locator.h"
#include "runner/study/cells.h"
#include "runner/study/creation_lock.h"
#include "runner/study/dataset_match.h"
#include "runner/study/import_aside.h"
#include "runner/study/import_entry.h"
#include "runner/study/journal_choice.h"
#include "runner/study/replaced_journals.h"
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
  MaybeRefusal TakeLock();
  MaybeRefusal CreateJournal(const JournalChoice& choice);
  MaybeRefusal BeginJournal(const std::string& directory,
                            const std::string& run_id);
  MaybeRefusal ImportJournal(const JournalChoice& choice);
  MaybeRefusal PublishMade(const JournalChoice& choice,
                           const ImportAside& aside,
                           ReplacedJournals& replaced);
  BenchmarkInfo NewInfo(const std::string& run_id) const;
  MaybeRefusal ResumeJournal(const JournalChoice& choice);
  MaybeRefusal MatchRows();
  MaybeRefusal CheckStillSame(const RowMatch& match) const;
  MaybeRefusal AcceptChanges(const RowMatch& match);
  MaybeRefusal ChangeScoring();
  MaybeRefusal ExtendDataset(const RowMatch& match);
  BenchmarkJournal::Options JournalOptions() const;
  JournalWish Wish() const { return WishOf(options_, names_); }

  const JournalEntryContext context_;
  const RunOptions& options_;
  Console& console_;
  const BenchmarkNames& names_;
  EnteredJournal& entered_;
  // While it is looked for a journal, and one is begun.
  std::unique_ptr<journal::FileLock> creation_;
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
  options.on_snapshot = [&console = console_](journal::Lsn last_lsn) {
    console.Detail(absl::StrCat("Snapshot made: all records up to ",
                                WithThousands(last_lsn)));
  };
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
    if (!options_.import_from.empty()) {
      return Refusal{
          kExitUsage,
          absl::StrCat("--checkpoint-interval 0 keeps no journal "
                       "into which ",
                       Printable(options_.import_from), " could be imported")};
    }
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
  if (MaybeRefusal refusal = TakeLock(); refusal.has_value()) return refusal;
  if (!options_.import_from.empty()) {
    RemoveStaleImports(*context_.access.file_system, options_.journal_dir);
  }
  const JournalChoice choice = ChooseJournal(Wish(), context_.access, console_);
  if (choice.refusal.has_value()) return choice.refusal;
  // One that is there has a lock of its own.
  if (!choice.create) creation_.reset();
  if (choice.create && options_.retry_failed && options_.import_from.empty()) {
    return Refusal{kExitUsage, std::string(kNothingToRetry)};
  }
  return Enter(choice);
}

absl::optional<Refusal> JournalEntry::TakeLock() {
  CreationLockOptions options;
  options.journal_dir = options_.journal_dir;
  options.signals = context_.signals;
  return TakeCreationLock(*context_.access.file_system, options, console_,
                          &creation_);
}

absl::optional<Refusal> JournalEntry::Enter(const JournalChoice& choice) {
  MaybeRefusal refusal =
      choice.create ? CreateJournal(choice) : ResumeJournal(choice);
  if (refusal.has_value() || entered_.temporary) return refusal;
  // Where it lies: a named one may lie elsewhere than new ones would.
  const absl::Status linked = PointLatestAt(
      *context_.access.file_system,
      journal::ParentDirectory(entered_.directory),
      std::filesystem::path(entered_.directory).filename().string());
  // A convenience: its failure stops nothing.
  if (!linked.ok()) console_.Detail(Printable(linked.message()));
  return absl::nullopt;
}

BenchmarkInfo JournalEntry::NewInfo(const std::string& run_id) const {
  BenchmarkInfo info;
  info.benchmark_id = names_.benchmark_id;
  info.run_id = run_id;
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
  // Another machine's clock may be behind that of which the study was begun.
  info.created = std::max(context_.clock->Now(), BegunAnew(options_));
  info.writer_version = kVersion;
  info.writer_commit = std::string(BuildCommit());
  return info;
}

absl::optional<Refusal> JournalEntry::CreateJournal(
    const JournalChoice& choice) {
  std::vector<uint32_t> same(context_.dataset->size());
  for (size_t i = 0; i < same.size(); ++i) same[i] = static_cast<uint32_t>(i);
  entered_.index_of_row = std::move(same);
  if (entered_.temporary) return BeginJournal(choice.directory, choice.run_id);
  MaybeRefusal refusal = CheckNoImport(*context_.access.file_system,
                                       options_.journal_dir, choice.run_id);
  if (refusal.has_value()) return refusal;
  if (!options_.import_from.empty()) return ImportJournal(choice);
  if (choice.replaced.empty()) {
    return BeginJournal(choice.directory, choice.run_id);
  }
  ReplacedJournals replaced(options_.journal_dir, context_.access);
  refusal = replaced.Lock(choice.replaced);
  if (!refusal.has_value()) refusal = replaced.MoveAside(console_);
  if (refusal.has_value()) return refusal;
  // Its name may be free now.
  const JournalChoice in_place = NewJournal(Wish(), context_.access);
  refusal = in_place.refusal.has_value()
                ? in_place.refusal
                : BeginJournal(in_place.directory, in_place.run_id);
  if (refusal.has_value()) replaced.PutBack(console_);
  return refusal;
}

absl::optional<Refusal> JournalEntry::BeginJournal(const std::string& directory,
                                                   const std::string& run_id) {
  entered_.directory = directory;
  entered_.run_id = run_id;
  absl::StatusOr<std::unique_ptr<BenchmarkJournal>> journal =
      BenchmarkJournal::Create(
          entered_.directory, NewInfo(run_id), context_.dataset->size(),
          [&](uint64_t i) { return RowAt(*context_.dataset, i); },
          JournalOptions());
  if (!journal.ok()) return RefuseJournal(entered_.directory, journal.status());
  entered_.journal = *std::move(journal);
  return absl::nullopt;
}

// A journal is there as a whole or not at all, and then gone on with as any.
// Nobody waits while it is made: who wants the same one is told who makes it.
absl::optional<Refusal> JournalEntry::ImportJournal(
    const JournalChoice& choice) {
  entered_.directory = choice.directory;
  entered_.run_id = choice.run_id;
  std::unique_ptr<ImportAside> aside;
  MaybeRefusal refusal =
      ImportAside::Make(*context_.access.file_system, choice.directory, &aside);
  ReplacedJournals replaced(options_.journal_dir, context_.access);
  if (!refusal.has_value()) refusal = replaced.Lock(choice.replaced);
  if (refusal.has_value()) return refusal;
  creation_.reset();
  PlannedImport planned;
  refusal = PlanImport(options_, names_.model, *context_.dataset, &planned);
  if (refusal.has_value()) return refusal;
  const auto caught = [signals = context_.signals] {
    return signals == nullptr ? 0 : signals->caught();
  };
  refusal = MakeImport(planned, aside->directory(), NewInfo(choice.run_id),
                       *context_.dataset, context_.access,
                       [&caught] { return caught() != 0; });
  if (!refusal.has_value()) refusal = PublishMade(choice, *aside, replaced);
  if (refusal.has_value()) {
    if (caught() != 0) refusal->exit_code = kExitSignal + caught();
    return refusal;
  }
  console_.Say(absl::StrCat(
      "Imported ",
      ImportText(planned, context_.dataset->size() * options_.runs)));
  for (const std::string& note : planned.notes) console_.Say(note);
  absl::StatusOr<std::unique_ptr<BenchmarkJournal>> journal =
      BenchmarkJournal::Resume(entered_.directory, JournalOptions());
  if (!journal.ok()) return RefuseJournal(entered_.directory, journal.status());
  entered_.journal = *std::move(journal);
  entered_.resumed = true;
  return absl::nullopt;
}

// The new one is there before the old one steps aside: whoever is killed
// between the two leaves both, and the newer one counts.
absl::optional<Refusal> JournalEntry::PublishMade(const JournalChoice& choice,
                                                  const ImportAside& aside,
                                                  ReplacedJournals& replaced) {
  MaybeRefusal refusal = TakeLock();
  if (refusal.has_value()) return refusal;
  const JournalWish wish = Wish();
  const absl::optional<LocatedJournal> begun =
      wish.resume ? FindWished(wish, context_.access) : absl::nullopt;
  const bool known = begun.has_value() && choice.found.has_value() &&
                     begun->directory == choice.found->directory;
  if (begun.has_value() && !known) {
    return RefuseBegunMeanwhile(begun->directory);
  }
  refusal =
      PublishImport(aside.directory(), entered_.directory, context_.access);
  return refusal.has_value() ? refusal : replaced.MoveAside(console_);
}

absl::optional<Refusal> JournalEntry::ResumeJournal(
    const JournalChoice& choice) {
  entered_.directory = choice.directory;
  const DatasetVerdict verdict =
      JudgeDataset(*choice.found, *context_.dataset, options_, context_.access);
  if (verdict.refusal.has_value()) return verdict.refusal;
  if (verdict.begin_new) {
    console_.Say(verdict.message);
    if (MaybeRefusal refusal = TakeLock(); refusal.has_value()) return refusal;
    JournalChoice beside = NewJournal(Wish(), context_.access);
    beside.found = choice.found;
    return beside.refusal.has_value() ? beside.refusal : CreateJournal(beside);
  }
  if (!options_.import_from.empty()) {
    MaybeRefusal refusal =
        CheckImported(options_, entered_.directory, context_.access, console_);
    if (refusal.has_value()) return refusal;
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

// Between the look without a lock and the lock another process may have
// accepted a change.
absl::optional<Refusal> JournalEntry::CheckStillSame(
    const RowMatch& match) const {
  if (options_.accept_config_change) return absl::nullopt;
  const bool rows_same =
      DatasetDifferences(entered_.journal->now().accepted_dataset,
                         *context_.dataset, match)
          .empty();
  if (rows_same &&
      entered_.journal->info().identity_hash == names_.identity_hash) {
    return absl::nullopt;
  }
  return Refusal{kExitDifference,
                 absl::StrCat(Printable(entered_.directory),
                              " was changed by another process just now; "
                              "run the same command again")};
}

// --accept-config-change: what differs is journaled before anything is asked
// by it, so that nobody takes the answers for those of one configuration.
absl::optional<Refusal> JournalEntry::AcceptChanges(const RowMatch& match) {
  if (!options_.accept_config_change) return absl::nullopt;
  BenchmarkJournal& journal = *entered_.journal;
  const std::string& fingerprint = context_.dataset->fingerprint();
  const std::string known = journal.now().accepted_dataset.empty()
                                ? journal.info().dataset_fingerprint
                                : journal.now().accepted_dataset;
  const std::string source = OverrideSource(options_, "accept-config-change");
  std::vector<OverrideRecord> changes;
  std::string differences;
  if (journal.info().identity_hash != names_.identity_hash) {
    changes.push_back({kIdentityOverride, journal.info().identity_json,
                       names_.identity_json, source});
    differences =
        DifferenceTable(journal.info().identity_json, names_.identity_json);
  }
  const std::string rows = DatasetDifferences(journal.now().accepted_dataset,
                                              *context_.dataset, match);
  if (!rows.empty()) {
    changes.push_back(
        {kDatasetOverride, JsonString(known), JsonString(fingerprint), source});
    absl::StrAppend(&differences, rows);
  }
  if (changes.empty()) return absl::nullopt;
  if (absl::Status s = journal.AcceptChanges(changes); !s.ok()) {
    return RefuseJournal(entered_.directory, s);
  }
  entered_.accepted = true;
  console_.Say(absl::StrCat(
      "Going on in spite of what differs (--accept-config-change):\n",
      differences,
      "What is answered stays as it was answered, what is not is asked as it "
      "is now,\nremoved rows no longer count"));
  return absl::nullopt;
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
  RowMatcher matcher = MatcherOf(*context_.dataset);
  absl::Status read = entered_.journal->ForEachRow(
      [&](RowInfo row) { matcher.Add(std::move(row)); });
  if (!read.ok()) return RefuseJournal(entered_.directory, read);
  const RowMatch match = matcher.Finish();
  MaybeRefusal refusal = CheckStillSame(match);
  if (!refusal.has_value()) refusal = AcceptChanges(match);
  if (!refusal.has_value()) refusal = ExtendDataset(match);
  if (!refusal.has_value()) refusal = ChangeScoring();
  if (!refusal.has_value() && entered_.journal->now().mixed_config) {
    console_.Say(
        "Its answers were given under more than one configuration or dataset: "
        "results say\nmixed_config, and it cannot be merged; --no-resume "
        "starts one of one configuration");
  }
  return refusal;
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
  wish.imports = !options.import_from.empty();
  wish.benchmark_id = names.benchmark_id;
  wish.identity_json = names.identity_json;
  wish.identity_hash = names.identity_hash;
  wish.shard_index = options.shard.index;
  wish.shard_count = options.shard.count;
  wish.run_id = names.run_id;
  // What begins anew now has to see the old ones: it moves them away.
  if (options.resume && !options.overwrite) {
    wish.created_min = BegunAnew(options);
  }
  wish.resume = options.resume;
  wish.new_journal = options.new_journal;
  wish.overwrite = options.overwrite;
  wish.accept_change = options.accept_config_change;
  wish.bound = IsBoundToJournal(options);
  return wish;
}

absl::optional<Refusal> EnterJournal(const JournalEntryContext& context,
                                     const BenchmarkNames& names,
                                     EnteredJournal* entered) {
  return JournalEntry(context, names, *entered).OpenJournal();
}

}  // namespace runner
