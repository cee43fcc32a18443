// What the runner and a worker say to each other: one JSON object a line.
//
//   runner → worker   {"restore": STATE}                 first, if there is one
//   runner → worker   {"id": "…", "run": 1, "seed": 7, "attempt": 1,
//                      "model": "m", "method": "", "prompt": "2 + 3",
//                      "query": {…}}
//   worker → runner   {"id": "…", "output": "5"}
//                 or  {"id": "…", "error": {"type": "…", "message": "…",
//                                           "retryable": true}}
//
// A worker has one request at a time and answers it before the next one comes.
#ifndef RUNNER_EVALUATORS_WORKER_PROTOCOL_H_
#define RUNNER_EVALUATORS_WORKER_PROTOCOL_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runner/evaluators/evaluator.h"
#include "runner/scoring/external_scorer.h"

namespace runner {

// Bounds on what a worker may say, besides those in evaluator.h. An answer
// beyond one is a protocol error, whose message names the field.
inline constexpr size_t kStateBytesMax = 1 << 20;  // Journaled each time.
inline constexpr size_t kScoresMax = 256;
inline constexpr double kScoreMax = 1e15;  // Of the absolute value.

// Retryable, like the errors in evaluator.h.
inline constexpr char kWorkerExitedError[] = "worker-exited";

// The line (with its newline) that asks for `request` under `id`.
// `request.query_json` must be valid JSON or empty (then null); it is spliced
// in as it stands, but for line breaks between its tokens.
std::string RequestLine(const EvaluationRequest& request, absl::string_view id);

// The line that hands a worker its state back. `state_json` as above.
std::string RestoreLine(absl::string_view state_json);

struct Answer {
  std::string id;
  EvaluationResult result;  // Without latency and slot.
};

// Reads a worker's line. Scores are ordered by name, so that a worker's order
// cannot show in the results. Fields that are not known are ignored; a field of
// the wrong type or out of range is an error. Nesting is bounded by
// kJsonDepthMax. Errors: InvalidArgument with what is wrong, printable and
// short.
absl::StatusOr<Answer> ParseAnswer(absl::string_view line);

// What is said to a process, and how its lines are read. All are static.
struct WorkerDialect {
  const char* name = "worker";  // Of the process, in messages.
  std::string (*request_line)(const EvaluationRequest& request,
                              absl::string_view id) = RequestLine;
  absl::StatusOr<Answer> (*parse_answer)(absl::string_view line) = ParseAnswer;
};

// The dialect of worker_scorer.h. Its request's query_json is what
// ScoreRequestFields made: the line's members but the id.
std::string ScoreRequestFields(const ExternalRequest& request);
std::string ScoreRequestLine(const EvaluationRequest& request,
                             absl::string_view id);
// As ParseAnswer. There is at least one score, or an error.
absl::StatusOr<Answer> ParseScores(absl::string_view line);

}  // namespace runner

#endif  // RUNNER_EVALUATORS_WORKER_PROTOCOL_H_
