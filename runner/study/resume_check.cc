#include "runner/study/resume_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runner/base/printable.h"
#include "runner/storage/journal_head.h"

namespace runner {
namespace {

// Rows named in one message; the rest is counted.
constexpr size_t kRowsNamedMax = 20;

}  // namespace

std::string RowDifferences(const std::vector<RowDifference>& differences) {
  std::string text;
  for (size_t i = 0; i < differences.size() && i < kRowsNamedMax; ++i) {
    const RowDifference& row = differences[i];
    absl::StrAppend(&text, "  dataset row ", Printable(row.id));
    if (row.occurrence > 0) {
      absl::StrAppend(&text, " (occurrence ", row.occurrence, ")");
    }
    absl::StrAppend(&text, row.removed ? ": removed\n" : ": changed\n");
  }
  if (differences.size() > kRowsNamedMax) {
    absl::StrAppend(&text, "  and ", differences.size() - kRowsNamedMax,
                    " more rows\n");
  }
  return text;
}

std::string DatasetDifferences(const std::string& accepted,
                               const Dataset& dataset, const RowMatch& match) {
  if (accepted == dataset.fingerprint()) return std::string();
  std::string text = RowDifferences(match.differences);
  if (text.empty() && !accepted.empty()) {
    text =
        "  dataset: the rows that it was begun with, but others were accepted "
        "since\n";
  }
  return text;
}

absl::StatusOr<std::string> DatasetDifferences(const LocatedJournal& located,
                                               const Dataset& dataset,
                                               const JournalAccess& access) {
  const std::string& accepted = located.now.accepted_dataset;
  if (accepted == dataset.fingerprint()) return std::string();
  // The fingerprint is that of the dataset it was begun with: where that is
  // all that it lists, and the dataset still, no rows need be compared.
  if (accepted.empty() &&
      located.info->dataset_fingerprint == dataset.fingerprint() &&
      located.rows == dataset.size()) {
    return std::string();
  }
  RowMatcher matcher = MatcherOf(dataset);
  absl::Status s =
      ForEachRow(located.directory, located.rows, access,
                 [&](RowInfo row) { matcher.Add(std::move(row)); });
  if (!s.ok()) return s;
  return DatasetDifferences(accepted, dataset, matcher.Finish());
}

bool IsBoundToJournal(const RunOptions& options) {
  if (options.resume_from.empty()) return false;
  if (options.score_only) return true;
  // `resume` has it from the journal, and an option of now goes before that.
  return std::any_of(options.effective.begin(), options.effective.end(),
                     [](const EffectiveOption& option) {
                       return option.name == "resume-from" &&
                              option.source != OptionSource::kJournal;
                     });
}

DatasetVerdict JudgeDataset(const LocatedJournal& found, const Dataset& dataset,
                            const RunOptions& options,
                            const JournalAccess& access) {
  DatasetVerdict verdict;
  const absl::StatusOr<std::string> differences =
      DatasetDifferences(found, dataset, access);
  if (!differences.ok()) {
    verdict.refusal = RefuseJournal(found.directory, differences.status());
    return verdict;
  }
  if (differences->empty()) return verdict;
  const std::string where = Printable(found.directory);
  const bool finished = found.condition == JournalCondition::kComplete;
  const bool asked = found.totals.attempts > 0;
  if (options.accept_config_change && !finished) return verdict;
  // One that was named has no substitute but where one is asked for, and
  // nothing is asked for what is scored again.
  const bool this_one = options.score_only ||
                        (!options.resume_from.empty() && !options.new_journal);
  if (finished && (options.accept_config_change || this_one)) {
    verdict.refusal =
        Refusal{kExitDifference,
                absl::StrCat(where, " is complete and differs:\n", *differences,
                             "Nothing was changed, and nothing is left in it "
                             "to go on with: `run` starts one beside it")};
    return verdict;
  }
  if (!this_one && (options.new_journal || !asked || finished)) {
    verdict.begin_new = true;
    verdict.message = absl::StrCat(where,
                                   !asked     ? " has no answers and"
                                   : finished ? " is complete and"
                                              : "",
                                   " differs; starting a new journal beside "
                                   "it:\n",
                                   *differences);
    return verdict;
  }
  verdict.refusal =
      Refusal{kExitDifference,
              absl::StrCat(
                  where, " is unfinished and differs from what is asked for:\n",
                  *differences,
                  WaysOn("what it was begun with",
                         "starts one beside it and asks everything again",
                         IsBoundToJournal(options)),
                  AcceptChangeHint(where))};
  return verdict;
}

absl::optional<LocatedJournal> FindResumable(const JournalWish& wish,
                                             const Dataset& dataset,
                                             const RunOptions& options,
                                             const JournalAccess& access) {
  absl::optional<LocatedJournal> found = FindWished(wish, access);
  if (!found.has_value()) return absl::nullopt;
  const DatasetVerdict verdict = JudgeDataset(*found, dataset, options, access);
  const bool usable = !verdict.begin_new && !verdict.refusal.has_value();
  return usable ? found : absl::nullopt;
}

}  // namespace runner
