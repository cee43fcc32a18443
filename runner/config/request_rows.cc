#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runner/base/text.h"
#include "runner/config/option_rows.h"
#include "runner/config/option_setters.h"
#include "runner/config/request_options.h"

namespace runner {
namespace {

constexpr uint64_t kRetriesMax = 1000;
constexpr uint64_t kTokensLimitMax = 1000000000;
constexpr int kTemperatureMax = 2;

absl::Status SetEvaluator(absl::string_view value, RunOptions& options) {
  std::vector<std::string> names;
  for (const EvaluatorKind kind :
       {EvaluatorKind::kReplay, EvaluatorKind::kWorker,
        EvaluatorKind::kOpenAi}) {
    names.emplace_back(EvaluatorName(kind));
    if (value != names.back()) continue;
    options.evaluator = kind;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(value), " is not one of replay, worker and openai",
                   DidYouMean(value, names)));
}

template <auto kMember>
absl::Status SetRequestText(absl::string_view value, RunOptions& options) {
  options.request.*kMember = std::string(value);
  return absl::OkStatus();
}

// A number within [0, kMax] for the request.
template <auto kMember, int kMax>
absl::Status SetRequestNumber(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<double> number = ParseNumber(value);
  if (!number.ok()) return number.status();
  if (!(*number >= 0 && *number <= kMax)) {
    return absl::InvalidArgumentError(Quoted(value) + " is not within 0 and " +
                                      std::to_string(kMax));
  }
  options.request.*kMember = *number;
  return absl::OkStatus();
}

absl::Status SetPromptTemplate(absl::string_view value, RunOptions& options) {
  absl::StatusOr<std::string> text = TextOrFile(value);
  if (!text.ok()) return text.status();
  if (text->empty()) return absl::InvalidArgumentError("the template is empty");
  options.request.prompt_template = *std::move(text);
  return absl::OkStatus();
}

absl::Status SetMaxTokens(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<uint64_t> count = ParseCount(value, 1, kTokensLimitMax);
  if (!count.ok()) return count.status();
  options.request.max_tokens = *count;
  return absl::OkStatus();
}

absl::Status SetStop(absl::string_view value, RunOptions& options) {
  absl::StatusOr<std::vector<std::string>> stops = ParseStop(value);
  if (!stops.ok()) return stops.status();
  options.request.stop = *std::move(stops);
  return absl::OkStatus();
}

absl::Status SetRequestJson(absl::string_view value, RunOptions& options) {
  absl::StatusOr<std::string> json = ReadRequestJson(value);
  if (!json.ok()) return json.status();
  options.request.json = *std::move(json);
  return absl::OkStatus();
}

absl::Status SetRateLimit(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<double> rate = ParseRate(value);
  if (!rate.ok()) return rate.status();
  options.rate_limit = *rate;
  return absl::OkStatus();
}

}  // namespace

std::vector<OptionRow> RequestRows() {
  constexpr auto kGroup = OptionGroup::kRequest;
  constexpr auto kIdentity = OptionClass::kIdentity;
  return {
      {.name = "prompt-template",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "TEXT|@FILE",
       .help = "the prompt, with {{field}} where a row's value goes (the input "
               "field alone)",
       .set = SetPromptTemplate},
      {.name = "system-prompt",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "TEXT",
       .help = "a message before it, of the role system",
       .set = SetRequestText<&RequestOptions::system_prompt>},
      {.name = "temperature",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "X",
       .help = "0 to 2; what is not given is not sent",
       .set = SetRequestNumber<&RequestOptions::temperature, kTemperatureMax>},
      {.name = "top-p",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "X",
       .help = "0 to 1",
       .set = SetRequestNumber<&RequestOptions::top_p, 1>},
      {.name = "max-tokens",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "N",
       .help = "the longest answer",
       .set = SetMaxTokens},
      {.name = "stop",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "TEXT",
       .help = "where an answer ends; [\"A\", \"B\"] for several",
       .set = SetStop},
      {.name = "request-json",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "FILE",
       .help = "an object of further parameters, sent with every request; the "
               "options above go before it",
       .set = SetRequestJson},
  };
}

std::vector<OptionRow> EvaluatorRows() {
  constexpr auto kGroup = OptionGroup::kEvaluator;
  return {
      {.name = "evaluator",
       .option_class = OptionClass::kIdentity,
       .group = kGroup,
       .value_name = "KIND",
       .help = "replay, worker or openai (inferred from --response-field, "
               "--worker-command, --base-url)",
       .set = SetEvaluator},
      {.name = "worker-command",
       .option_class = OptionClass::kIdentity,
       .group = kGroup,
       .value_name = "COMMAND",
       .help = "started --workers times, without a shell; JSON lines on its "
               "stdin and stdout",
       .set = SetText<&RunOptions::worker_command>},
      {.name = "base-url",
       .group = kGroup,
       .value_name = "URL",
       .help = "a server that speaks OpenAI's chat/completions, such as "
               "http://localhost:8000/v1 ($OPENAI_BASE_URL); a --seed other "
               "than 0 is sent",
       .set = SetText<&RunOptions::base_url>},
      {.name = "api-key",
       .group = kGroup,
       .value_name = "KEY",
       .help = "for the server; better in $OPENAI_API_KEY; never saved",
       .secret = true,
       .set = SetText<&RunOptions::api_key>},
      {.name = "timeout",
       .group = kGroup,
       .value_name = "TIME",
       .default_value = "600s",
       .help = "of one attempt",
       .set = SetDuration<&RunOptions::timeout, Zero::kRefused>},
      {.name = "total-timeout",
       .group = kGroup,
       .value_name = "TIME",
       .help = "of all attempts of one query together, in one session",
       .set = SetDuration<&RunOptions::total_timeout, Zero::kRefused>},
      {.name = "rate-limit",
       .group = kGroup,
       .value_name = "N[/min]",
       .help = "at most N requests a second, or a minute (/min), an hour (/h)",
       .set = SetRateLimit},
      {.name = "max-retries",
       .group = kGroup,
       .value_name = "N",
       .default_value = "5",
       .help = "further attempts after a failure that may pass",
       .set = SetCount<&RunOptions::max_retries, 0, kRetriesMax>},
  };
}

}  // namespace runner
