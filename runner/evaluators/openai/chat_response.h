// What a server answered, as an EvaluationResult.
#ifndef RUNNER_EVALUATORS_OPENAI_CHAT_RESPONSE_H_
#define RUNNER_EVALUATORS_OPENAI_CHAT_RESPONSE_H_

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "runner/evaluators/evaluator.h"

namespace runner {

// The type of an HTTP error whose body names none: "http-500".
inline constexpr char kHttpErrorPrefix[] = "http-";

// Of a message that a server's error carries, in terminal columns.
inline constexpr size_t kServerMessageColumnsMax = 2000;

struct ChatResponse {
  int status = 0;  // HTTP's.
  absl::string_view body;
  // What the header x-should-retry says, if the server sends it.
  absl::optional<bool> should_retry;
};

// Reads a complete answer of chat/completions; any bytes are allowed.
//
// 2xx: the first choice's text (null when the server says null, as for a call
// of a tool; a list of parts is joined), reasoning, finish reason and usage. A
// usage that makes no sense is none, and never costs the answer. What is not a
// completion is a retryable kProtocolError. {"error": ...} is an error here,
// too.
//
// Else an error: its type is the server's `code` or `type`, its message the
// server's, both printable. Retryable are 408, 409, 429 and 5xx, unless the
// quota is used up (`insufficient_quota`); `should_retry` goes before that.
// `throttled` are 429, 503 and 529. Does not set `latency` and `retry_after`.
EvaluationResult ParseChatResponse(const ChatResponse& response);

}  // namespace runner

#endif  // RUNNER_EVALUATORS_OPENAI_CHAT_RESPONSE_H_
