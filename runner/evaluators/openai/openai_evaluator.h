// Evaluates with any server that speaks OpenAI's chat/completions.
//
//   OpenAiEvaluatorOptions options;
//   options.base_url = "http://localhost:8000/v1";
//   options.slots = 64;
//   auto evaluator = NewOpenAiEvaluator(options);
//
// Errors, besides those that the server names (chat_response.h): "timeout",
// "connection", "protocol" and "oversize", all retryable, and "refused", which
// is not.
#ifndef RUNNER_EVALUATORS_OPENAI_OPENAI_EVALUATOR_H_
#define RUNNER_EVALUATORS_OPENAI_OPENAI_EVALUATOR_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "runner/evaluators/evaluator.h"
#include "runner/evaluators/openai/chat_request.h"

namespace runner {

inline constexpr char kConnectionError[] = "connection";
inline constexpr char kRefusedError[] = "refused";

inline constexpr int kOpenAiSlotsMax = 4096;

// What a key's text becomes wherever a server says it back.
inline constexpr char kHiddenKey[] = "[API key]";
// A shorter "key" is no secret ("none", "EMPTY"), and could stand in any text.
inline constexpr size_t kSecretBytesMin = 8;
inline constexpr size_t kApiKeyBytesMax = 4096;

struct OpenAiEvaluatorOptions {
  std::string base_url;
  std::string api_key;  // Empty: none is sent.
  ChatRequestOptions request;
  int slots = 1;                                // 1..kOpenAiSlotsMax.
  absl::Duration timeout = absl::Seconds(600);  // Of one attempt.
  size_t answer_bytes_max = kAnswerBytesMax;    // Of one body.
};

// Whether this can be sent as a key: visible ASCII, without quotes and
// backslashes. InvalidArgument; the message does not hold it.
absl::Status CheckApiKey(absl::string_view key);

// InvalidArgument for what the options cannot mean; ResourceExhausted or
// Internal when libcurl cannot be started. Connects to nothing yet.
absl::StatusOr<std::unique_ptr<Evaluator>> NewOpenAiEvaluator(
    const OpenAiEvaluatorOptions& options);

}  // namespace runner

#endif  // RUNNER_EVALUATORS_OPENAI_OPENAI_EVALUATOR_H_
