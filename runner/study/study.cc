#include "runner/study/study.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "journal/clock.h"
#include "journal/file_system.h"
#include "runner/base/exit_code.h"
#include "runner/base/hashing.h"
#include "runner/base/printable.h"
#include "runner/base/signals.h"
#include "runner/config/prices.h"
#include "runner/data/dataset.h"
#include "runner/display/console.h"
#include "runner/display/progress_format.h"
#include "runner/scoring/scorer.h"
#include "runner/study/benchmark_cell.h"
#include "runner/study/benchmark_names.h"
#include "runner/study/cells.h"
#include "runner/study/cost_summary.h"
#include "runner/study/ledger.h"
#include "runner/study/limits.h"
#include "runner/study/question.h"
#include "runner/study/results_place.h"
#include "runner/study/study_end.h"
#include "runner/study/study_inputs.h"
#include "runner/study/study_look.h"

namespace runner {
namespace {

// In the journal directory, where no journal has a name like it.
constexpr absl::string_view kIndexDirectory = ".datasets";

// Counts up when rows are checked for more than they were.
constexpr int kRowRulesVersion = 1;

class Study {
 public:
  Study(const Command& command, const journal::Cipher* cipher,
        ProgressDisplay& display)
      : options_(command.run),
        methods_(command.methods),
        cipher_(cipher),
        display_(display),
        console_(NewDisplayConsole(display)),
        ledger_(journal::Clock::Real()),
        limits_(options_.limits, &ledger_, journal::Clock::Real()) {}

  int Run();

 private:
  absl::Status Prepare();
  absl::Status CheckPrices() const;
  absl::Status CheckResultsPlaces() const;
  absl::Status MakeCells();
  std::string IndexDirectory() const;
  uint64_t RowRules(const StudyDataset& loaded) const;
  absl::Status CheckRows(const StudyDataset& loaded) const;
  void RunCells();
  std::string PositionOf(size_t cell) const;
  uint64_t QueriesOf(size_t cells) const;
  // What earlier sessions spent, where there is a limit on it.
  void CarrySpending();
  // Whether a limit keeps the next one from being begun.
  bool IsForbidden(size_t cell);
  void SayNotBegun() const;
  void SayRefused() const;
  void SayInterrupted() const;
  void SayCost() const;
  void RequestStop() ABSL_LOCKS_EXCLUDED(mutex_);
  int ExitCode() const;
  bool PrintTable() const;  // False if stdout did not take it.

  const RunOptions& options_;
  const std::vector<MethodOptions>& methods_;
  const journal::Cipher* const cipher_;
  ProgressDisplay& display_;
  const std::unique_ptr<Console> console_;
  Ledger ledger_;
  LimitWatch limits_;
  absl::optional<Prices> prices_;
  std::vector<StudyDataset> datasets_;
  std::unique_ptr<Scoring> scoring_;
  std::vector<Cell> cell_options_;  // What each of cells_ borrows.
  std::vector<std::unique_ptr<BenchmarkCell>> cells_;
  std::vector<bool> has_journal_;  // Of those limits must know about.
  std::vector<CellOutcome> outcomes_;
  bool limited_ = false;    // Some were not begun for it.
  int interrupted_by_ = 0;  // A signal that came before a benchmark had begun.

  absl::Mutex mutex_;
  BenchmarkCell* current_ ABSL_GUARDED_BY(mutex_) = nullptr;
  // Last: its thread calls into all of the above.
  std::unique_ptr<SignalCatcher> signals_;
};

int Study::Run() {
  const bool asks = options_.interactive && !options_.yes;
  if (asks && !CanAsk()) {
    console_->Error(
        "--interactive asks on a terminal, and there is none; --yes goes on "
        "without a question");
    return kExitUsage;
  }
  if (absl::Status s = Prepare(); !s.ok()) {
    console_->Error(Printable(s.message()));
    return ExitCodeOf(s);
  }
  const StudyLook look = {&options_,      &cell_options_, &datasets_,
                          scoring_.get(), cipher_,        console_.get()};
  if (options_.looks_only()) return LookAtStudy(look);
  if (asks) {
    const absl::optional<int> ended = AskFirst(look, *signals_, &cell_options_);
    if (ended.has_value()) return *ended;
  }
  CarrySpending();
  RunCells();
  signals_.reset();
  const int code = ExitCode();
  SayCost();
  if (cells_.size() > 1) SayRefused();
  // All or none: what is asked again goes on with what is still there.
  if (options_.clear_on_success && code == kExitDone) {
    for (const std::unique_ptr<BenchmarkCell>& cell : cells_) {
      cell->ClearJournal();
    }
  }
  return PrintTable() ? code : std::max<int>(code, kExitOperation);
}

absl::Status Study::Prepare() {
  absl::StatusOr<absl::optional<Prices>> prices = LoadPrices(options_);
  if (!prices.ok()) return prices.status();
  prices_ = *std::move(prices);
  absl::StatusOr<std::vector<StudyDataset>> datasets =
      LoadDatasets(options_, IndexDirectory());
  if (!datasets.ok()) return datasets.status();
  datasets_ = *std::move(datasets);
  absl::StatusOr<Scoring> scoring = Scoring::Create(
      {.regex = options_.extract_regex, .extract = options_.extract},
      options_.scorers);
  if (!scoring.ok()) return scoring.status();
  scoring_ = std::make_unique<Scoring>(*std::move(scoring));
  // Looking can be ended at any time.
  if (!options_.looks_only()) {
    absl::StatusOr<std::unique_ptr<SignalCatcher>> signals =
        SignalCatcher::Install([this](int) { RequestStop(); });
    if (!signals.ok()) return signals.status();
    signals_ = *std::move(signals);
  }
  if (absl::Status s = MakeCells(); !s.ok()) return s;
  if (absl::Status s = CheckPrices(); !s.ok()) return s;
  if (options_.info) return absl::OkStatus();
  if (absl::Status s = CheckResultsPlaces(); !s.ok()) return s;
  for (const StudyDataset& loaded : datasets_) {
    const uint64_t rules = RowRules(loaded);
    const bool checked = loaded.dataset->checked_rules() == rules;
    if (checked && !options_.validate_only) continue;
    if (absl::Status s = CheckRows(loaded); !s.ok()) return s;
    if (options_.looks_only()) continue;
    if (signals_->caught() != 0) return absl::OkStatus();  // Not all of them.
    // For the next time: it is only slower without.
    if (absl::Status s = loaded.dataset->KeepIndex(rules); !s.ok()) {
      console_->Detail(absl::StrCat("The dataset's index was not kept: ",
                                    Printable(s.message())));
    }
  }
  return absl::OkStatus();
}

// A server never says what an answer cost; a worker may.
absl::Status Study::CheckPrices() const {
  if (!options_.limits.cost.has_value() || options_.score_only) {
    return absl::OkStatus();
  }
  std::vector<std::string> unpriced;
  for (const Cell& cell : cell_options_) {
    if (cell.options.evaluator != EvaluatorKind::kOpenAi) continue;
    if (prices_.has_value() && prices_->Find(cell.model)) continue;
    if (std::find(unpriced.begin(), unpriced.end(), cell.model) ==
        unpriced.end()) {
      unpriced.push_back(cell.model);
    }
  }
  if (unpriced.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--max-cost needs a price for every model; ",
      options_.prices.empty() ? std::string("without --prices")
                              : absl::StrCat(options_.prices, " has none"),
      " for ", absl::StrJoin(unpriced, ", ")));
}

// At the end of a run of hours it would be too late. Whether a journal's own
// folder of results can be made does not depend on its name.
absl::Status Study::CheckResultsPlaces() const {
  if (options_.validate_only) return absl::OkStatus();
  for (const Cell& cell : cell_options_) {
    absl::Status s = CheckResultsPlace(
        ResultsPath(cell.options, *datasets_[cell.dataset].dataset, cell.model,
                    /*run_id=*/"run_id"));
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

// Not beside encrypted journals, of which an index would tell the ids.
std::string Study::IndexDirectory() const {
  if (options_.checkpoint_interval == 0 || cipher_ != nullptr) return "";
  return journal::JoinPath(options_.journal_dir, kIndexDirectory);
}

// What the rows are checked for, by all benchmarks of the dataset; not 0.
uint64_t Study::RowRules(const StudyDataset& loaded) const {
  std::string rules = absl::StrCat(kRowRulesVersion, "\n");
  for (size_t cell = 0; cell < cells_.size(); ++cell) {
    if (&datasets_[cell_options_[cell].dataset] != &loaded) continue;
    rules += cells_[cell]->row_rules();
  }
  return std::max<uint64_t>(Xxh3(rules), 1);
}

absl::Status Study::MakeCells() {
  cell_options_ = StudyCells(options_, methods_);
  if (!options_.import_from.empty() && cell_options_.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(options_.import_from, " is of one benchmark, and ",
                     cell_options_.size(),
                     " are asked for: name one dataset, model and method"));
  }
  if (!options_.resume || options_.overwrite) {
    MarkBegunAnew(journal::Clock::Real()->Now(), &cell_options_);
  }
  for (size_t i = 0; i < cell_options_.size(); ++i) {
    const Cell& cell = cell_options_[i];
    CellContext context;
    context.options = &cell.options;
    context.dataset = datasets_[cell.dataset].dataset.get();
    context.selected = &datasets_[cell.dataset].selected;
    context.scoring = scoring_.get();
    context.access.cipher = cipher_;
    context.clock = journal::Clock::Real();
    context.console = console_.get();
    context.signals = signals_.get();
    context.ledger = &ledger_;
    context.limits = &limits_;
    context.number = i;
    if (prices_.has_value()) context.price = prices_->Find(cell.model);
    if (cell_options_.size() > 1) {
      context.position = PositionOf(i);
      context.study_total = QueriesOf(cell_options_.size());
      context.study_before = QueriesOf(i);
    }
    absl::StatusOr<std::unique_ptr<BenchmarkCell>> made =
        BenchmarkCell::Create(context, cell.model);
    if (!made.ok()) return made.status();
    for (const std::unique_ptr<BenchmarkCell>& other : cells_) {
      if (!(*made)->named_results().empty() &&
          (*made)->named_results() == other->named_results()) {
        return absl::InvalidArgumentError(
            absl::StrCat("--results: two benchmarks would write to ",
                         other->named_results()));
      }
    }
    cells_.push_back(*std::move(made));
  }
  return absl::OkStatus();
}

// Before anything is paid: every row has what every benchmark needs of it.
absl::Status Study::CheckRows(const StudyDataset& loaded) const {
  const Dataset& dataset = *loaded.dataset;
  for (size_t i = 0; i < dataset.size(); ++i) {
    // Of a million rows nobody waits for the last one.
    if (signals_ != nullptr && signals_->caught() != 0) {
      return absl::OkStatus();
    }
    absl::StatusOr<std::string> text = dataset.Row(i);
    if (!text.ok()) return text.status();
    for (size_t cell = 0; cell < cells_.size(); ++cell) {
      if (&datasets_[cell_options_[cell].dataset] != &loaded) continue;
      absl::StatusOr<RowFields> fields = cells_[cell]->fields().Resolve(*text);
      absl::Status s =
          fields.ok() ? scoring_->CheckTarget(fields->target) : fields.status();
      if (s.ok()) s = cells_[cell]->CheckPrompt(*text, *fields);
      if (!s.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat(dataset.path(), ": row ", i + 1, " (id ",
                         dataset.id(i), "): ", s.message()));
      }
    }
  }
  return absl::OkStatus();
}

void Study::CarrySpending() {
  has_journal_.assign(cells_.size(), false);
  if (!IsLimited(options_.limits) || options_.score_only) return;
  for (size_t i = 0; i < cells_.size(); ++i) {
    has_journal_[i] = cells_[i]->CarrySpending();
  }
}

// One that has a journal may be complete, and finds out by itself.
bool Study::IsForbidden(size_t cell) {
  if (has_journal_[cell] || options_.score_only) return false;
  limits_.Check();
  const absl::optional<LimitReached> limit = limits_.reached();
  if (!limit.has_value()) return false;
  limited_ = true;
  console_->Error(absl::StrCat("Limit reached: ", limit->text));
  return true;
}

void Study::SayNotBegun() const {
  if (outcomes_.size() == cells_.size()) return;
  console_->Say(absl::StrCat("Not begun: ", cells_.size() - outcomes_.size(),
                             " of ", cells_.size(), " benchmarks"));
}

// The reason of each was said when its turn came, and has scrolled away.
void Study::SayRefused() const {
  const std::string text = RefusedText(outcomes_, cells_.size());
  if (!text.empty()) console_->Error(text);
}

// "[2/6] "
std::string Study::PositionOf(size_t cell) const {
  return absl::StrCat("[", cell + 1, "/", cell_options_.size(), "] ");
}

// Of the first `cells` benchmarks together.
uint64_t Study::QueriesOf(size_t cells) const {
  uint64_t queries = 0;
  for (size_t i = 0; i < cells; ++i) {
    const Cell& cell = cell_options_[i];
    queries +=
        uint64_t{cell.options.runs} * datasets_[cell.dataset].selected.size();
  }
  return queries;
}

// The same command may begin everything anew; what is there goes on for sure.
void Study::SayInterrupted() const {
  const bool begun = !outcomes_.empty() && options_.checkpoint_interval > 0;
  console_->Say(absl::StrCat(
      "Interrupted; not begun: ", cells_.size() - outcomes_.size(), " of ",
      cells_.size(), " benchmarks. ",
      begun ? absl::StrCat("Resume: bench-runner resume latest --journal-dir ",
                           Printable(options_.journal_dir))
            : "Run the same command again"));
}

void Study::RunCells() {
  for (const std::unique_ptr<BenchmarkCell>& cell : cells_) {
    {
      absl::MutexLock lock(&mutex_);
      interrupted_by_ = signals_->caught();
      if (interrupted_by_ == 0) current_ = cell.get();
    }
    if (interrupted_by_ != 0) {
      SayInterrupted();
      return;
    }
    if (IsForbidden(outcomes_.size())) return SayNotBegun();
    CellOutcome outcome = cell->Run();
    {
      absl::MutexLock lock(&mutex_);
      current_ = nullptr;
    }
    const bool ends = EndsStudy(outcome);
    if (cells_.size() > 1) {
      console_->Say(absl::StrCat(PositionOf(outcomes_.size()), EndOf(outcome)));
    }
    outcomes_.push_back(std::move(outcome));
    if (ends) return SayNotBegun();
  }
}

// On the signal thread.
void Study::RequestStop() {
  absl::MutexLock lock(&mutex_);
  if (current_ != nullptr) current_->RequestStop();
}

int Study::ExitCode() const {
  int code = interrupted_by_ == 0 ? static_cast<int>(kExitDone)
                                  : kExitSignal + interrupted_by_;
  if (limited_) code = GraverCode(code, kExitLimit);
  for (const CellOutcome& outcome : outcomes_) {
    code = GraverCode(code, outcome.exit_code);
  }
  return code;
}

void Study::SayCost() const {
  const std::string text = CostSummary(ledger_);
  if (!text.empty()) console_->Say(text);
  const uint64_t unpriced = ledger_.total().unpriced;
  if (!options_.limits.cost.has_value() || unpriced == 0) return;
  console_->Say(absl::StrCat("--max-cost: what ", WithThousands(unpriced),
                             " answers cost is unknown and was not held "
                             "against it"));
}

bool Study::PrintTable() const {
  std::vector<ScoreRow> rows;
  for (const CellOutcome& outcome : outcomes_) {
    for (ScoreRow& row : RowsOf(outcome)) rows.push_back(std::move(row));
    if (options_.json) std::fputs(OutcomeEvent(outcome).c_str(), stdout);
  }
  if (options_.json) std::fputs(SpendingEvent(ledger_).c_str(), stdout);
  if (!options_.json && !options_.quiet) {
    std::fputs(FormatScoreTable(rows, StdoutColumns()).c_str(), stdout);
  }
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  console_->Error("The scores could not be written to stdout");
  return false;
}

}  // namespace

int RunStudy(const Command& command, const journal::Cipher* cipher,
             ProgressDisplay& display) {
  return Study(command, cipher, display).Run();
}

}  // namespace runner
