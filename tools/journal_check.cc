#include "tools/journal_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runner/base/hashing.h"
#include "tools/record_facts.h"

namespace inspector {
namespace {

constexpr size_t kLsnsShown = 10;

// Folds every record once more, one at a time, to see which of them the fold
// cannot use.
class RecordChecker final : public RecordSink {
 public:
  void Restart() override {
    fold_ = std::make_unique<runner::ProgressState>();
    problems_.clear();
    problems_more_ = 0;
    orphans_.clear();
    orphans_more_ = 0;
    first_ = true;
    list_lost_ = false;
    attempts_ = false;
  }

  void Take(const journal::Record& record) override {
    const RecordFacts facts = FactsOf(record);
    const auto type = static_cast<runner::RecordType>(record.type);
    if (first_ && type != runner::RecordType::kBenchmark) {
      Add(record, facts, "the first record is not a Benchmark record");
    }
    first_ = false;
    attempts_ |= facts.key.has_value();
    const uint64_t poison_before = fold_->odd_records().poison;
    fold_->Fold(record);
    if (!facts.unusable.empty()) {
      // Of an unknown type: a newer version wrote it, which is said elsewhere.
      if (!facts.unknown_type) Add(record, facts, facts.unusable);
      return;
    }
    if (fold_->odd_records().poison == poison_before) return;
    const bool listed =
        facts.key.has_value() && facts.key->index < fold_->rows();
    if (type == runner::RecordType::kScore && listed) {
      AddOrphan(record.lsn);
    } else if (facts.key.has_value() && fold_->rows() == 0) {
      // The list itself is lost: said once, not for every record.
      if (!list_lost_) {
        Add(record, facts,
            "names a row, as later records do, and the journal's list of rows "
            "is lost");
      }
      list_lost_ = true;
    } else if (facts.key.has_value() && !listed) {
      Add(record, facts,
          absl::StrCat("names row ", facts.key->index, " of ", fold_->rows(),
                       " that the journal lists"));
    } else {
      Add(record, facts, "does not fit the records before it");
    }
  }

  void Finish(JournalCheck* check) {
    check->problems = std::move(problems_);
    check->problems_more = problems_more_;
    if (!orphans_.empty()) {
      check->notes.push_back(absl::StrCat(
          "scores without an answer, which count for nothing: LSN ",
          absl::StrJoin(orphans_, ", "),
          orphans_more_ > 0 ? absl::StrCat(" and ", orphans_more_, " more")
                            : ""));
    }
  }

  runner::ProgressState& fold() { return *fold_; }
  bool empty() const { return first_; }
  bool attempts() const { return attempts_; }

 private:
  void Add(const journal::Record& record, const RecordFacts& facts,
           std::string detail) {
    if (problems_.size() == kProblemsMax) {
      ++problems_more_;
      return;
    }
    problems_.push_back({record.lsn, facts.type_name, std::move(detail)});
  }
  void AddOrphan(journal::Lsn lsn) {
    if (orphans_.size() < kLsnsShown) {
      orphans_.push_back(lsn);
    } else {
      ++orphans_more_;
    }
  }

  std::unique_ptr<runner::ProgressState> fold_ =
      std::make_unique<runner::ProgressState>();
  std::vector<RecordProblem> problems_;
  uint64_t problems_more_ = 0;
  std::vector<journal::Lsn> orphans_;
  uint64_t orphans_more_ = 0;
  bool first_ = true;
  bool list_lost_ = false;
  bool attempts_ = false;  // Any query was ever begun.
};

bool FilesAreWhole(const JournalCheck& check) {
  return check.view.report.outcome == journal::FindingKind::kCleanEnd ||
         check.view.report.outcome == journal::FindingKind::kTornTail ||
         check.view.report.outcome == journal::FindingKind::kSecondCopy;
}

void CheckWhole(RecordChecker& checker, JournalCheck* check) {
  if (checker.empty()) {
    check->notes.push_back(
        "no record yet: its creation was interrupted, nothing was asked");
    return;
  }
  const runner::ProgressState& progress = checker.fold();
  if (progress.rows() < progress.announced_queries()) {
    const std::string what = absl::StrCat(
        "the Benchmark record announces ", progress.announced_queries(),
        " queries, and ", progress.rows(), " are listed");
    if (checker.attempts()) {
      check->problems.push_back({0, "DatasetRows", what});
    } else {
      check->notes.push_back(absl::StrCat(
          what, ": its creation was interrupted, nothing was asked"));
    }
  }
  if (check->view.benchmark.has_value()) {
    const runner::BenchmarkInfo& about = *check->view.benchmark;
    if (runner::Sha256Hex(about.identity_json) != about.identity_hash) {
      check->problems.push_back(
          {1, "Benchmark", "the hash of the identity does not match it"});
    }
  }
}

// Opening starts from the newest state frame: it must say what the records
// before it say.
void CheckState(const RecordChecker& checker, runner::ProgressState& folded,
                const journal::Cipher* cipher, JournalCheck* check) {
  runner::ProgressState restored;
  journal::ExamineOptions options;
  options.full = false;
  options.folder = &restored;
  options.cipher = cipher;
  const absl::StatusOr<journal::RecoveryReport> report =
      journal::Examine(check->view.path, options);
  if (checker.empty() || !report.ok() || report->state_lsn == 0) return;
  if (restored.Save() == folded.Save()) return;
  check->problems.push_back(
      {report->state_lsn, "STATE frame",
       "the saved state differs from what the records before it say"});
}

std::string ProblemLsns(const JournalCheck& check) {
  std::vector<journal::Lsn> lsns;
  for (const RecordProblem& problem : check.problems) {
    if (lsns.size() < kLsnsShown) lsns.push_back(problem.lsn);
  }
  const uint64_t more =
      check.problems.size() + check.problems_more - lsns.size();
  return absl::StrCat(absl::StrJoin(lsns, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "");
}

}  // namespace

std::string JournalCheck::verdict() const {
  switch (exit_code()) {
    case kExitOk:
      return view.holder.has_value() ? "running" : "ok";
    case kExitTornTail:
      return "torn";
    case kExitNewerVersion:
      return "newer";
    case kExitFailed:
      return "unreadable";
    default:
      return "damaged";
  }
}

ExitCode JournalCheck::exit_code() const {
  const ExitCode of_files = ExitCodeOf(view.status);
  const bool graver_than_records =
      of_files != kExitOk && of_files != kExitTornTail;
  if (graver_than_records || problems.empty()) return of_files;
  return kExitDamage;
}

std::vector<std::string> JournalCheck::advice() const {
  if (problems.empty() || exit_code() != kExitDamage ||
      view.status == JournalStatus::kDamaged) {
    return Advice(view);
  }
  return {
      "safe: every other record",
      absl::StrCat("not safe: LSN ", ProblemLsns(*this),
                   ": stored as written (the checksums hold), and not usable"),
      absl::StrCat("next: journalctl-bench show ", ShellWord(view.path),
                   " --lsn ", problems.front().lsn,
                   " -o verbose; bench-runner does not use these records, "
                   "and asks again for what they would answer")};
}

absl::StatusOr<JournalCheck> CheckJournal(absl::string_view path,
                                          const journal::Cipher* cipher) {
  JournalCheck check;
  RecordChecker checker;
  absl::StatusOr<JournalView> view =
      ViewJournal(path, /*full=*/true, &checker, cipher);
  if (!view.ok()) return view.status();
  check.view = *std::move(view);
  checker.Finish(&check);
  const bool readable = !check.view.locked;
  if (readable && FilesAreWhole(check)) CheckWhole(checker, &check);
  const bool idle = !check.view.holder.has_value();
  if (check.view.report.outcome == journal::FindingKind::kCleanEnd && idle &&
      readable) {
    CheckState(checker, checker.fold(), cipher, &check);
  }
  if (idle && check.view.status == JournalStatus::kDamaged &&
      !FilesAreWhole(check)) {
    check.lost = IdentifyLost(path, check.view.report);
    absl::StatusOr<Losses> losses =
        FindLosses(path, journal::RecoveryMode::kSalvage, cipher);
    if (losses.ok()) check.losses = *std::move(losses);
  }
  if (check.view.locked) {
    check.notes.push_back(
        absl::StrCat("encrypted with key ", check.view.report.key_id,
                     ", which was not given: checksums, chain and snapshots "
                     "are checked, what the records say is not"));
  }
  if (check.view.holder.has_value() && FilesAreWhole(check)) {
    check.notes.push_back(
        absl::StrCat(HolderName(*check.view.holder),
                     " is writing it: what it writes just now is not checked"));
  }
  return check;
}

}  // namespace inspector
