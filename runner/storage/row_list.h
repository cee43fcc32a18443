// Records appended many at once, and the list of rows among them. Private to
// benchmark_journal.cc.
#ifndef RUNNER_STORAGE_ROW_LIST_H_
#define RUNNER_STORAGE_ROW_LIST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/writer.h"
#include "runner/storage/records.h"

namespace runner {

// An encoded record.
struct Body {
  RecordType type;
  std::string bytes;
};

// Appends records that do not count against the loss bound, some 4 MiB at once,
// each portion all or nothing. Returns the last one's LSN.
absl::StatusOr<journal::Lsn> AppendAll(journal::Writer& writer,
                                       const std::vector<Body>& bodies);

// Appends `count` rows, `row(0)` with the index `first_index`, behind the
// records `before`; durable on return. In one append unless the list is long,
// which is never in memory as a whole.
absl::Status AppendRows(journal::Writer& writer, uint64_t first_index,
                        uint64_t count,
                        absl::FunctionRef<RowInfo(uint64_t)> row,
                        std::vector<Body> before);

}  // namespace runner

#endif  // RUNNER_STORAGE_ROW_LIST_H_
