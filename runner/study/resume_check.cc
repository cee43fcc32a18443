#include "runner/study/resume_check.h"

#include "absl/strings/str_cat.h"
#include "runner/base/printable.h"
#include "runner/storage/journal_head.h"
#include "runner/study/dataset_match.h"

namespace runner {
namespace {

// Rows named in one message; the rest is counted.
constexpr size_t kRowsNamedMax = 20;

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

}  // namespace

absl::StatusOr<std::string> DatasetDifferences(const LocatedJournal& located,
                                               const Dataset& dataset,
                                               const JournalAccess& access) {
  // The fingerprint is that of the dataset it was begun with: where that is
  // all that it lists, and the dataset still, no rows need be compared.
  if (located.info->dataset_fingerprint == dataset.fingerprint() &&
      located.rows == dataset.size()) {
    return std::string();
  }
  absl::StatusOr<std::vector<RowInfo>> rows =
      ReadRows(located.directory, located.rows, access);
  if (!rows.ok()) return rows.status();
  return RowDifferences(MatchDataset(dataset, *rows).differences);
}

}  // namespace runner
