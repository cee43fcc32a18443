#include "runner/config/api_key.h"

#include <cstdlib>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "runner/evaluators/openai/http_client.h"
#include "runner/evaluators/openai/openai_evaluator.h"

namespace runner {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

absl::StatusOr<OpenAiEndpoint> FindOpenAiEndpoint(const RunOptions& options) {
  OpenAiEndpoint endpoint = {options.base_url, options.api_key};
  const char* url_from = "--base-url";
  if (endpoint.base_url.empty()) {
    endpoint.base_url = Variable(kOpenAiUrlVariable);
    url_from = kOpenAiUrlVariable;
  }
  if (endpoint.base_url.empty()) endpoint.base_url = kOpenAiUrl;
  const char* key_from = "--api-key";
  if (endpoint.api_key.empty()) {
    endpoint.api_key = Variable(kOpenAiKeyVariable);
    key_from = kOpenAiKeyVariable;
  }
  absl::Status status = CheckApiKey(endpoint.api_key);
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(key_from, ": ", status.message()));
  }
  status = ChatCompletionsUrl(endpoint.base_url).status();
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(url_from, ": ", status.message()));
  }
  if (endpoint.api_key.empty() && endpoint.base_url == kOpenAiUrl) {
    return absl::InvalidArgumentError(
        absl::StrCat(kOpenAiUrl, " needs a key: set ", kOpenAiKeyVariable,
                     ", or give --base-url for another server"));
  }
  return endpoint;
}

void HideApiKey(int argc, char** argv) {
  bool is_value = false;
  for (int i = 1; i < argc; ++i) {
    char* begin = argv[i];
    if (!is_value) {
      char* const equals = std::strchr(begin, '=');
      const std::string name = absl::StrReplaceAll(
          std::string(begin,
                      equals == nullptr ? std::strlen(begin) : equals - begin),
          {{"_", "-"}});
      if (name != "--api-key") continue;
      if (equals == nullptr) {
        is_value = true;
        continue;
      }
      begin = equals + 1;
    }
    std::memset(begin, '*', std::strlen(begin));
    is_value = false;
  }
}

}  // namespace runner
