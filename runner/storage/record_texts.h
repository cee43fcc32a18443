// The records that there are most of, read where they lie. Private to the files
// that read records: it shows the generated tables.
#ifndef RUNNER_STORAGE_RECORD_TEXTS_H_
#define RUNNER_STORAGE_RECORD_TEXTS_H_

#include <cstddef>

#include "runner/storage/record_buffer.h"
#include "schemas/records_generated.h"

namespace runner {

// How long all text of a record is together: see TextBudget.
size_t TextBytes(const schemas::AttemptStart& table);
size_t TextBytes(const schemas::Response& table);
size_t TextBytes(const schemas::Score& table);
size_t TextBytes(const schemas::AttemptError& table);

// The table in `bytes`, as long as those live; null where Decode() calls the
// record poison.
template <typename Table>
const Table* WholeRecord(const AlignedBytes& bytes) {
  const Table* table =
      VerifiedRoot<Table>(bytes, RecordTablesMax(bytes.size()));
  if (table == nullptr || TextBytes(*table) > bytes.size()) return nullptr;
  return table;
}

}  // namespace runner

#endif  // RUNNER_STORAGE_RECORD_TEXTS_H_
