// The list of attempts in doubt, as records. Private to benchmark_journal.cc.
#ifndef RUNNER_STORAGE_IN_DOUBT_LIST_H_
#define RUNNER_STORAGE_IN_DOUBT_LIST_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "journal/reader.h"
#include "runner/storage/progress_state.h"
#include "runner/storage/records.h"

namespace runner {

// Calls `record` with lists of those of `queries` that are in flight, by name,
// each list short enough for a record; their time is set, their session is not.
// A start whose record is damaged goes without its name. Errors: kIo, when it
// may be read another time; those of `record`.
absl::Status ListInDoubt(journal::Reader& reader,
                         absl::Span<const OpenQuery> queries,
                         absl::FunctionRef<absl::Status(InDoubtRecord)> record);

}  // namespace runner

#endif  // RUNNER_STORAGE_IN_DOUBT_LIST_H_
