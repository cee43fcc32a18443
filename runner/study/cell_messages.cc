#include "runner/study/cell_messages.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runner/base/printable.h"
#include "runner/display/progress_format.h"
#include "runner/study/journal_choice.h"

namespace runner {
namespace {

std::string LimitText(const CellEnd& end) {
  const std::string so_far = absl::StrCat(
      "Limit reached: ", end.limit->text, ". ", WithThousands(end.completed),
      " of ", WithThousands(end.n), " queries are completed");
  if (end.temporary) {
    return absl::StrCat(so_far, ", and were saved to ",
                        Printable(end.results_path));
  }
  return absl::StrCat(so_far, " in ", Printable(end.directory),
                      ". To go on: bench-runner resume ",
                      Printable(end.directory), " with a larger --",
                      end.limit->name);
}

}  // namespace

std::string LoadedText(const ProgressTotals& totals,
                       const LoadedCounts& counts) {
  const uint64_t ended = std::min(counts.total, counts.done + counts.set_aside);
  std::string text =
      absl::StrCat("Loaded checkpoint: ", WithThousands(counts.done), "/",
                   WithThousands(counts.total), " queries completed (",
                   FormatPercent(counts.done, counts.total), "), ",
                   WithThousands(counts.total - ended), " remaining");
  if (totals.failed > counts.set_aside) {
    absl::StrAppend(&text, " (",
                    WithThousands(totals.failed - counts.set_aside),
                    " failed)");
  }
  if (counts.set_aside > 0) {
    absl::StrAppend(&text, ", ", WithThousands(counts.set_aside),
                    " failed and not asked again");
  }
  if (totals.cost > 0) absl::StrAppendFormat(&text, ", $%.2f", totals.cost);
  if (counts.to_score > 0) {
    absl::StrAppend(&text, ", ", WithThousands(counts.to_score),
                    " to be scored");
  }
  return text;
}

std::string CompleteText(absl::Time since) {
  return absl::StrCat(
      "complete since ",
      absl::FormatTime("%Y-%m-%d %H:%M:%S", since, absl::LocalTimeZone()),
      "; --no-resume runs it again");
}

std::string InDoubtText(size_t in_doubt, absl::string_view names) {
  return absl::StrCat("In doubt: ", in_doubt, " (", names,
                      "): may have been billed, asked again");
}

std::string UnscoredText(uint64_t unscored) {
  return absl::StrCat(
      WithThousands(unscored), unscored == 1 ? " answer was" : " answers were",
      " not scored: kept, and scored when the same command is run again");
}

bool IsBelow(const absl::optional<MinScore>& minimum, const Results& results) {
  if (!minimum.has_value()) return false;
  if (results.n == 0) return false;  // Of a small dataset's shards.
  for (const NamedSummary& metric : results.metrics) {
    if (!minimum->scorer.empty() && minimum->scorer != metric.name) continue;
    return !metric.summary.mean.has_value() ||
           *metric.summary.mean < minimum->value;
  }
  return true;
}

std::string EndText(const CellEnd& end) {
  const std::string where = Printable(end.results_path);
  if (end.limit.has_value()) return LimitText(end);
  if (end.complete && !end.session_begun) {
    return absl::StrCat("Results saved to ", where);
  }
  if (end.complete) {
    return absl::StrCat(
        end.temporary ? "Finished: " : "Final checkpoint saved: ",
        WithThousands(end.completed + end.failed),
        " results. Results saved to ", where);
  }
  if (end.temporary) {
    return absl::StrCat(
        "Interrupted without a checkpoint. What there is was saved to ", where);
  }
  return absl::StrCat("Checkpoint saved: ", Printable(end.directory), " (",
                      WithThousands(end.completed), "/", WithThousands(end.n),
                      "). Resume: bench-runner resume ",
                      Printable(end.directory));
}

Refusal CannotReadBack(absl::string_view directory, const absl::Status& status,
                       bool session_begun) {
  Refusal refusal = RefuseJournal(directory, status);
  const bool damaged = refusal.exit_code == kExitDamage;
  if (!session_begun) return refusal;
  const std::string where = Printable(directory);
  refusal.message = absl::StrCat(
      "The results could not be read back: ", Printable(status.message()),
      damaged ? "\nNext:\n  journalctl-bench verify "
              : "\nAll answers are in the journal ",
      where,
      damaged ? "   lists what is damaged" : "; run the same command again.");
  return refusal;
}

}  // namespace runner
