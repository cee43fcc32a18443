#include "runner/evaluators/openai/openai_evaluator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "runner/base/printable.h"
#include "runner/evaluators/openai/chat_response.h"
#include "runner/evaluators/openai/http_client.h"
#include "runner/evaluators/openai/retry_after.h"

namespace runner {
namespace {

std::string HeaderOf(const HttpResponse& response, const char* name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? "" : found->second;
}

EvaluationResult FromComplete(const HttpResponse& http) {
  ChatResponse response;
  response.status = http.status;
  response.body = http.body;
  const std::string should_retry = HeaderOf(http, "x-should-retry");
  if (should_retry == "true") response.should_retry = true;
  if (should_retry == "false") response.should_retry = false;
  EvaluationResult result = ParseChatResponse(response);
  if (!result.error.has_value()) return result;
  const std::string ms = HeaderOf(http, "retry-after-ms");
  const std::string after = HeaderOf(http, "retry-after");
  const std::string date = HeaderOf(http, "date");
  result.error->retry_after = ParseRetryAfter({ms, after, date}, absl::Now());
  return result;
}

EvaluationResult FromHttp(const HttpResponse& http, absl::Duration timeout) {
  switch (http.outcome) {
    case HttpOutcome::kComplete:
      return FromComplete(http);
    case HttpOutcome::kTimeout:
      return FailedResult(
          kTimeoutError,
          absl::StrCat("no answer within ", absl::FormatDuration(timeout)),
          true);
    case HttpOutcome::kConnection:
      return FailedResult(kConnectionError, Printable(http.error), true);
    case HttpOutcome::kTooLarge:
      return FailedResult(kOversizeError, http.error, true);
    case HttpOutcome::kRefused:
      return FailedResult(kRefusedError, Printable(http.error), false);
    case HttpOutcome::kStopped:
      return FailedResult(kStoppedError, http.error, true);
  }
  return FailedResult(kConnectionError, "unknown outcome", true);
}

class OpenAiEvaluator final : public Evaluator {
 public:
  OpenAiEvaluator(const OpenAiEvaluatorOptions& options,
                  ChatRequestWriter writer, std::unique_ptr<HttpClient> client)
      : api_key_(options.api_key),
        slots_(options.slots),
        timeout_(options.timeout),
        writer_(std::move(writer)),
        client_(std::move(client)) {}

  void Start(EvaluationRequest request, Done done) override {
    const absl::Duration timeout = std::min(timeout_, request.timeout);
    client_->Post(writer_.Body(request), timeout,
                  [this, timeout, done = std::move(done)](HttpResponse http) {
                    EvaluationResult result = FromHttp(http, timeout);
                    result.latency = http.latency;
                    HideKey(result);
                    done(std::move(result));
                  });
  }

  int slots() const override { return slots_; }
  bool may_be_billed() const override { return true; }
  void Stop() override { client_->Stop(); }

 private:
  // A server that says the key back does not bring it into the journal.
  void HideKey(EvaluationResult& result) const {
    if (api_key_.size() < kSecretBytesMin) return;
    const auto hide = [this](std::string& text) {
      absl::StrReplaceAll({{api_key_, kHiddenKey}}, &text);
    };
    if (result.output.has_value()) hide(*result.output);
    hide(result.reasoning);
    hide(result.metadata_json);
    hide(result.finish_reason);
    if (!result.error.has_value()) return;
    hide(result.error->type);
    hide(result.error->message);
  }

  const std::string api_key_;
  const int slots_;
  const absl::Duration timeout_;
  const ChatRequestWriter writer_;
  // Last: its thread calls into all of the above.
  const std::unique_ptr<HttpClient> client_;
};

}  // namespace

absl::Status CheckApiKey(absl::string_view key) {
  if (key.size() > kApiKeyBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("the API key is longer than ", kApiKeyBytesMax, " bytes"));
  }
  const bool visible = std::all_of(key.begin(), key.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c)) && c != '"' &&
           c != '\\';
  });
  if (visible) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "the API key holds a space, a quote or another character that no key "
      "has");
}

absl::StatusOr<std::unique_ptr<Evaluator>> NewOpenAiEvaluator(
    const OpenAiEvaluatorOptions& options) {
  if (options.slots < 1 || options.slots > kOpenAiSlotsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("--workers must be from 1 to ", kOpenAiSlotsMax));
  }
  if (options.timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("the timeout must be positive");
  }
  absl::Status key = CheckApiKey(options.api_key);
  if (!key.ok()) return key;
  absl::StatusOr<ChatRequestWriter> writer =
      ChatRequestWriter::Create(options.request);
  if (!writer.ok()) return writer.status();
  absl::StatusOr<std::string> url = ChatCompletionsUrl(options.base_url);
  if (!url.ok()) return url.status();
  HttpClientOptions http;
  http.url = *std::move(url);
  http.connections_max = options.slots;
  http.body_bytes_max = options.answer_bytes_max;
  if (!options.api_key.empty()) {
    http.headers.push_back(
        absl::StrCat("Authorization: Bearer ", options.api_key));
  }
  absl::StatusOr<std::unique_ptr<HttpClient>> client =
      HttpClient::Create(std::move(http));
  if (!client.ok()) return client.status();
  return std::unique_ptr<Evaluator>(
      new OpenAiEvaluator(options, *std::move(writer), *std::move(client)));
}

}  // namespace runner
