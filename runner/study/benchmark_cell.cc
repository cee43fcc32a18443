#include "runner/study/benchmark_cell.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "journal/error.h"
#include "runner/base/printable.h"
#include "runner/config/api_key.h"
#include "runner/data/prompt_template.h"
#include "runner/display/progress_format.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/storage/records.h"
#include "runner/storage/result_store.h"
#include "runner/study/batches.h"
#include "runner/study/benchmark_names.h"
#include "runner/study/benchmark_run.h"
#include "runner/study/cell_messages.h"
#include "runner/study/cell_observer.h"
#include "runner/study/cell_plan.h"
#include "runner/study/cell_records.h"
#include "runner/study/cell_results.h"
#include "runner/study/evaluator_maker.h"
#include "runner/study/journal_choice.h"
#include "runner/study/journal_clearing.h"
#include "runner/study/journal_entry.h"
#include "runner/study/memory_pressure.h"
#include "runner/study/metered_evaluator.h"
#include "runner/study/results_place.h"
#include "runner/study/resume_check.h"
#include "runner/study/session_begin.h"
#include "runner/study/standing_limit.h"
#include "runner/study/work_source.h"

namespace runner {
namespace {

class BenchmarkCellImpl final : public BenchmarkCell {
 public:
  BenchmarkCellImpl(const CellContext& context, BenchmarkNames names,
                    Fields fields, PromptTemplate prompt,
                    OpenAiEndpoint endpoint)
      : context_(context),
        options_(*context.options),
        console_(*context.console),
        names_(std::move(names)),
        fields_(std::move(fields)),
        prompt_(std::move(prompt)),
        endpoint_(std::move(endpoint)) {
    outcome_.label = names_.label;
    outcome_.model = names_.model;
  }

  const Fields& fields() const override { return fields_; }
  absl::Status CheckPrompt(absl::string_view row_json,
                           const RowFields& fields) const override;
  CellOutcome Run() override;
  void RequestStop() override ABSL_LOCKS_EXCLUDED(run_mutex_);
  void ClearJournal() override;
  std::string named_results() const override { return names_.named_results; }
  bool CarrySpending() override;
  std::string row_rules() const override {
    return absl::StrCat(names_.identity_json, "\n", names_.scoring_json, "\n");
  }

 private:
  using MaybeRefusal = absl::optional<Refusal>;

  // The steps of Run, in order. A refusal ends it.
  MaybeRefusal Evaluate();
  absl::StatusOr<std::unique_ptr<Evaluator>> MakeMetered(EvaluatorWish wish);
  // Whether a limit keeps this many from being asked.
  bool LimitForbids(uint64_t to_ask);
  void StopAtLimit() ABSL_LOCKS_EXCLUDED(run_mutex_);
  bool has_template() const {
    return !options_.request.prompt_template.empty();
  }
  // `evaluator` is null when nothing is left to ask.
  MaybeRefusal RunSession(Evaluator* evaluator, ExternalScorer* external,
                          const RemainingWork& remaining, int workers);
  int Workers(const RemainingWork& remaining) const;
  void EaseMemory(const std::string& why, BenchmarkRun& run)
      ABSL_LOCKS_EXCLUDED(run_mutex_);
  std::function<void(uint32_t, absl::string_view)> LogOf(const char* process);
  MaybeRefusal ListInDoubt();
  MaybeRefusal Finish();
  MaybeRefusal WriteResultFiles();
  absl::Status RecordSelection();
  absl::Status RecordEnd(bool complete);
  absl::Status EndSession();
  CellEnd End(bool complete) const;

  MaybeRefusal JournalFailed(const absl::Status& status);
  int FinalExitCode() const;
  uint64_t Total() const { return plan_.runs * context_.selected->size(); }

  const CellContext context_;
  const RunOptions& options_;
  Console& console_;
  const BenchmarkNames names_;
  const Fields fields_;
  const PromptTemplate prompt_;
  const OpenAiEndpoint endpoint_;  // Empty unless it is asked.

  EnteredJournal entered_;
  // Without a journal (--checkpoint-interval 0) what the results are made of
  // lies here, and goes when the cell does.
  struct RemoveOnExit {
    std::string path;
    ~RemoveOnExit() {
      std::error_code ignored;
      if (!path.empty()) std::filesystem::remove_all(path, ignored);
    }
  } temporary_;
  bool session_begun_ = false;
  uint64_t unscored_ = 0;  // That an external scorer failed at.
  bool withheld_ = false;  // A limit kept everything from being asked.
  std::atomic<bool> stopped_at_limit_{false};
  absl::optional<LimitReached> limit_;  // Why this is not the end.
  LimitRecorder limit_recorder_;
  RunPlan plan_;
  absl::Status run_status_;
  CellOutcome outcome_;

  absl::Mutex run_mutex_;
  BenchmarkRun* run_ ABSL_GUARDED_BY(run_mutex_) = nullptr;
  bool stop_requested_ ABSL_GUARDED_BY(run_mutex_) = false;
  bool eased_ = false;  // It was said; the memory's watch's own.
};

CellOutcome BenchmarkCellImpl::Run() {
  JournalEntryContext entry;
  entry.options = context_.options;
  entry.dataset = context_.dataset;
  entry.access = context_.access;
  entry.clock = context_.clock;
  entry.console = context_.console;
  entry.signals = context_.signals;
  MaybeRefusal refusal = EnterJournal(entry, names_, &entered_);
  if (entered_.temporary) temporary_.path = entered_.directory;
  if (!refusal.has_value()) {
    plan_ = PlanOf(options_, names_.model, *context_.selected,
                   entered_.index_of_row);
    entered_.index_of_row = {};
    CarryInto(*context_.ledger, context_.number, names_.model,
              entered_.journal->totals(), options_.retry_failed);
  }
  if (!refusal.has_value()) refusal = Evaluate();
  if (!refusal.has_value()) refusal = Finish();
  if (refusal.has_value()) {
    console_.Error(refusal->message);
    outcome_.exit_code = refusal->exit_code;
    outcome_.refusal = std::move(refusal->message);
  }
  return std::move(outcome_);
}

void BenchmarkCellImpl::RequestStop() {
  absl::MutexLock lock(&run_mutex_);
  stop_requested_ = true;
  if (run_ != nullptr) {
    const auto in_flight = run_->in_flight();
    // First: once it is said, nothing more is asked.
    run_->RequestStop();
    console_.Say(absl::StrCat(
        "Interrupt signal received; finishing ", in_flight, " in flight (",
        absl::ToInt64Seconds(plan_.drain_timeout), " s; again: stop now)"));
  }
}

absl::optional<Refusal> BenchmarkCellImpl::JournalFailed(
    const absl::Status& status) {
  return RefuseJournal(entered_.directory, status, session_begun_);
}

// ---------------------------------------------------------------------------
// The run

absl::optional<Refusal> BenchmarkCellImpl::Evaluate() {
  const RemainingWork remaining =
      BenchmarkRun::CountRemaining(*entered_.journal, plan_);
  if (entered_.resumed) {
    console_.Say(LoadedText(
        entered_.journal->totals(),
        {CountDone(*entered_.journal, plan_), Total(),
         CountSetAside(*entered_.journal, plan_), remaining.to_score}));
  }
  if (entered_.resumed && (options_.verbose || !options_.log_file.empty())) {
    SaySkipped(*entered_.journal, *context_.dataset, plan_, console_);
  }
  // A change that was accepted belongs to a session, also to an empty one.
  if (remaining.to_ask == 0 && remaining.to_score == 0 && !entered_.accepted) {
    if (entered_.journal->complete()) {
      console_.Say(CompleteText(entered_.journal->complete_time()));
    }
    return absl::nullopt;
  }
  const int workers = Workers(remaining);
  withheld_ = LimitForbids(remaining.to_ask);
  if (withheld_ && remaining.to_score == 0 && !entered_.accepted) {
    return absl::nullopt;
  }
  // What cannot be started is wrong before anything was asked, whatever the
  // reason.
  const auto refused = [](const absl::Status& status) {
    return Refusal{kExitUsage, Printable(status.message())};
  };
  std::unique_ptr<ExternalScorer> external;
  if (context_.scoring->needs_external()) {
    auto made = MakeExternalScorer(options_, workers, LogOf("scorer"));
    if (!made.ok()) return refused(made.status());
    external = *std::move(made);
  }
  if (withheld_ || remaining.to_ask == 0) {
    return RunSession(nullptr, external.get(), remaining, workers);
  }
  EvaluatorWish wish;
  wish.workers = workers;
  wish.options = &options_;
  const absl::Status read = HandBackStates(*entered_.journal, console_, &wish);
  if (!read.ok()) return JournalFailed(read);
  absl::StatusOr<std::unique_ptr<Evaluator>> evaluator =
      MakeMetered(std::move(wish));
  if (!evaluator.ok()) return refused(evaluator.status());
  return RunSession(evaluator->get(), external.get(), remaining, workers);
}

int BenchmarkCellImpl::Workers(const RemainingWork& remaining) const {
  // An answer that a process scores takes as long as a question.
  const bool slow_scores = context_.scoring->needs_external();
  return static_cast<int>(WorkersFor(
      options_, remaining.to_ask + (slow_scores ? remaining.to_score : 0)));
}

std::function<void(uint32_t, absl::string_view)> BenchmarkCellImpl::LogOf(
    const char* process) {
  return [this, process](uint32_t slot, absl::string_view line) {
    console_.Detail(absl::StrCat(process, " ", slot, ": ", line));
  };
}

bool BenchmarkCellImpl::LimitForbids(uint64_t to_ask) {
  if (to_ask == 0) return false;
  context_.limits->Check();
  limit_ = context_.limits->reached();
  if (!limit_.has_value() && !options_.retry_failed) {
    limit_ = StandingLimit(options_.limits, *entered_.journal);
  }
  return limit_.has_value();
}

bool BenchmarkCellImpl::CarrySpending() {
  const absl::optional<LocatedJournal> found = FindResumable(
      WishOf(options_, names_), *context_.dataset, options_, context_.access);
  if (!found.has_value()) return false;
  CarryInto(*context_.ledger, context_.number, names_.model, found->totals,
            options_.retry_failed);
  return true;
}

absl::Status BenchmarkCellImpl::CheckPrompt(absl::string_view row_json,
                                            const RowFields& fields) const {
  if (has_template()) return prompt_.Render(row_json).status();
  if (options_.evaluator != EvaluatorKind::kOpenAi || fields.input) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "no input, prompt or question: give --input-field or --prompt-template");
}

absl::StatusOr<std::unique_ptr<Evaluator>> BenchmarkCellImpl::MakeMetered(
    EvaluatorWish wish) {
  wish.model = names_.model;
  wish.endpoint = endpoint_;
  wish.log = LogOf("worker");
  absl::StatusOr<std::unique_ptr<Evaluator>> evaluator =
      MakeEvaluator(std::move(wish));
  if (!evaluator.ok()) return evaluator.status();
  return NewMeteredEvaluator(*std::move(evaluator), context_.price,
                             [this](const EvaluationResult& result) {
                               context_.ledger->AddAttempt(
                                   context_.number, result.usage, result.cost,
                                   /*answered=*/!result.error.has_value());
                               if (result.cost) console_.Spent(*result.cost);
                               context_.limits->Check();
                             });
}

// From the watch's thread, which ends before `run` does. It waits for the disk,
// and nobody must wait for that.
void BenchmarkCellImpl::EaseMemory(const std::string& why, BenchmarkRun& run) {
  {
    absl::MutexLock lock(&run_mutex_);
    if (run_ == nullptr) return;
  }
  const int limit = run.EaseMemory();
  if (std::exchange(eased_, true)) return;
  console_.Say(absl::StrCat("Memory runs short (", why,
                            "): the journal is flushed, at most ", limit,
                            " under way for now"));
}

// What is under way was paid for and may end, but where time itself is up.
void BenchmarkCellImpl::StopAtLimit() {
  const absl::optional<LimitReached> limit = context_.limits->reached();
  int in_flight = 0;
  {
    absl::MutexLock lock(&run_mutex_);
    if (run_ == nullptr || !limit.has_value()) return;
    stopped_at_limit_ = true;
    in_flight = run_->in_flight();
    if (limit->name == kMaxDuration) {
      run_->RequestStop();
    } else {
      run_->StopAsking();
    }
  }
  // What fails is tried again when the session ends, and told then.
  limit_recorder_.Record(*limit, *entered_.journal).IgnoreError();
  console_.Say(absl::StrCat("Limit reached: ", limit->text, "; finishing ",
                            in_flight, " in flight"));
}

absl::optional<Refusal> BenchmarkCellImpl::ListInDoubt() {
  const absl::StatusOr<std::string> text = RecordInDoubt(*entered_.journal);
  if (!text.ok()) return JournalFailed(text.status());
  if (!text->empty()) console_.Say(*text);
  return absl::nullopt;
}

absl::optional<Refusal> BenchmarkCellImpl::RunSession(
    Evaluator* evaluator, ExternalScorer* external,
    const RemainingWork& remaining, int workers) {
  MaybeRefusal refusal = ListInDoubt();
  if (refusal.has_value()) return refusal;
  const BatchProgress batches = entered_.journal->batches();
  const BatchRange range = NextBatches(batches, remaining.batches);
  // Of the session before: this one, once begun, has as many as it has.
  const bool redistributed = evaluator != nullptr &&
                             IsRedistributed(*entered_.journal, range, workers);
  absl::Status begun = BeginSession(options_, static_cast<uint32_t>(workers),
                                    entered_, console_);
  if (!begun.ok()) return JournalFailed(begun);
  session_begun_ = true;
  if (redistributed) console_.Say(RedistributionText(range, workers));
  context_.ledger->BeginSession(context_.number);
  if (evaluator != nullptr) {
    absl::Status s = RecordPlan(batches, range, *entered_.journal);
    if (!s.ok()) return JournalFailed(s);
  }
  plan_.first_batch = range.first;
  if (absl::Status s = RecordSelection(); !s.ok()) return JournalFailed(s);
  plan_.workers = workers;
  Progress start = StartOf(*entered_.journal, plan_);
  start.title = absl::StrCat(context_.position, outcome_.label);
  start.study_total = context_.study_total;
  start.study_before = context_.study_before;
  CellObserver observer({&console_, entered_.journal.get(), context_.ledger,
                         context_.limits, context_.number,
                         options_.retry_failed});
  RunParts parts;
  parts.journal = entered_.journal.get();
  parts.dataset = context_.dataset;
  parts.fields = &fields_;
  parts.prompt = has_template() ? &prompt_ : nullptr;
  parts.scoring = context_.scoring;
  parts.external = external;
  parts.evaluator = evaluator;
  parts.observer = &observer;
  parts.clock = context_.clock;
  std::unique_ptr<BenchmarkRun> run = BenchmarkRun::Create(parts, plan_);
  console_.BeginProgress(start);
  {
    absl::MutexLock lock(&run_mutex_);
    run_ = run.get();
    if (stop_requested_) run->RequestStop();
  }
  if (evaluator != nullptr) {
    context_.limits->Watch([this] { StopAtLimit(); });
  }
  const auto pressure = MemoryPressureWatch::Start(
      {PressureSources::OfThisProcess()},
      [this, &run](const std::string& why) { EaseMemory(why, *run); });
  run_status_ = run->Run();
  context_.limits->Unwatch();
  {
    absl::MutexLock lock(&run_mutex_);
    run_ = nullptr;
  }
  if (evaluator != nullptr) evaluator->Stop();
  console_.EndProgress();
  unscored_ = observer.unscored();
  if (unscored_ > 0) console_.Say(UnscoredText(unscored_));
  return absl::nullopt;
}

// ---------------------------------------------------------------------------
// The end

absl::optional<Refusal> BenchmarkCellImpl::Finish() {
  const bool usable = !JournalIsDead(run_status_);
  // What the end of draining cut off may have been billed.
  if (usable && session_begun_) {
    MaybeRefusal refusal = ListInDoubt();
    // On a full disk the next start lists them.
    if (refusal.has_value() && run_status_.ok()) return refusal;
  }
  MaybeRefusal results = WriteResultFiles();
  const bool complete = run_status_.ok() && !results.has_value() &&
                        outcome_.results->status == ResultsStatus::kComplete;
  if (stopped_at_limit_ && !complete) {
    limit_ = context_.limits->reached();
  }
  outcome_.exit_code = FinalExitCode();
  absl::Status ended = absl::OkStatus();
  context_.ledger->EndSession();
  if (usable) {
    ended = RecordEnd(complete);
    const absl::Status closed = entered_.journal->Close();
    if (ended.ok()) ended = closed;
  }
  if (!run_status_.ok()) return JournalFailed(run_status_);
  if (results.has_value()) return results;
  if (!ended.ok()) return JournalFailed(ended);
  SayFailures(
      *outcome_.results,
      {entered_.temporary ? "" : entered_.directory, outcome_.results_path},
      console_);
  const CellEnd end = End(complete);
  // Why the program ends as it does is said in any case.
  if (outcome_.exit_code == kExitLimit) {
    console_.Error(EndText(end));
  } else {
    console_.Say(EndText(end));
  }
  return absl::nullopt;
}

absl::optional<Refusal> BenchmarkCellImpl::WriteResultFiles() {
  ResultsInfo info =
      DescribeResults({&names_, entered_.journal.get(), context_.dataset,
                       context_.scoring, &plan_});
  info.run_id = entered_.run_id;
  if (!entered_.temporary) {
    info.journal = std::filesystem::absolute(entered_.directory);
  }
  info.limit_reached = withheld_ || stopped_at_limit_;
  info.sqlite = options_.sqlite;
  // What the run needed goes back before an index of all results is made.
  plan_.rows = std::vector<SelectedRow>();
  malloc_trim(0);
  absl::StatusOr<std::unique_ptr<ResultStore>> store = ResultStore::Load(
      entered_.directory, names_.scoring_hash, context_.access);
  if (!store.ok()) {
    return CannotReadBack(entered_.directory, store.status(), session_begun_);
  }
  outcome_.results_path = OwnResultsPath(
      options_,
      ResultsPath(options_, *context_.dataset, names_.model, entered_.run_id),
      info.journal, console_);
  absl::StatusOr<Results> results = WriteResults(
      **store, info, outcome_.results_path, *context_.access.file_system);
  if (!results.ok()) {
    return Refusal{ExitCodeOf(results.status()),
                   absl::StrCat("The results could not be written: ",
                                Printable(results.status().message()),
                                "\nAll of them are in the journal ",
                                Printable(entered_.directory),
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
  if (limit_.has_value()) return kExitLimit;
  if (outcome_.results->failed + unscored_ > 0) return kExitFailures;
  return IsBelow(options_.min_score, *outcome_.results) ? kExitBelowMinimum
                                                        : kExitDone;
}

// What is asked for, where the journal does not say it yet.
absl::Status BenchmarkCellImpl::RecordSelection() {
  SelectionRecord selection;
  selection.runs = plan_.runs;
  selection.queries = context_.selected->size();
  selection.selection_json = names_.selection_json;
  selection.dataset_fingerprint = context_.dataset->fingerprint();
  return runner::RecordSelection(selection, *entered_.journal);
}

absl::Status BenchmarkCellImpl::RecordEnd(bool complete) {
  const bool was_complete = entered_.journal->complete();
  if (complete && !was_complete) {
    for (const RunResults& run : outcome_.results->runs) {
      absl::Status s = entered_.journal->RecordRunEnd(AggregateOf(run));
      if (!s.ok()) return s;
    }
  }
  if (session_begun_) {
    absl::Status s = EndSession();
    if (!s.ok()) return s;
  }
  if (complete && !was_complete) {
    absl::Status s = RecordSelection();
    if (!s.ok()) return s;
    return entered_.journal->RecordComplete(outcome_.exit_code,
                                            outcome_.results_path);
  }
  return absl::OkStatus();
}

absl::Status BenchmarkCellImpl::EndSession() {
  const int signal =
      context_.signals == nullptr ? 0 : context_.signals->caught();
  const SessionStop reason = !run_status_.ok()    ? SessionStop::kError
                             : signal != 0        ? SessionStop::kSignal
                             : limit_.has_value() ? SessionStop::kLimit
                                                  : SessionStop::kCompleted;
  std::string detail(run_status_.message());
  if (reason == SessionStop::kLimit) detail = limit_->text;
  if (limit_.has_value()) {
    absl::Status s = limit_recorder_.Record(*limit_, *entered_.journal);
    if (!s.ok()) return s;
  }
  return entered_.journal->EndSession(reason, signal, outcome_.exit_code,
                                      detail);
}

CellEnd BenchmarkCellImpl::End(bool complete) const {
  CellEnd end;
  end.directory = entered_.directory;
  end.temporary = entered_.temporary;
  end.results_path = outcome_.results_path;
  end.n = outcome_.results->n;
  end.completed = outcome_.results->completed;
  end.failed = outcome_.results->failed;
  end.complete = complete;
  end.session_begun = session_begun_;
  if (outcome_.exit_code == kExitLimit) end.limit = limit_;
  return end;
}

void BenchmarkCellImpl::ClearJournal() {
  if (entered_.directory.empty() || entered_.temporary) return;
  runner::ClearJournal(entered_.directory, context_.access, console_);
}

}  // namespace

absl::StatusOr<std::unique_ptr<BenchmarkCell>> BenchmarkCell::Create(
    const CellContext& context, absl::string_view model) {
  absl::StatusOr<Fields> fields =
      Fields::Create(context.options->fields, model, context.options->method);
  if (!fields.ok()) return fields.status();
  absl::StatusOr<BenchmarkNames> names = MakeNames(
      *context.options, *context.dataset, model, context.clock->Now());
  if (!names.ok()) return names.status();
  absl::StatusOr<PromptTemplate> prompt =
      PromptTemplate::Parse(context.options->request.prompt_template);
  if (!prompt.ok()) return prompt.status();
  OpenAiEndpoint endpoint;
  if (context.options->evaluator == EvaluatorKind::kOpenAi) {
    absl::StatusOr<OpenAiEndpoint> found = FindOpenAiEndpoint(*context.options);
    if (!found.ok()) return found.status();
    endpoint = *std::move(found);
  }
  auto cell = std::make_unique<BenchmarkCellImpl>(
      context, *std::move(names), *std::move(fields), *std::move(prompt),
      std::move(endpoint));
  return std::unique_ptr<BenchmarkCell>(std::move(cell));
}

}  // namespace runner
