#include "runner/evaluators/openai/chat_response.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"

namespace runner {
namespace {

using Json = nlohmann::json;

constexpr size_t kExcerptColumns = 200;
constexpr char kQuotaUsedUp[] = "insufficient_quota";

// Of the answer's frame, kept with it: which model really answered, and what
// to name when asking the provider about it.
constexpr const char* kMetadataFields[] = {"id", "model", "service_tier",
                                           "system_fingerprint"};
constexpr const char* kMessageMetadataFields[] = {"refusal", "tool_calls"};

// The member, or null if it is missing or null, or this is no object.
const Json* Find(const Json* object, const char* name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto it = object->find(name);
  return it == object->end() || it->is_null() ? nullptr : &*it;
}

std::string Text(const Json* value) {
  return value != nullptr && value->is_string()
             ? value->get_ref<const std::string&>()
             : "";
}

absl::StatusOr<Json> ParseBody(absl::string_view body) {
  absl::Status status = CheckJsonValueCount(body, kAnswerValuesMax);
  if (!status.ok()) return status;
  return ParseJson(body);
}

EvaluationResult NotACompletion(const ChatResponse& response,
                                absl::string_view what) {
  return FailedResult(kProtocolError,
                      absl::StrCat("HTTP ", response.status, ": ", what, ": ",
                                   Excerpt(response.body, kExcerptColumns)),
                      /*retryable=*/true);
}

// ---------------------------------------------------------------------------
// Errors

bool MayPass(int status) {
  return status == 408 || status == 409 || status == 429 || status >= 500;
}

bool IsThrottling(int status) {
  return status == 429 || status == 503 || status == 529;
}

// An HTTP status as servers put it into the error of a 200: 429, "429".
int StatusIn(const Json* code) {
  if (code == nullptr) return 0;
  const std::string text = RenderText(*code);
  if (text.size() != 3 || text < "400" || text > "599") return 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return 0;
  }
  return std::stoi(text);
}

std::string ErrorType(const std::string& code, const std::string& type,
                      int status) {
  for (const std::string& name : {code, type}) {
    const bool usable = !name.empty() && name.size() <= kNameBytesMax &&
                        Printable(name) == name;
    if (usable) return name;
  }
  return absl::StrCat(kHttpErrorPrefix, status);
}

// `body` is null when it is no JSON.
EvaluationResult ServerError(const ChatResponse& response, int status,
                             const Json* body) {
  const Json* error = Find(body, "error");
  // {"error": {"message"}}, {"error": "…"}, {"message": "…"}, {"detail": "…"}.
  const Json* said = Find(error, "message");
  if (said == nullptr) said = error;
  if (said == nullptr) said = Find(body, "message");
  if (said == nullptr) said = Find(body, "detail");
  const std::string message =
      said == nullptr ? std::string(response.body) : RenderText(*said);
  const std::string code = Text(Find(error, "code"));
  const std::string type = Text(Find(error, "type"));
  bool retryable =
      MayPass(status) && code != kQuotaUsedUp && type != kQuotaUsedUp;
  const bool throttled = retryable && IsThrottling(status);
  retryable = response.should_retry.value_or(retryable);
  EvaluationResult result = FailedResult(
      ErrorType(code, type, status),
      absl::StrCat("HTTP ", status, ": ",
                   message.empty()
                       ? "no message"
                       : Excerpt(message, kServerMessageColumnsMax)),
      retryable);
  result.error->throttled = throttled;
  return result;
}

// ---------------------------------------------------------------------------
// Completions

// False if this is no number of tokens.
bool ReadTokens(const Json* value, uint64_t* out) {
  if (value == nullptr) return true;
  if (!value->is_number()) return false;
  const double number = value->get<double>();
  if (!(number >= 0 && number <= static_cast<double>(kTokensMax)) ||
      number != std::floor(number)) {
    return false;
  }
  *out = static_cast<uint64_t>(number);
  return true;
}

Usage ReadUsage(const Json* usage) {
  Usage tokens;
  if (usage == nullptr || !usage->is_object()) return tokens;
  const Json* cached =
      Find(Find(usage, "prompt_tokens_details"), "cached_tokens");
  if (cached == nullptr) cached = Find(usage, "prompt_cache_hit_tokens");
  const Json* reasoning =
      Find(Find(usage, "completion_tokens_details"), "reasoning_tokens");
  const bool sensible =
      ReadTokens(Find(usage, "prompt_tokens"), &tokens.prompt_tokens) &&
      ReadTokens(Find(usage, "completion_tokens"), &tokens.completion_tokens) &&
      ReadTokens(cached, &tokens.cached_tokens) &&
      ReadTokens(reasoning, &tokens.reasoning_tokens);
  const bool says_anything = Find(usage, "prompt_tokens") != nullptr ||
                             Find(usage, "completion_tokens") != nullptr;
  if (!sensible || !says_anything) return Usage();
  tokens.metered = true;
  return tokens;
}

// False if it is neither text, nor parts, nor null.
bool ReadContent(const Json* content, absl::optional<std::string>* out) {
  if (content == nullptr) return true;
  if (content->is_string()) {
    *out = content->get_ref<const std::string&>();
    return true;
  }
  if (!content->is_array()) return false;
  std::string joined;
  for (const Json& part : *content) {
    const Json* text = Find(&part, "text");
    if (text != nullptr && text->is_string()) joined += Text(text);
  }
  *out = std::move(joined);
  return true;
}

// Some call it reasoning_content, some reasoning.
std::string ReadReasoning(const Json& message) {
  const std::string text = Text(Find(&message, "reasoning_content"));
  return text.empty() ? Text(Find(&message, "reasoning")) : text;
}

std::string ReadMetadata(const Json& body, const Json& message) {
  Json metadata = Json::object();
  for (const char* name : kMetadataFields) {
    if (const Json* value = Find(&body, name)) metadata[name] = *value;
  }
  for (const char* name : kMessageMetadataFields) {
    if (const Json* value = Find(&message, name)) metadata[name] = *value;
  }
  return metadata.empty() ? "" : CanonicalJson(metadata);
}

EvaluationResult Completion(const ChatResponse& response, const Json& body) {
  const Json* choices = Find(&body, "choices");
  if (choices == nullptr || !choices->is_array() || choices->empty()) {
    return NotACompletion(response, "no \"choices\"");
  }
  const Json& choice = choices->front();
  const Json* message = Find(&choice, "message");
  if (message == nullptr || !message->is_object()) {
    return NotACompletion(response, "no \"message\"");
  }
  EvaluationResult result;
  if (!ReadContent(Find(message, "content"), &result.output)) {
    return NotACompletion(response, "\"content\" is neither text nor null");
  }
  result.reasoning = ReadReasoning(*message);
  result.finish_reason = Text(Find(&choice, "finish_reason"));
  result.usage = ReadUsage(Find(&body, "usage"));
  result.metadata_json = ReadMetadata(body, *message);
  return result;
}

}  // namespace

EvaluationResult ParseChatResponse(const ChatResponse& response) {
  const bool success = response.status >= 200 && response.status < 300;
  const absl::StatusOr<Json> body = ParseBody(response.body);
  if (!success) {
    return ServerError(response, response.status, body.ok() ? &*body : nullptr);
  }
  if (!body.ok()) {
    return NotACompletion(
        response, absl::StrCat("not JSON: ", Excerpt(body.status().message(),
                                                     kExcerptColumns)));
  }
  if (!body->is_object()) return NotACompletion(response, "not a JSON object");
  if (const Json* error = Find(&*body, "error")) {
    const int status = StatusIn(Find(error, "code"));
    return ServerError(response, status == 0 ? 502 : status, &*body);
  }
  return Completion(response, *body);
}

}  // namespace runner
