#include "runner/study/resume_check.h"

#include <iterator>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/reader.h"
#include "runner/base/printable.h"
#include "runner/storage/journal_read.h"
#include "runner/study/dataset_match.h"

namespace runner {
namespace {

// Rows named in one message; the rest is counted.
constexpr size_t kRowsNamedMax = 20;

// The journal's list of rows, by a reader that takes no lock.
absl::StatusOr<std::vector<RowInfo>> ReadRows(const LocatedJournal& located,
                                              const JournalAccess& access) {
  journal::ReaderOptions options;
  options.cipher = access.cipher;
  options.file_system = access.file_system;
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      journal::Reader::Open(located.directory, options);
  if (!reader.ok()) return reader.status();
  std::vector<RowInfo> rows;
  while (rows.size() < located.rows) {
    const journal::ReadResult next = (*reader)->Next();
    if (next.outcome != journal::ReadOutcome::kRecord) return ReadFailure(next);
    if (next.record.type != static_cast<uint16_t>(DatasetRowsRecord::kType)) {
      continue;
    }
    absl::StatusOr<DatasetRowsRecord> record =
        DecodeRecord<DatasetRowsRecord>(next.record);
    if (!record.ok()) return record.status();
    std::move(record->rows.begin(), record->rows.end(),
              std::back_inserter(rows));
  }
  return rows;
}

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
  absl::StatusOr<std::vector<RowInfo>> rows = ReadRows(located, access);
  if (!rows.ok()) return rows.status();
  return RowDifferences(MatchDataset(dataset, *rows).differences);
}

}  // namespace runner
