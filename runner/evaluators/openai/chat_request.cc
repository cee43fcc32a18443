#include "runner/evaluators/openai/chat_request.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runner/base/json.h"
#include "runner/base/text.h"

namespace runner {
namespace {

using nlohmann::json;

json Message(absl::string_view role, absl::string_view content) {
  return json{{"role", std::string(role)}, {"content", std::string(content)}};
}

}  // namespace

absl::Status CheckChatParameters(const json& parameters) {
  if (!parameters.is_object()) {
    return absl::InvalidArgumentError("not a JSON object");
  }
  const std::pair<const char*, const char*> reserved[] = {
      {"messages", "is made of --system-prompt and --prompt-template"},
      {"model", "is what --model says"}};
  for (const auto& [name, why] : reserved) {
    if (!parameters.contains(name)) continue;
    return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" ", why));
  }
  const auto n = parameters.find("n");
  if (n != parameters.end() && *n != 1) {
    return absl::InvalidArgumentError(
        "\"n\" must be 1: --runs asks more than once");
  }
  const auto stream = parameters.find("stream");
  if (stream != parameters.end() && *stream != false) {
    return absl::InvalidArgumentError("\"stream\" must be false");
  }
  return absl::OkStatus();
}

ChatRequestWriter::ChatRequestWriter(std::unique_ptr<const json> frame,
                                     bool send_seed)
    : frame_(std::move(frame)), send_seed_(send_seed) {}
ChatRequestWriter::~ChatRequestWriter() = default;
ChatRequestWriter::ChatRequestWriter(ChatRequestWriter&&) noexcept = default;
ChatRequestWriter& ChatRequestWriter::operator=(ChatRequestWriter&&) noexcept =
    default;

absl::StatusOr<ChatRequestWriter> ChatRequestWriter::Create(
    const ChatRequestOptions& options) {
  auto frame = std::make_unique<json>(json::object());
  if (!options.parameters_json.empty()) {
    absl::StatusOr<json> parameters = ParseJson(options.parameters_json);
    if (!parameters.ok()) return parameters.status();
    absl::Status status = CheckChatParameters(*parameters);
    if (!status.ok()) return status;
    *frame = *std::move(parameters);
  }
  (*frame)["messages"] = json::array();
  if (!options.system_prompt.empty()) {
    (*frame)["messages"].push_back(Message("system", options.system_prompt));
  }
  const bool send_seed = options.send_seed && !frame->contains("seed");
  return ChatRequestWriter(std::move(frame), send_seed);
}

std::string ChatRequestWriter::Body(const EvaluationRequest& request) const {
  json body = *frame_;
  body["model"] = request.model;
  body["messages"].push_back(Message("user", request.prompt));
  if (send_seed_) body["seed"] = request.seed;
  return CanonicalJson(body);
}

}  // namespace runner
