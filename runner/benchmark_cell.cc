#include "runner/benchmark_cell.h"

#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "journal/error.h"
#include "runner/benchmark_journal.h"
#include "runner/benchmark_run.h"
#include "runner/dataset_match.h"
#include "runner/hashing.h"
#include "runner/identity.h"
#include "runner/journal_choice.h"
#include "runner/journal_locator.h"
#include "runner/placeholders.h"
#include "runner/printable.h"
#include "runner/progress_format.h"
#include "runner/replay_evaluator.h"
#include "runner/result_store.h"
#include "runner/resume_check.h"
#include "runner/shell_words.h"
#include "runner/text.h"
#include "runner/version.h"
#include "runner/worker_evaluator.h"

namespace runner {
namespace {

// Names listed in one message; the rest is counted.
constexpr size_t kNamesShownMax = 20;

std::string Percent(uint64_t part, uint64_t whole) {
  return absl::StrFormat("%.1f%%", whole == 0 ? 100.0 : 100.0 * part / whole);
}

// Passes what happens on to the console.
class ConsoleObserver final : public RunObserver {
 public:
  explicit ConsoleObserver(Console& console) : console_(console) {}

  void OnScored(const QueryKey& key, const EvaluationResult& result) override {
    console_.Scored(key, result.cost);
  }
  void OnError(const QueryKey& key, const EvaluationError& error,
               bool final) override {
    console_.Detail(absl::StrCat("Recorded error for ", Printable(key.id), ": ",
                                 Printable(error.type), ": ",
                                 Excerpt(error.message, 200)));
    if (final) console_.Failed(key);
  }
  void OnNoSpace(absl::string_view message) override {
    console_.Error(absl::StrCat(
        "The disk is full: ", Printable(message),
        "\nNothing new is asked; answers that are here wait for space."));
  }

 private:
  Console& console_;
};

class BenchmarkCellImpl final : public BenchmarkCell {
 public:
  BenchmarkCellImpl(const CellContext& context, absl::string_view model,
                    Fields fields)
      : context_(context),
        options_(*context.options),
        console_(*context.console),
        model_(model),
        fields_(std::move(fields)) {}

  absl::Status MakeNames();
  std::string ResultsPath(absl::string_view run_id) const;
  absl::Status CheckResultsPath();

  const Fields& fields() const override { return fields_; }
  CellOutcome Run() override;
  void RequestStop() override ABSL_LOCKS_EXCLUDED(run_mutex_);
  void ClearJournal() override;
  std::string named_results() const override { return named_results_; }

 private:
  using MaybeRefusal = absl::optional<Refusal>;

  // The steps of Run, in order. A refusal ends it.
  MaybeRefusal OpenJournal();
  MaybeRefusal Enter(const JournalChoice& choice);
  MaybeRefusal CreateJournal(const JournalChoice& choice);
  MaybeRefusal ResumeJournal(const JournalChoice& choice);
  MaybeRefusal CheckSame(const LocatedJournal& found, bool* begin_new);
  MaybeRefusal MatchRows();
  MaybeRefusal ExtendDataset(const DatasetMatch& match);
  MaybeRefusal Evaluate();
  absl::StatusOr<std::unique_ptr<Evaluator>> MakeEvaluator(int workers);
  MaybeRefusal RunSession(Evaluator& evaluator, int workers);
  MaybeRefusal RecordInDoubt();
  MaybeRefusal Finish();
  MaybeRefusal WriteResultFiles();
  absl::Status RecordEnd(bool complete);
  void SayEnd(bool complete);

  void Plan(const std::vector<uint32_t>& index_of_row);
  void SayLoaded();
  void SaySkipped();
  MaybeRefusal JournalFailed(const absl::Status& status);
  int FinalExitCode() const;
  bool BelowMinimum() const;
  BenchmarkJournal::Options JournalOptions() const;
  JournalWish Wish() const;
  uint64_t Total() const { return plan_.runs * plan_.rows.size(); }

  const CellContext context_;
  const RunOptions& options_;
  Console& console_;
  const std::string model_;
  const Fields fields_;

  std::string identity_json_;
  std::string identity_hash_;
  std::string scoring_json_;
  std::string scoring_hash_;
  std::string benchmark_id_;
  std::string run_id_;  // That a new journal would get.
  std::string named_results_;

  std::unique_ptr<BenchmarkJournal> journal_;
  std::string directory_;
  // Without a journal (--checkpoint-interval 0) what the results are made of
  // lies here, and goes when the cell does.
  struct RemoveOnExit {
    std::string path;
    ~RemoveOnExit() {
      std::error_code ignored;
      if (!path.empty()) std::filesystem::remove_all(path, ignored);
    }
  } temporary_;
  bool resumed_ = false;
  bool session_begun_ = false;
  RunPlan plan_;
  absl::Status run_status_;
  CellOutcome outcome_;

  absl::Mutex run_mutex_;
  BenchmarkRun* run_ ABSL_GUARDED_BY(run_mutex_) = nullptr;
  bool stop_requested_ ABSL_GUARDED_BY(run_mutex_) = false;
};

absl::Status BenchmarkCellImpl::MakeNames() {
  IdentityFields identity;
  identity.evaluator = std::string(EvaluatorName(options_.evaluator));
  identity.model = model_;
  identity.method = options_.method;
  identity.id_field = options_.id_field;
  identity.input_field = options_.fields.input_field;
  identity.response_field = options_.fields.response_field;
  identity.worker_command = options_.worker_command;
  identity.seed = options_.seed;
  identity_json_ = IdentityJson(identity);
  identity_hash_ = Sha256Hex(identity_json_);
  ScoringFields scoring;
  scoring.target_field = options_.fields.target_field;
  scoring.extract_regex = options_.extract_regex;
  scoring.extract = options_.extract;
  scoring.scorers = options_.scorers;
  scoring_json_ = ScoringJson(scoring);
  scoring_hash_ = Sha256Hex(scoring_json_);
  const std::string dataset = context_.dataset->name();
  absl::StatusOr<std::string> id = BenchmarkId(
      options_.benchmark_id.empty() ? kDefaultBenchmarkId
                                    : absl::string_view(options_.benchmark_id),
      dataset, model_, options_.method);
  if (!id.ok()) return id.status();
  benchmark_id_ = *std::move(id);
  run_id_ = RunId(context_.clock->Now(), absl::LocalTimeZone(), dataset, model_,
                  options_.method, identity_hash_);
  outcome_.label =
      model_.empty() ? dataset : absl::StrCat(dataset, "/", model_);
  outcome_.model = model_;
  return CheckResultsPath();
}

std::string BenchmarkCellImpl::ResultsPath(absl::string_view run_id) const {
  if (options_.results.empty()) {
    return journal::JoinPath(journal::JoinPath(options_.output_dir, run_id),
                             "results.json");
  }
  // That it can be filled in was checked with the options.
  return FillPlaceholders(options_.results,
                          {{"model", FileNameSafe(model_)},
                           {"method", FileNameSafe(options_.method)},
                           {"dataset", FileNameSafe(context_.dataset->name())},
                           {"run_id", run_id}})
      .value_or(options_.results);
}

// Results never take the place of what they are made from.
absl::Status BenchmarkCellImpl::CheckResultsPath() {
  if (options_.results.empty()) return absl::OkStatus();
  named_results_ = ResultsPath(run_id_);
  for (const std::string& path :
       {named_results_, ResultLinesPath(named_results_)}) {
    std::error_code error;
    if (std::filesystem::equivalent(path, context_.dataset->path(), error)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--results: ", path, " would replace the dataset"));
    }
  }
  return absl::OkStatus();
}

CellOutcome BenchmarkCellImpl::Run() {
  MaybeRefusal refusal = OpenJournal();
  if (!refusal.has_value()) refusal = Evaluate();
  if (!refusal.has_value()) refusal = Finish();
  if (refusal.has_value()) {
    console_.Error(refusal->message);
    outcome_.exit_code = refusal->exit_code;
  }
  return std::move(outcome_);
}

void BenchmarkCellImpl::RequestStop() {
  absl::MutexLock lock(&run_mutex_);
  stop_requested_ = true;
  if (run_ != nullptr) {
    console_.Say(absl::StrCat("Interrupt signal received; finishing ",
                              run_->in_flight(), " in flight (",
                              absl::ToInt64Seconds(plan_.drain_timeout),
                              " s; again: stop now)"));
    run_->RequestStop();
  }
}

// ---------------------------------------------------------------------------
// The journal

BenchmarkJournal::Options BenchmarkCellImpl::JournalOptions() const {
  BenchmarkJournal::Options options;
  options.file_system = context_.fs;
  options.sync_interval = options_.sync_interval;
  if (options_.checkpoint_interval == 0) {
    options.sync_mode = journal::SyncMode::kNone;
  } else {
    options.sync_mode = options_.sync;
    options.sync_records = options_.checkpoint_interval;
  }
  return options;
}

JournalWish BenchmarkCellImpl::Wish() const {
  JournalWish wish;
  wish.journal_dir = options_.journal_dir;
  wish.benchmark_id = benchmark_id_;
  wish.identity_json = identity_json_;
  wish.identity_hash = identity_hash_;
  wish.run_id = run_id_;
  wish.resume = options_.resume;
  wish.new_journal = options_.new_journal;
  wish.overwrite = options_.overwrite;
  return wish;
}

absl::optional<Refusal> BenchmarkCellImpl::OpenJournal() {
  if (options_.checkpoint_interval == 0) {
    std::string path =
        (std::filesystem::temp_directory_path() / "bench-runner-XXXXXX")
            .string();
    if (mkdtemp(path.data()) == nullptr) {
      return JournalFailed(journal::ErrnoError(errno, path));
    }
    temporary_.path = path;
    JournalChoice choice;
    choice.create = true;
    choice.run_id = run_id_;
    choice.directory = temporary_.path;
    console_.Say("No checkpoints (interval 0): an interruption loses this run");
    return Enter(choice);
  }
  const JournalChoice choice = ChooseJournal(Wish(), *context_.fs, console_);
  if (choice.refusal.has_value()) return choice.refusal;
  if (choice.create && options_.retry_failed) {
    return Refusal{kExitUsage,
                   "No checkpoint available: --retry-failed asks the failed "
                   "queries of a journal again, and there is none"};
  }

  return Enter(choice);
}

absl::optional<Refusal> BenchmarkCellImpl::Enter(const JournalChoice& choice) {
  MaybeRefusal refusal =
      choice.create ? CreateJournal(choice) : ResumeJournal(choice);
  if (refusal.has_value() || !temporary_.path.empty()) return refusal;
  const absl::Status linked =
      PointLatestAt(*context_.fs, options_.journal_dir,
                    std::filesystem::path(directory_).filename().string());
  // A convenience: its failure stops nothing.
  if (!linked.ok()) console_.Detail(Printable(linked.message()));
  return absl::nullopt;
}

absl::optional<Refusal> BenchmarkCellImpl::CreateJournal(
    const JournalChoice& choice) {
  BenchmarkInfo info;
  info.benchmark_id = benchmark_id_;
  info.run_id = choice.run_id;
  info.dataset_name = context_.dataset->name();
  info.dataset_path = context_.dataset->path();
  info.dataset_fingerprint = context_.dataset->fingerprint();
  info.model = model_;
  info.method = options_.method;
  info.identity_json = identity_json_;
  info.identity_hash = identity_hash_;
  info.scoring_json = scoring_json_;
  info.scoring_hash = scoring_hash_;
  info.config_json = ConfigJson(options_);
  info.seed = options_.seed;
  info.runs = options_.runs;
  info.queries = context_.dataset->size();
  info.created = context_.clock->Now();
  info.writer_version = kVersion;
  info.writer_commit = std::string(BuildCommit());
  directory_ = choice.directory;
  run_id_ = choice.run_id;
  absl::StatusOr<std::unique_ptr<BenchmarkJournal>> journal =
      BenchmarkJournal::Create(directory_, info, RowsOf(*context_.dataset),
                               JournalOptions());
  if (!journal.ok()) return RefuseJournal(directory_, journal.status());
  journal_ = *std::move(journal);
  std::vector<uint32_t> same(context_.dataset->size());
  for (size_t i = 0; i < same.size(); ++i) same[i] = static_cast<uint32_t>(i);
  Plan(same);
  return absl::nullopt;
}

absl::optional<Refusal> BenchmarkCellImpl::ResumeJournal(
    const JournalChoice& choice) {
  directory_ = choice.directory;
  bool begin_new = false;
  MaybeRefusal refusal = CheckSame(*choice.found, &begin_new);
  if (refusal.has_value()) return refusal;
  if (begin_new) {
    const JournalChoice beside = NewJournal(Wish(), *context_.fs);
    return beside.refusal.has_value() ? beside.refusal : CreateJournal(beside);
  }
  absl::StatusOr<std::unique_ptr<BenchmarkJournal>> journal =
      BenchmarkJournal::Resume(directory_, JournalOptions());
  if (!journal.ok()) return RefuseJournal(directory_, journal.status());
  journal_ = *std::move(journal);
  run_id_ = journal_->info().run_id;
  resumed_ = true;
  const journal::RecoveryReport& report = journal_->recovery_report();
  if (report.outcome == journal::FindingKind::kTornTail) {
    console_.Say(absl::StrCat(
        "Cut a torn tail of ", report.bytes_cut,
        " bytes, kept beside the segment in .torn; nothing confirmed is lost"));
  }
  for (const std::string& warning : journal_->warnings()) {
    console_.Say(Printable(warning));
  }
  return MatchRows();
}

// Rows and scoring must be those of the journal, or it is left as it is. One
// that is finished, or in which nothing was asked, stands in nobody's way.
absl::optional<Refusal> BenchmarkCellImpl::CheckSame(
    const LocatedJournal& found, bool* begin_new) {
  absl::StatusOr<JournalDifferences> differences = DifferencesFrom(
      found, *context_.dataset, scoring_json_, scoring_hash_, *context_.fs);
  if (!differences.ok()) return RefuseJournal(directory_, differences.status());
  const std::string text =
      absl::StrCat(differences->scoring, differences->dataset);
  if (text.empty()) return absl::nullopt;
  const std::string where = Printable(directory_);
  const bool finished = found.condition == JournalCondition::kComplete;
  // Other scoring alone is no reason to ask everything again unasked.
  if (options_.new_journal || found.totals.attempts == 0 ||
      (finished && !differences->dataset.empty())) {
    console_.Say(absl::StrCat(where,
                              found.totals.attempts == 0 ? " has no answers and"
                              : finished                 ? " is complete and"
                                                         : "",
                              " differs; starting a new journal beside it:\n",
                              text));
    *begin_new = true;
    return absl::nullopt;
  }

  return Refusal{
      kExitDifference,
      absl::StrCat(where, finished ? " is complete" : " is unfinished",
                   " and differs from what is asked for:\n", text,
                   "Nothing was changed. Repeat with what it was begun with, "
                   "or\n  --new-journal  starts one beside it and asks "
                   "everything again\n"
                   "  --overwrite    moves it to replaced/ and starts over")};
}

absl::optional<Refusal> BenchmarkCellImpl::MatchRows() {
  absl::StatusOr<std::vector<RowInfo>> rows = journal_->ReadRows();
  if (!rows.ok()) return RefuseJournal(directory_, rows.status());
  const DatasetMatch match = MatchDataset(*context_.dataset, *rows);
  if (!match.differences.empty()) {
    return Refusal{kExitDifference,
                   absl::StrCat(Printable(directory_),
                                " was changed by another process just now; "
                                "run the same command again")};
  }
  return ExtendDataset(match);
}

absl::optional<Refusal> BenchmarkCellImpl::ExtendDataset(
    const DatasetMatch& match) {
  Plan(match.index_of_row);
  if (!match.added.empty()) {
    console_.Say(absl::StrCat("The dataset has ", match.added.size(),
                              " new rows; the journal is extended"));
    absl::Status s = journal_->ExtendRows(match.added);
    if (!s.ok()) return JournalFailed(s);
  }
  return absl::nullopt;
}

void BenchmarkCellImpl::Plan(const std::vector<uint32_t>& index_of_row) {
  const size_t rows =
      options_.num_samples == 0
          ? index_of_row.size()
          : std::min<size_t>(options_.num_samples, index_of_row.size());
  for (size_t i = 0; i < rows; ++i) {
    plan_.rows.push_back({static_cast<uint32_t>(i), index_of_row[i]});
  }
  plan_.runs = options_.runs;
  plan_.max_retries = options_.max_retries;
  plan_.only_failed = options_.retry_failed;
  plan_.drain_timeout = options_.drain_timeout;
  plan_.seed = options_.seed;
  plan_.model = model_;
  plan_.method = options_.method;
}

absl::optional<Refusal> BenchmarkCellImpl::JournalFailed(
    const absl::Status& status) {
  return RefuseJournal(directory_, status);
}

// ---------------------------------------------------------------------------
// The run

absl::optional<Refusal> BenchmarkCellImpl::Evaluate() {
  if (resumed_) SayLoaded();
  if (resumed_ && options_.verbose) SaySkipped();
  const uint64_t remaining = BenchmarkRun::CountRemaining(*journal_, plan_);
  if (remaining == 0) {
    if (journal_->complete()) {
      console_.Say(absl::StrCat(
          "complete since ",
          absl::FormatTime("%Y-%m-%d %H:%M:%S", journal_->complete_time(),
                           absl::LocalTimeZone()),
          "; --no-resume runs it again"));
    }
    return absl::nullopt;
  }
  const int workers = static_cast<int>(
      options_.workers.has_value()
          ? *options_.workers
          : AutoWorkers(remaining, std::thread::hardware_concurrency()));
  absl::StatusOr<std::unique_ptr<Evaluator>> evaluator = MakeEvaluator(workers);
  if (!evaluator.ok()) {
    // Wrong before anything was asked, whatever the reason.
    return Refusal{kExitUsage, Printable(evaluator.status().message())};
  }
  return RunSession(**evaluator, workers);
}

void BenchmarkCellImpl::SayLoaded() {
  const ProgressTotals totals = journal_->totals();
  const uint64_t done = std::min(totals.completed, Total());
  std::string text = absl::StrCat(
      "Loaded checkpoint: ", WithThousands(done), "/", WithThousands(Total()),
      " queries completed (", Percent(done, Total()), "), ",
      WithThousands(Total() - done), " remaining");
  if (totals.failed > 0)
    absl::StrAppend(&text, " (", totals.failed, " failed)");
  if (totals.cost > 0) absl::StrAppendFormat(&text, ", $%.2f", totals.cost);
  console_.Say(text);
}

void BenchmarkCellImpl::SaySkipped() {
  for (uint32_t run = 1; run <= plan_.runs; ++run) {
    for (const SelectedRow& row : plan_.rows) {
      if (!journal_->IsDone(run, row.index)) continue;
      console_.Detail(absl::StrCat("Skipping completed query: ",
                                   Printable(context_.dataset->id(row.row)),
                                   " (Cached)"));
    }
  }
}

absl::StatusOr<std::unique_ptr<Evaluator>> BenchmarkCellImpl::MakeEvaluator(
    int workers) {
  if (options_.evaluator == EvaluatorKind::kReplay) {
    ReplayEvaluatorOptions replay;
    replay.response_field = options_.fields.response_field;
    replay.model = model_;
    replay.method = options_.method;
    replay.slots = workers;
    return NewReplayEvaluator(replay);
  }
  WorkerEvaluatorOptions worker;
  absl::StatusOr<std::vector<std::string>> words =
      SplitShellWords(options_.worker_command);
  if (!words.ok()) return words.status();
  worker.command = *std::move(words);
  worker.slots = workers;
  worker.timeout = options_.timeout;
  worker.log = [this](uint32_t slot, absl::string_view line) {
    console_.Detail(absl::StrCat("worker ", slot, ": ", line));
  };
  return NewWorkerEvaluator(std::move(worker));
}

absl::optional<Refusal> BenchmarkCellImpl::RecordInDoubt() {
  std::vector<OpenQuery> in_doubt;
  for (const OpenQuery& query : journal_->open_queries()) {
    if (query.in_flight) in_doubt.push_back(query);
  }
  if (in_doubt.empty()) return absl::nullopt;
  absl::Status s = journal_->RecordInDoubt(in_doubt);
  if (!s.ok()) return JournalFailed(s);
  absl::StatusOr<std::vector<RowInfo>> rows = journal_->ReadRows();
  if (!rows.ok()) return JournalFailed(rows.status());
  std::vector<std::string> names;
  for (const OpenQuery& query : in_doubt) {
    if (names.size() == kNamesShownMax) {
      names.push_back(absl::StrCat("...; all of them: journalctl-bench show ",
                                   Printable(directory_),
                                   " --status in-doubt"));
      break;
    }
    names.push_back(query.index < rows->size()
                        ? Excerpt((*rows)[query.index].id, 40)
                        : absl::StrCat("#", query.index));
  }
  console_.Say(absl::StrCat("In doubt: ", in_doubt.size(), " (",
                            absl::StrJoin(names, ", "),
                            "): may have been billed, asked again"));
  return absl::nullopt;
}

absl::optional<Refusal> BenchmarkCellImpl::RunSession(Evaluator& evaluator,
                                                      int workers) {
  MaybeRefusal refusal = RecordInDoubt();
  if (refusal.has_value()) return refusal;
  SessionInfo session;
  session.workers = static_cast<uint32_t>(workers);
  session.config_json = ConfigJson(options_);
  if (absl::Status s = journal_->BeginSession(session); !s.ok()) {
    return JournalFailed(s);
  }
  session_begun_ = true;
  plan_.workers = workers;
  const ProgressTotals totals = journal_->totals();
  Progress start;
  start.title = outcome_.label;
  start.total = Total();
  start.done = std::min(totals.completed, Total());
  start.resumed = start.done;
  start.runs = plan_.runs;
  if (totals.cost > 0) start.cost = totals.cost;
  ConsoleObserver observer(console_);
  RunParts parts;
  parts.journal = journal_.get();
  parts.dataset = context_.dataset;
  parts.fields = &fields_;
  parts.scoring = context_.scoring;
  parts.evaluator = &evaluator;
  parts.observer = &observer;
  parts.clock = context_.clock;
  std::unique_ptr<BenchmarkRun> run = BenchmarkRun::Create(parts, plan_);
  console_.BeginProgress(start);
  {
    absl::MutexLock lock(&run_mutex_);
    run_ = run.get();
    if (stop_requested_) run->RequestStop();
  }
  run_status_ = run->Run();
  {
    absl::MutexLock lock(&run_mutex_);
    run_ = nullptr;
  }
  evaluator.Stop();
  console_.EndProgress();
  return absl::nullopt;
}

// ---------------------------------------------------------------------------
// The end

absl::optional<Refusal> BenchmarkCellImpl::Finish() {
  const bool usable = !JournalIsDead(run_status_);
  // What the end of draining cut off may have been billed.
  if (usable && session_begun_) {
    if (MaybeRefusal refusal = RecordInDoubt(); refusal.has_value()) {
      return refusal;
    }
  }
  MaybeRefusal results = WriteResultFiles();

  const bool complete = run_status_.ok() && !results.has_value() &&
                        outcome_.results->status == ResultsStatus::kComplete;
  outcome_.exit_code = FinalExitCode();
  absl::Status ended = absl::OkStatus();
  if (usable) {
    ended = RecordEnd(complete);
    const absl::Status closed = journal_->Close();
    if (ended.ok()) ended = closed;
  }
  if (!run_status_.ok()) return JournalFailed(run_status_);
  if (results.has_value()) return results;
  if (!ended.ok()) return JournalFailed(ended);
  SayEnd(complete);

  return absl::nullopt;
}

absl::optional<Refusal> BenchmarkCellImpl::WriteResultFiles() {
  absl::StatusOr<std::unique_ptr<ResultStore>> store =
      ResultStore::Load(directory_, scoring_hash_);
  if (!store.ok()) return RefuseJournal(directory_, store.status());
  const BenchmarkInfo& journaled = journal_->info();
  ResultsInfo info;
  info.benchmark_id = benchmark_id_;
  info.run_id = run_id_;
  info.identity_hash = identity_hash_;
  info.scoring_hash = scoring_hash_;
  info.dataset_name = journaled.dataset_name;
  info.dataset_fingerprint = context_.dataset->fingerprint();
  info.dataset_path = context_.dataset->path();
  info.dataset_queries = context_.dataset->size();
  info.model = model_;
  info.method = options_.method;
  info.seed = options_.seed;
  info.runs = plan_.runs;
  for (const SelectedRow& row : plan_.rows) info.order.push_back(row.index);
  for (const std::unique_ptr<Scorer>& scorer : context_.scoring->scorers()) {
    info.scorers.push_back(
        {std::string(scorer->name()), {scorer->lowest(), scorer->highest()}});
  }
  outcome_.results_path = ResultsPath(run_id_);
  absl::StatusOr<Results> results =
      WriteResults(**store, info, outcome_.results_path, *context_.fs);
  if (!results.ok()) {
    return Refusal{
        ExitCodeOf(results.status()),
        absl::StrCat("The results could not be written: ",
                     Printable(results.status().message()),
                     "\nAll of them are in the journal ", Printable(directory_),
                     "; run the same command again.")};
  }
  outcome_.results = *std::move(results);
  return absl::nullopt;
}

int BenchmarkCellImpl::FinalExitCode() const {
  if (!run_status_.ok()) return ExitCodeOf(run_status_);
  if (context_.signals != nullptr && context_.signals->caught() != 0) {
    return kExitSignal + context_.signals->caught();
  }
  if (!outcome_.results.has_value()) return kExitOperation;
  if (outcome_.results->failed > 0) return kExitFailures;
  return BelowMinimum() ? kExitBelowMinimum : kExitDone;
}

bool BenchmarkCellImpl::BelowMinimum() const {
  if (!options_.min_score.has_value()) return false;
  for (const NamedSummary& metric : outcome_.results->metrics) {
    if (!options_.min_score->scorer.empty() &&
        options_.min_score->scorer != metric.name) {
      continue;
    }
    return !metric.summary.mean.has_value() ||
           *metric.summary.mean < options_.min_score->value;
  }
  return true;
}

absl::Status BenchmarkCellImpl::RecordEnd(bool complete) {
  const bool was_complete = journal_->complete();
  if (complete && !was_complete) {
    for (const RunResults& run : outcome_.results->runs) {
      NamedValues means;
      for (const NamedSummary& metric : run.metrics) {
        means.emplace_back(metric.name, metric.summary.mean.value_or(0));
      }
      absl::Status s =
          journal_->RecordRunEnd(run.run, run.seed, run.n, run.completed,
                                 run.failed, run.unparsed, means);
      if (!s.ok()) return s;
    }
  }
  if (session_begun_) {
    const int signal =
        context_.signals == nullptr ? 0 : context_.signals->caught();
    const SessionStop reason = !run_status_.ok() ? SessionStop::kError
                               : signal != 0     ? SessionStop::kSignal
                                                 : SessionStop::kCompleted;
    absl::Status s = journal_->EndSession(reason, signal, outcome_.exit_code,
                                          run_status_.message());
    if (!s.ok()) return s;
  }
  if (complete && !was_complete) {
    return journal_->RecordComplete(outcome_.exit_code, outcome_.results_path);
  }
  return absl::OkStatus();
}

void BenchmarkCellImpl::SayEnd(bool complete) {
  const Results& results = *outcome_.results;
  const std::string where = Printable(outcome_.results_path);
  if (complete && !session_begun_) {
    console_.Say(absl::StrCat("Results saved to ", where));
    return;
  }
  if (complete) {
    console_.Say(absl::StrCat(
        temporary_.path.empty() ? "Final checkpoint saved: " : "Finished: ",
        WithThousands(results.completed + results.failed),
        " results. Results saved to ", where));
    return;
  }
  if (!temporary_.path.empty()) {
    console_.Say(
        absl::StrCat("Interrupted without a checkpoint. What there is "
                     "was saved to ",
                     where));
    return;
  }
  console_.Say(absl::StrCat("Checkpoint saved: ", Printable(directory_), " (",
                            WithThousands(results.completed), "/",
                            WithThousands(results.n),
                            "). Run the same command again to go on"));
}

void BenchmarkCellImpl::ClearJournal() {
  if (directory_.empty() || !temporary_.path.empty()) return;
  // Under a name that nothing looks for first: a journal that is half removed
  // must not look like a damaged one.
  const std::string aside = journal::JoinPath(
      options_.journal_dir,
      absl::StrCat(".cleared-",
                   std::filesystem::path(directory_).filename().string()));
  absl::Status s = context_.fs->Rename(directory_, aside);
  std::error_code error;
  if (s.ok()) std::filesystem::remove_all(aside, error);
  if (s.ok() && error) s = absl::UnknownError(error.message());
  console_.Say(s.ok() ? absl::StrCat("Journal cleared: ", Printable(directory_))
                      : absl::StrCat("The journal could not be cleared: ",
                                     Printable(s.message())));
}

}  // namespace

absl::StatusOr<std::unique_ptr<BenchmarkCell>> BenchmarkCell::Create(
    const CellContext& context, absl::string_view model) {
  absl::StatusOr<Fields> fields =
      Fields::Create(context.options->fields, model, context.options->method);
  if (!fields.ok()) return fields.status();
  auto cell =
      std::make_unique<BenchmarkCellImpl>(context, model, *std::move(fields));
  if (absl::Status s = cell->MakeNames(); !s.ok()) return s;
  return std::unique_ptr<BenchmarkCell>(std::move(cell));
}

}  // namespace runner
