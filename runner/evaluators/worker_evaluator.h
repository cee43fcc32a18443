// Evaluates with child processes, in any language (worker_protocol.h).
//
//   WorkerEvaluatorOptions options;
//   options.command = {"python3", "worker.py"};
//   options.slots = 8;
//   auto evaluator = NewWorkerEvaluator(options);
//   (*evaluator)->Start(request, [](EvaluationResult result) { … });
//
// A worker that exits, hangs, or breaks the protocol costs the query it was
// working on, which fails with a retryable error ("worker-exited", "timeout",
// "protocol", "oversize"), and is killed with its whole process group and
// started again. A request that a dead worker had not begun to read goes to
// another one and is no failure. No process outlives the evaluator, nor the
// program, however that ends (process_guard.h).
#ifndef RUNNER_EVALUATORS_WORKER_EVALUATOR_H_
#define RUNNER_EVALUATORS_WORKER_EVALUATOR_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "runner/evaluators/evaluator.h"
#include "runner/evaluators/worker_protocol.h"

namespace runner {

inline constexpr int kWorkerSlotsMax = 4096;

struct WorkerEvaluatorOptions {
  // The program and its arguments. Started without a shell; the program is
  // searched in PATH.
  std::vector<std::string> command;

  // How many workers, each with one request at a time. 1..kWorkerSlotsMax.
  int slots = 1;

  // Of one attempt, from the moment it is sent; also how long a request waits
  // at most for a worker to come up.
  absl::Duration timeout = absl::Seconds(600);

  // A worker that ends within this time after the start, before it was asked
  // anything, makes the creation fail, which takes that long.
  absl::Duration startup_grace = absl::Milliseconds(200);

  // From SIGTERM to SIGKILL in Stop.
  absl::Duration stop_grace = absl::Seconds(2);

  // The longest line that a worker may print. Not much more than this is ever
  // in memory, per worker.
  size_t answer_bytes_max = kAnswerBytesMax;

  // Opaque states (JSON) by slot, as answers gave them in an earlier session.
  std::map<uint32_t, std::string> restore;

  // What is said to them.
  WorkerDialect dialect;

  // Takes the lines of the workers' stderr, and what happens to the workers.
  // Printable, without an end of line, at most kLogLineBytesMax bytes (before
  // escaping) and kLogLinesPerSecondMax of each worker. Called on the I/O
  // thread: must not block for long.
  std::function<void(uint32_t slot, absl::string_view line)> log;
};

// Starts the workers. Errors: InvalidArgument, NotFound and PermissionDenied
// for options and a command that cannot be run; FailedPrecondition for one that
// ends at once; ResourceExhausted for too many workers.
absl::StatusOr<std::unique_ptr<Evaluator>> NewWorkerEvaluator(
    WorkerEvaluatorOptions options);

}  // namespace runner

#endif  // RUNNER_EVALUATORS_WORKER_EVALUATOR_H_
