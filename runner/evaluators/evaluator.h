// What is under test: takes a query, answers later.
#ifndef RUNNER_EVALUATORS_EVALUATOR_H_
#define RUNNER_EVALUATORS_EVALUATOR_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "runner/base/query.h"

namespace runner {

struct EvaluationRequest {
  QueryKey key;
  uint32_t attempt = 1;  // From 1.
  uint64_t seed = 0;     // Derived from (seed, run, key).
  std::string model;
  std::string method;      // Empty when there is none.
  std::string prompt;      // The prompt template filled in, or the input field.
  std::string query_json;  // The dataset's whole object.
  // What that holds in --response-field, as text; nothing where that is null or
  // not asked for.
  absl::optional<std::string> recorded = {};
  // Of this attempt, when it is shorter than the evaluator's own.
  absl::Duration timeout = absl::InfiniteDuration();
};

// A failed attempt. `type` is short and stable ("timeout", "worker-exited",
// "protocol", or what the evaluator itself said).
struct EvaluationError {
  std::string type;
  std::string message;
  bool retryable = false;
  std::string context_json;  // Empty when there is none.
  // When the evaluator asked to be left alone for so long; as it said it.
  absl::optional<absl::Duration> retry_after = {};
  // It was asked too much at once: fewer at a time would go better.
  bool throttled = false;
};

// Bounds on what an evaluator may say. An answer beyond one is an error, whose
// message names the field.
inline constexpr size_t kAnswerBytesMax = 16 << 20;  // One line or body.
inline constexpr size_t kAnswerValuesMax = 1 << 20;  // Commas and brackets.
inline constexpr size_t kNameBytesMax = 128;  // Score names, error types.
inline constexpr double kCostMax = 1e9;       // Dollars, for one attempt.
inline constexpr uint64_t kTokensMax = 1e12;  // For one attempt.
inline constexpr size_t kErrorMessageBytesMax = 64 << 10;

// The types of the errors that the runner itself gives. kTimeoutError,
// kProtocolError and kOversizeError are retryable: another attempt may go well,
// and how many there are is bounded by --max-retries.
inline constexpr char kTimeoutError[] = "timeout";
inline constexpr char kProtocolError[] = "protocol";

// An answer larger than anybody takes.
inline constexpr char kOversizeError[] = "oversize";

// Evaluator::Stop cut the attempt off: nobody knows what became of it.
inline constexpr char kStoppedError[] = "stopped";

// Attempts that were journaled ahead and, the run being stopped, never left;
// they count as none.
inline constexpr char kNotSentError[] = "not-sent";

struct EvaluationResult {
  // Set: the attempt failed and the answer fields are empty (`usage` and `cost`
  // may still say what it cost).
  absl::optional<EvaluationError> error;
  absl::optional<std::string> output;  // Null when the evaluator said null.
  std::string reasoning;
  NamedValues scores;  // Scores that the evaluator itself gave.
  NamedValues metrics;
  Usage usage;
  absl::optional<double> cost;  // Dollars.
  std::string state_json;       // Opaque worker state to be kept; empty: none.
  uint64_t state_number = 0;    // Of the slot's states the highest is newest.
  std::string metadata_json;    // Empty: none.
  std::string finish_reason;
  bool unparsed = false;  // Of a process that scores; see worker_scorer.h.
  absl::Duration latency;
  uint32_t slot = 0;  // Which of the `slots` evaluated it, from 0.
};

// A failed attempt's result.
EvaluationResult FailedResult(absl::string_view type, std::string message,
                              bool retryable);

// Thread-safe.
class Evaluator {
 public:
  // Called exactly once for each Start, from a thread of the evaluator's or
  // from within Start. Must not block for long and must not call Stop.
  using Done = std::function<void(EvaluationResult)>;

  virtual ~Evaluator() = default;  // Stops, at once, if Stop was not called.

  // Begins to evaluate. The caller has at most `slots()` requests under way.
  virtual void Start(EvaluationRequest request, Done done) = 0;

  // How many requests may be under way at once.
  virtual int slots() const = 0;

  // True if a call costs time or money, so that its start must be durable in
  // the journal before it leaves.
  virtual bool may_be_billed() const = 0;

  // Ends what is under way with a retryable error of type "stopped", calls the
  // pending Done functions, and releases everything (no process survives).
  virtual void Stop() = 0;
};

}  // namespace runner

#endif  // RUNNER_EVALUATORS_EVALUATOR_H_
