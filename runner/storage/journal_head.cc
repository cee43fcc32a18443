#include "runner/storage/journal_head.h"

#include <memory>
#include <utility>

#include "journal/reader.h"
#include "journal/recovery.h"
#include "journal/recovery_report.h"
#include "runner/config/identity.h"
#include "runner/storage/journal_read.h"

namespace runner {
namespace {

absl::StatusOr<std::unique_ptr<journal::Reader>> OpenReader(
    absl::string_view directory, const JournalAccess& access) {
  journal::ReaderOptions options;
  options.cipher = access.cipher;
  options.file_system = access.file_system;
  return journal::Reader::Open(directory, options);
}

}  // namespace

absl::Status ForEachRow(absl::string_view directory, uint64_t rows,
                        const JournalAccess& access,
                        absl::FunctionRef<void(RowInfo)> visit) {
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      OpenReader(directory, access);
  if (!reader.ok()) return reader.status();
  for (uint64_t listed = 0; listed < rows;) {
    const journal::ReadResult next = (*reader)->Next();
    if (next.outcome != journal::ReadOutcome::kRecord) return ReadFailure(next);
    if (next.record.type != static_cast<uint16_t>(DatasetRowsRecord::kType)) {
      continue;
    }
    absl::StatusOr<DatasetRowsRecord> record =
        DecodeRecord<DatasetRowsRecord>(next.record);
    if (!record.ok()) return record.status();
    for (RowInfo& row : record->rows) visit(std::move(row));
    listed += record->rows.size();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<RowInfo>> ReadRows(absl::string_view directory,
                                              uint64_t rows,
                                              const JournalAccess& access) {
  std::vector<RowInfo> list;
  absl::Status s = ForEachRow(directory, rows, access, [&](RowInfo row) {
    list.push_back(std::move(row));
  });
  if (!s.ok()) return s;
  return list;
}

absl::StatusOr<SelectionRecord> ReadSelection(absl::string_view directory,
                                              const BenchmarkInfo& info,
                                              journal::Lsn lsn,
                                              const JournalAccess& access) {
  if (lsn == 0) return AllRows(info);
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      OpenReader(directory, access);
  if (!reader.ok()) return reader.status();
  return ReadRecord<SelectionRecord>(**reader, lsn);
}

absl::Status ReadProgress(absl::string_view directory,
                          const JournalAccess& access, ProgressState& state) {
  journal::ExamineOptions options;
  options.full = false;
  options.folder = &state;
  options.cipher = access.cipher;
  options.file_system = access.file_system;
  absl::StatusOr<journal::RecoveryReport> report =
      journal::Examine(directory, options);
  return report.ok() ? journal::StatusOf(*report) : report.status();
}

SelectionRecord AllRows(const BenchmarkInfo& info) {
  SelectionRecord all;
  all.runs = info.runs;
  all.queries = info.queries;
  all.selection_json = SelectionJson({.runs = info.runs});
  all.dataset_fingerprint = info.dataset_fingerprint;
  return all;
}

}  // namespace runner
