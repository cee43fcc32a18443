#include "runner/config/request_options.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runner/base/json.h"
#include "runner/base/text.h"
#include "runner/base/whole_file.h"
#include "runner/config/option_values.h"
#include "runner/evaluators/openai/chat_request.h"

namespace runner {
namespace {

using nlohmann::json;

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  absl::StatusOr<std::string> text = ReadWholeFile(path, kOptionFileBytesMax);
  if (text.ok()) return text;
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(path), ": ", text.status().message()));
}

}  // namespace

std::string ChatParametersJson(const RequestOptions& options) {
  json parameters = json::object();
  if (!options.json.empty()) {
    // It was read as an object.
    parameters = json::parse(options.json, nullptr, false);
  }
  if (options.temperature) parameters["temperature"] = *options.temperature;
  if (options.top_p) parameters["top_p"] = *options.top_p;
  if (options.max_tokens) parameters["max_tokens"] = *options.max_tokens;
  if (!options.stop.empty()) parameters["stop"] = options.stop;
  return parameters.empty() ? "" : CanonicalJson(parameters);
}

absl::StatusOr<std::string> TextOrFile(absl::string_view value) {
  if (!absl::ConsumePrefix(&value, "@")) return std::string(value);
  absl::StatusOr<std::string> text = ReadWhole(std::string(value));
  if (!text.ok()) return text.status();
  if (ValidUtf8(*text) != *text) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(value), " is not UTF-8"));
  }
  // The end of the file's last line is an editor's, not the prompt's.
  if (!text->empty() && text->back() == '\n') text->pop_back();
  if (!text->empty() && text->back() == '\r') text->pop_back();
  return text;
}

absl::StatusOr<std::string> ReadRequestJson(absl::string_view path) {
  const absl::StatusOr<std::string> text = ReadWhole(std::string(path));
  if (!text.ok()) return text.status();
  const absl::StatusOr<json> parameters = ParseJson(*text);
  absl::Status status =
      parameters.ok() ? CheckChatParameters(*parameters) : parameters.status();
  if (!status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(path), ": ", status.message()));
  }
  return CanonicalJson(*parameters);
}

absl::StatusOr<std::vector<std::string>> ParseStop(absl::string_view value) {
  if (value.empty() || value.front() != '[') {
    return std::vector<std::string>{std::string(value)};
  }
  const absl::StatusOr<json> list = ParseJson(value);
  const absl::Status wrong = absl::InvalidArgumentError(
      absl::StrCat(Quoted(value), " is no list of 1 to ", kStopsMax,
                   " texts such as [\"A\", \"B\"]"));
  if (!list.ok() || list->empty() || list->size() > kStopsMax) return wrong;
  std::vector<std::string> stops;
  for (const json& stop : *list) {
    if (!stop.is_string() || stop.get_ref<const std::string&>().empty()) {
      return wrong;
    }
    stops.push_back(stop.get<std::string>());
  }
  return stops;
}

absl::StatusOr<double> ParseRate(absl::string_view value) {
  const std::pair<absl::string_view, double> kUnits[] = {
      {"/s", 1}, {"/min", 60}, {"/m", 60}, {"/h", 3600}};
  absl::string_view amount = value;
  double seconds = 1;
  for (const auto& [unit, length] : kUnits) {
    if (!absl::ConsumeSuffix(&amount, unit)) continue;
    seconds = length;
    break;
  }
  const absl::StatusOr<double> number = ParseNumber(amount);
  if (!number.ok() || !(*number > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(value), " is no rate such as 5, 0.5/s or 300/min"));
  }
  return *number / seconds;
}

}  // namespace runner
