// Reads results back out of a journal, in canonical order.
#ifndef RUNNER_STORAGE_RESULT_STORE_H_
#define RUNNER_STORAGE_RESULT_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "runner/base/query.h"
#include "runner/storage/journal_access.h"

namespace runner {

// The accepted state of one query. A failed one has `error_type` and neither
// output nor scores.
struct QueryResult {
  QueryKey key;
  bool failed = false;
  absl::optional<std::string> output;
  NamedValues scores;
  bool unparsed = false;
  std::string extracted;
  std::string reasoning;
  std::string metadata_json;
  Usage usage;
  absl::optional<double> cost;
  std::string error_type;
  std::string error_message;
  absl::Duration latency;
  uint32_t attempts = 0;
  bool imported = false;  // Another system got it.
};

// What it takes, roughly, in bytes.
inline size_t MemoryOf(const QueryResult& result) {
  return sizeof(result) + result.key.id.size() +
         (result.output.has_value() ? result.output->size() : 0) +
         result.scores.size() * sizeof(result.scores[0]) +
         result.extracted.size() + result.reasoning.size() +
         result.metadata_json.size() + result.error_type.size() +
         result.error_message.size();
}

// An index over a journal: some 40 bytes for each query of each run that was
// begun; outputs are read when asked for. Not thread-safe.
class ResultStore {
 public:
  // Reads the journal in `directory` once. Of each query the newest answer
  // counts, and its newest score of `scoring_hash`, or of whatever scoring when
  // that is empty; without an answer, its newest final error. Errors: kDamage
  // for damage, and for a poison record, named by its LSN; kNewerVersion for a
  // record of an unknown type that must not be ignored; those of
  // journal::Reader::Open.
  static absl::StatusOr<std::unique_ptr<ResultStore>> Load(
      absl::string_view directory, absl::string_view scoring_hash,
      const JournalAccess& access);

  virtual ~ResultStore() = default;

  // Calls `visit` for run 1..runs and, within a run, for each journal index in
  // the order of `order` (dataset order); the result is its to keep. Queries
  // with neither a scored answer nor a final error are passed over. Stops at
  // the first error.
  virtual absl::Status ForEach(
      uint32_t runs, const std::vector<uint32_t>& order,
      absl::FunctionRef<absl::Status(QueryResult&&)> visit) = 0;

  // One query of one run, read where it lies; nothing where ForEach would pass
  // it over.
  virtual absl::StatusOr<absl::optional<QueryResult>> Read(uint32_t run,
                                                           uint32_t index) = 0;

  // Timing and history, outside of what must be reproducible.
  struct History {
    absl::Time started;
    absl::Time updated;
    // Of all sessions; of one without an end, up to its last record.
    absl::Duration elapsed;
    uint32_t sessions = 0;
    uint64_t attempts = 0;
    uint64_t in_doubt = 0;                // Attempts listed as in doubt, ever.
    absl::optional<double> retried_cost;  // Of failed attempts that said it.
    // Of accepted responses; sorted. Imported ones may not say theirs.
    std::vector<float> latencies_ms;
  };
  virtual const History& history() const = 0;
};

}  // namespace runner

#endif  // RUNNER_STORAGE_RESULT_STORE_H_
