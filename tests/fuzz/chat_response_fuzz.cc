// What a server says: its answer, and when it wants to be asked again.
//
// Input: u16 HTTP status, a line Retry-After-Ms, a line Retry-After, a line
// Date, then the body.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "runner/base/json.h"
#include "runner/evaluators/openai/chat_response.h"
#include "runner/evaluators/openai/retry_after.h"
#include "tests/fuzz/allocation_bound.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/text_checks.h"

namespace {

constexpr size_t kFixedBytes = 1 << 20;
// A parsed value of one byte ("0,") takes some dozens.
constexpr size_t kBytesPerByte = 256;

absl::string_view TakeLine(absl::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const absl::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

void CheckError(const runner::EvaluationError& error) {
  FUZZ_CHECK(!error.type.empty());
  FUZZ_CHECK(error.type.size() <= runner::kNameBytesMax);
  FUZZ_CHECK(fuzz::IsSafeForTerminal(error.type));
  FUZZ_CHECK(fuzz::IsSafeForTerminal(error.message));
  FUZZ_CHECK(fuzz::IsPlainOrder(error.message));
  FUZZ_CHECK(error.message.size() <= runner::kErrorMessageBytesMax);
  FUZZ_CHECK(error.retryable || !error.throttled);
}

void TryBody(int status, absl::string_view body) {
  const runner::EvaluationResult result =
      runner::ParseChatResponse({status, body, absl::nullopt});
  FUZZ_CHECK(result.usage.prompt_tokens <= runner::kTokensMax);
  FUZZ_CHECK(result.usage.reasoning_tokens <= runner::kTokensMax);
  FUZZ_CHECK(result.metadata_json.empty() ||
             runner::ParseJson(result.metadata_json).ok());
  if (result.error.has_value()) {
    CheckError(*result.error);
    FUZZ_CHECK(!result.output.has_value());
  } else {
    FUZZ_CHECK(status >= 200 && status < 300);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::AllocationBound bound(kFixedBytes + kBytesPerByte * size);
  fuzz::FuzzInput input(data, size);
  const int status = input.Take<uint16_t>();
  absl::string_view rest = input.TakeBytes(size);
  const absl::string_view ms = TakeLine(rest);
  const absl::string_view after = TakeLine(rest);
  const absl::string_view date = TakeLine(rest);
  const auto wait =
      runner::ParseRetryAfter({ms, after, date}, absl::FromUnixSeconds(1e9));
  FUZZ_CHECK(!wait.has_value() || (*wait >= absl::ZeroDuration() &&
                                   *wait < absl::InfiniteDuration()));
  TryBody(status, rest);
  return 0;
}
