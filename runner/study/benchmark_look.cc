#include "runner/study/benchmark_look.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/recovery.h"
#include "runner/base/printable.h"
#include "runner/display/console.h"
#include "runner/storage/journal_head.h"
#include "runner/storage/progress_state.h"
#include "runner/study/dataset_match.h"
#include "runner/study/import_entry.h"
#include "runner/study/journal_choice.h"
#include "runner/study/journal_entry.h"
#include "runner/study/resume_check.h"

namespace runner {
namespace {

// Keeps what is said.
class NoteTaker final : public Console {
 public:
  explicit NoteTaker(std::vector<std::string>& notes) : notes_(notes) {}

  void Say(absl::string_view text) override { notes_.emplace_back(text); }
  void Detail(absl::string_view) override {}
  void Error(absl::string_view text) override { notes_.emplace_back(text); }
  void BeginProgress(const Progress&) override {}
  void Scored(const QueryKey&) override {}
  void Failed(const QueryKey&) override {}
  void Spent(double) override {}
  void EndProgress() override {}

 private:
  std::vector<std::string>& notes_;
};

class Looking {
 public:
  Looking(const LookContext& context, BenchmarkLook& look)
      : context_(context), options_(*context.options), look_(look) {}

  void Look() {
    FindJournal();
    Count();
  }

 private:
  void FindJournal();
  void Overwrite(const std::string& directory);
  void Judge();
  void LookAtImport();
  void Count();
  void CountNew();
  absl::Status CountJournal(RunPlan& plan);

  const LookContext& context_;
  const RunOptions& options_;
  BenchmarkLook& look_;
  ImportCounts imported_;  // Where a new journal is made of it.
};

// As JournalEntry does it, but for what changes anything.
void Looking::FindJournal() {
  if (options_.checkpoint_interval == 0) {
    look_.notes.push_back("No checkpoints (interval 0)");
    return;
  }
  JournalWish wish = WishOf(options_, look_.names);
  wish.overwrite = false;
  if (options_.overwrite) wish.resume = true;
  NoteTaker notes(look_.notes);
  JournalChoice choice = ChooseJournal(wish, context_.access, notes);
  look_.refusal = std::move(choice.refusal);
  look_.journal = std::move(choice.found);
  if (options_.overwrite && look_.journal.has_value()) {
    return Overwrite(look_.journal->directory);
  }
  look_.goes_on = !look_.refusal.has_value() && !choice.create;
  if (look_.goes_on) look_.notes.clear();  // The journal is shown anyway.
  if (look_.goes_on) Judge();
  if (look_.refusal.has_value()) return;
  if (!options_.import_from.empty()) return LookAtImport();
  if (!look_.goes_on && options_.retry_failed) {
    look_.refusal = Refusal{kExitUsage, std::string(kNothingToRetry)};
  }
}

void Looking::LookAtImport() {
  if (look_.goes_on) {
    NoteTaker notes(look_.notes);
    look_.refusal = CheckImported(options_, look_.journal->directory,
                                  context_.access, notes);
    look_.goes_on = !look_.refusal.has_value();
    return;
  }
  PlannedImport planned;
  look_.refusal =
      PlanImport(options_, look_.names.model, *context_.dataset, &planned);
  if (look_.refusal.has_value()) return;
  look_.notes = {absl::StrCat(
      "Would import ",
      ImportText(planned, context_.dataset->size() * options_.runs))};
  look_.notes.insert(look_.notes.end(), planned.notes.begin(),
                     planned.notes.end());
  imported_ = CountImport(planned, options_.runs, *context_.selected);
}

void Looking::Overwrite(const std::string& directory) {
  look_.refusal.reset();
  look_.notes = {absl::StrCat("Starting over: ", Printable(directory),
                              " moves to replaced/")};
  if (!options_.import_from.empty()) LookAtImport();
}

void Looking::Judge() {
  DatasetVerdict verdict = JudgeDataset(*look_.journal, *context_.dataset,
                                        options_, context_.access);
  look_.refusal = std::move(verdict.refusal);
  look_.goes_on = !look_.refusal.has_value() && !verdict.begin_new;
  if (verdict.begin_new) look_.notes.push_back(std::move(verdict.message));
}

void Looking::Count() {
  RunPlan plan;
  plan.runs = options_.runs;
  plan.only_failed = options_.retry_failed;
  plan.score_only = options_.score_only;
  look_.total = uint64_t{plan.runs} * context_.selected->size();
  if (look_.journal.has_value()) {
    look_.writer = FindHolder(look_.journal->directory);
    const absl::Status s = CountJournal(plan);
    if (!s.ok() && !look_.refusal.has_value()) {
      look_.refusal = RefuseJournal(look_.journal->directory, s);
    }
  }
  if (look_.refusal.has_value()) return;
  if (!look_.goes_on) CountNew();
  look_.workers = WorkersFor(
      options_, look_.remaining.to_ask +
                    (context_.slow_scores ? look_.remaining.to_score : 0));
}

// Nothing is done, but for what is imported.
void Looking::CountNew() {
  look_.done = imported_.completed;
  look_.remaining.to_score = imported_.completed;
  look_.remaining.to_ask =
      options_.score_only ? 0
      : options_.retry_failed
          ? imported_.failed
          : look_.total - imported_.completed - imported_.failed_for_good;
}

absl::Status Looking::CountJournal(RunPlan& plan) {
  ProgressState state;
  absl::optional<LocatedJournal> now =
      LocateJournal(context_.access, look_.journal->directory, &state);
  if (!now.has_value()) {
    return journal::MakeError(
        journal::ErrorKind::kNotFound,
        absl::StrCat(look_.journal->directory, ": is no longer there"));
  }
  look_.journal = std::move(now);
  if (look_.journal->condition != JournalCondition::kComplete &&
      look_.journal->condition != JournalCondition::kUnfinished) {
    return look_.journal->status;
  }
  look_.limit_lsn = state.limit_lsn();
  look_.journal_total = state.selected_runs() * state.selected_queries();
  for (const OpenQuery& query : state.open_queries()) {
    look_.in_doubt += query.in_flight ? 1 : 0;
  }
  if (!look_.goes_on) return absl::OkStatus();
  absl::StatusOr<std::vector<RowInfo>> rows =
      ReadRows(look_.journal->directory, look_.journal->rows, context_.access);
  if (!rows.ok()) return rows.status();
  const RowMatch match = MatchDataset(*context_.dataset, *rows);
  for (const uint32_t row : *context_.selected) {
    plan.rows.push_back({row, match.index_of_row[row]});
  }
  look_.remaining = BenchmarkRun::CountRemaining(state, plan);
  for (uint32_t run = 1; run <= plan.runs; ++run) {
    for (const SelectedRow& row : plan.rows) {
      look_.done += state.IsDone(run, row.index) ? 1 : 0;
    }
  }
  // By other rules every answer is scored again.
  if (look_.journal->info->scoring_hash != look_.names.scoring_hash) {
    look_.remaining.to_score = look_.done;
  }
  return absl::OkStatus();
}

JournalVerdict VerdictOf(const journal::RecoveryReport& report,
                         const absl::optional<JournalHolder>& writer) {
  JournalVerdict verdict;
  const absl::Status status = journal::StatusOf(report);
  for (const journal::Finding& finding : report.findings) {
    verdict.findings.push_back(Printable(journal::Describe(finding)));
  }
  if (!status.ok()) {
    verdict.exit_code = ExitCodeOf(status);
    verdict.message = Printable(status.message());
    return verdict;
  }
  verdict.message = absl::StrCat(report.records, " records, nothing is wrong");
  if (report.outcome != journal::FindingKind::kTornTail) return verdict;
  // What a living writer is writing just now looks like one.
  if (writer.has_value()) {
    verdict.findings.clear();
    absl::StrAppend(&verdict.message, "; ", HolderName(*writer),
                    " is writing to it");
    return verdict;
  }
  verdict.exit_code = kExitTornTail;
  verdict.message = absl::StrCat(
      report.records, " records and a torn tail of ", report.bytes_cut,
      " bytes, which a run cuts; nothing confirmed is lost");
  return verdict;
}

}  // namespace

absl::StatusOr<BenchmarkLook> LookAtBenchmark(const LookContext& context,
                                              const std::string& model) {
  BenchmarkLook look;
  absl::StatusOr<BenchmarkNames> names = MakeNames(
      *context.options, *context.dataset, model, context.clock->Now());
  if (!names.ok()) return names.status();
  look.names = *std::move(names);
  Looking(context, look).Look();
  return look;
}

JournalVerdict VerifyJournal(const BenchmarkLook& look,
                             const JournalAccess& access) {
  JournalVerdict verdict;
  if (!look.journal.has_value()) {
    verdict.message = "no journal yet";
    return verdict;
  }
  ProgressState state;
  journal::ExamineOptions options;
  options.full = true;
  options.folder = &state;
  options.cipher = access.cipher;
  options.file_system = access.file_system;
  const absl::StatusOr<journal::RecoveryReport> report =
      journal::Examine(look.journal->directory, options);
  if (!report.ok()) {
    verdict.exit_code = ExitCodeOf(report.status());
    verdict.message = Printable(report.status().message());
    return verdict;
  }
  verdict = VerdictOf(*report, look.writer);
  const OddRecords odd = state.odd_records();
  if (verdict.exit_code == kExitDone && odd.poison > 0) {
    verdict.exit_code = kExitDamage;
    verdict.message = absl::StrCat(
        odd.poison, " records, the first at LSN ", odd.first_poison_lsn,
        ", are whole on disk, but not what this program writes");
  }
  return verdict;
}

}  // namespace runner
