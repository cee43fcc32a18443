// Records written into a new journal that nobody works on yet, many at a time.
#ifndef RUNNER_STORAGE_RECORD_BATCH_H_
#define RUNNER_STORAGE_RECORD_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "runner/storage/benchmark_journal.h"

namespace runner {

// Records that are appended together; a larger one alone.
inline constexpr size_t kBatchBytesMax = 1 << 20;
inline constexpr size_t kBatchRecordsMax = 4096;

// Not thread-safe.
class RecordBatch {
 public:
  // `journal` is borrowed.
  explicit RecordBatch(BenchmarkJournal& journal) : journal_(journal) {}

  // Appends those that were added before where they are many enough. Errors:
  // those of BenchmarkJournal::AppendCopies.
  absl::Status Add(uint16_t type, std::string body);
  // Appends what was added; to be called last.
  absl::Status Flush();

 private:
  BenchmarkJournal& journal_;
  std::vector<std::pair<uint16_t, std::string>> records_;
  size_t bytes_ = 0;
};

}  // namespace runner

#endif  // RUNNER_STORAGE_RECORD_BATCH_H_
