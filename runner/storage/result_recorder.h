// Appends what attempts came to, with the states that workers gave.
#ifndef RUNNER_STORAGE_RESULT_RECORDER_H_
#define RUNNER_STORAGE_RESULT_RECORDER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "journal/journal.h"
#include "runner/evaluators/evaluator.h"
#include "runner/storage/records.h"
#include "runner/storage/snapshot_pacer.h"
#include "runner/storage/worker_states.h"

namespace runner {

// Thread-safe.
class ResultRecorder {
 public:
  // `writer` is borrowed. A snapshot at least every `snapshot_results` results;
  // 0: not by results.
  ResultRecorder(journal::Writer* writer, uint64_t snapshot_results);

  // Appends the Response or AttemptError in `body`, which counts as a result,
  // and the state that `result` has, if it has one and no newer one of its slot
  // was appended: both survive, or neither. Errors: journal::Writer::Append's.
  absl::Status Append(RecordType type, absl::string_view body,
                      const EvaluationResult& result);

  // The same for Responses without states: all in one append, all or none.
  absl::Status AppendAll(absl::Span<const std::string> responses);

  // Makes no more snapshots by results. Not while Append is called.
  void EndSnapshots() { pacer_.reset(); }

 private:
  absl::Status AppendAlone(const journal::RecordView& record);
  absl::Status AppendWithState(const journal::RecordView& record,
                               absl::string_view state);

  journal::Writer* const writer_;
  std::unique_ptr<SnapshotPacer> pacer_;  // Null: not by results.
  WorkerStateOrder state_order_;
};

}  // namespace runner

#endif  // RUNNER_STORAGE_RESULT_RECORDER_H_
