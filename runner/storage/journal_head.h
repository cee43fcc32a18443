// What a journal says of itself beyond its first record, read without a lock.
#ifndef RUNNER_STORAGE_JOURNAL_HEAD_H_
#define RUNNER_STORAGE_JOURNAL_HEAD_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/types.h"
#include "runner/storage/journal_access.h"
#include "runner/storage/progress_state.h"
#include "runner/storage/records.h"

namespace runner {

// Calls `visit` for each of the `rows` rows that the journal lists, in order.
// Errors: those of reading it.
absl::Status ForEachRow(absl::string_view directory, uint64_t rows,
                        const JournalAccess& access,
                        absl::FunctionRef<void(RowInfo)> visit);

// All of them at once.
absl::StatusOr<std::vector<RowInfo>> ReadRows(absl::string_view directory,
                                              uint64_t rows,
                                              const JournalAccess& access);

// What it was asked for last, by the record `lsn`; all rows if that is 0.
absl::StatusOr<SelectionRecord> ReadSelection(absl::string_view directory,
                                              const BenchmarkInfo& info,
                                              journal::Lsn lsn,
                                              const JournalAccess& access);

// Folds what the journal holds into `state`, which is empty. Errors: those of
// reading it.
absl::Status ReadProgress(absl::string_view directory,
                          const JournalAccess& access, ProgressState& state);

// What is asked for where no Selection says otherwise.
SelectionRecord AllRows(const BenchmarkInfo& info);

}  // namespace runner

#endif  // RUNNER_STORAGE_JOURNAL_HEAD_H_
