// The body of a chat/completions request.
#ifndef RUNNER_EVALUATORS_OPENAI_CHAT_REQUEST_H_
#define RUNNER_EVALUATORS_OPENAI_CHAT_REQUEST_H_

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runner/evaluators/evaluator.h"

namespace runner {

struct ChatRequestOptions {
  std::string system_prompt;  // Empty: no system message.
  // A JSON object, spread over each body: temperature and the like. Empty:
  // none. What CheckChatParameters refuses is an error.
  std::string parameters_json;
  // Sends the query's seed as "seed", unless the parameters have one.
  bool send_seed = false;
};

// Whether these parameters can be sent: not the messages and the model, which
// the runner itself sets, no stream, and one choice. InvalidArgument.
absl::Status CheckChatParameters(const nlohmann::json& parameters);

// Immutable and thread-safe.
class ChatRequestWriter {
 public:
  // InvalidArgument for parameters that are no JSON object or not allowed.
  static absl::StatusOr<ChatRequestWriter> Create(
      const ChatRequestOptions& options);
  ~ChatRequestWriter();
  ChatRequestWriter(ChatRequestWriter&&) noexcept;
  ChatRequestWriter& operator=(ChatRequestWriter&&) noexcept;

  // Canonical JSON: the same request is the same bytes, for caches and for
  // comparisons.
  std::string Body(const EvaluationRequest& request) const;

 private:
  explicit ChatRequestWriter(std::unique_ptr<const nlohmann::json> frame,
                             bool send_seed);

  // The body without the user's message, the model and the seed.
  std::unique_ptr<const nlohmann::json> frame_;
  bool send_seed_ = false;
};

}  // namespace runner

#endif  // RUNNER_EVALUATORS_OPENAI_CHAT_REQUEST_H_
