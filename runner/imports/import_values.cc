#include "runner/imports/import_values.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "runner/base/json.h"

namespace runner {
namespace {

using Json = nlohmann::json;

constexpr double kUnixSecondsMin = 946684800;   // 2000-01-01.
constexpr double kUnixSecondsMax = 7258118400;  // 2200-01-01.
constexpr absl::string_view kHidden = "(hidden)";

absl::optional<absl::Time> InRange(absl::Time time) {
  if (time < absl::UnixEpoch() + absl::Seconds(kUnixSecondsMin) ||
      time > absl::UnixEpoch() + absl::Seconds(kUnixSecondsMax)) {
    return absl::nullopt;
  }
  return time;
}

absl::optional<absl::Time> TimeOfText(const std::string& text) {
  constexpr absl::string_view kZoned[] = {"%Y-%m-%d%ET%H:%M:%E*S%Ez",
                                          "%Y-%m-%d %H:%M:%E*S%Ez"};
  constexpr absl::string_view kLocal[] = {
      "%Y-%m-%d%ET%H:%M:%E*S", "%Y-%m-%d %H:%M:%E*S", "%Y%m%d_%H%M%S"};
  absl::Time time;
  std::string error;
  for (const absl::string_view format : kZoned) {
    if (absl::ParseTime(format, text, &time, &error)) return InRange(time);
  }
  for (const absl::string_view format : kLocal) {
    if (absl::ParseTime(format, text, absl::LocalTimeZone(), &time, &error)) {
      return InRange(time);
    }
  }
  return absl::nullopt;
}

// "token" is one, "max_tokens" and "token_usage" are none.
bool SoundsSecret(absl::string_view key) {
  const std::string name = absl::AsciiStrToLower(key);
  for (const absl::string_view part :
       {"api_key", "apikey", "api-key", "secret", "password", "passwd",
        "credential", "authorization", "access_key", "private_key"}) {
    if (absl::StrContains(name, part)) return true;
  }
  return absl::EndsWith(name, "token");
}

// At most kJsonDepthMax deep, as all that is parsed.
void HideSecrets(Json& value) {
  if (value.is_array()) {
    for (Json& element : value) HideSecrets(element);
  }
  if (!value.is_object()) return;
  for (auto it = value.begin(); it != value.end(); ++it) {
    const bool said = !it->is_null() && !(it->is_string() && it->empty());
    if (SoundsSecret(it.key()) && said) {
      *it = std::string(kHidden);
    } else {
      HideSecrets(*it);
    }
  }
}

}  // namespace

absl::optional<absl::Time> ImportTime(const Json& value) {
  if (value.is_string()) return TimeOfText(value.get_ref<const std::string&>());
  const absl::optional<double> seconds = ImportNumber(value, kUnixSecondsMax);
  if (!seconds.has_value()) return absl::nullopt;
  return InRange(absl::UnixEpoch() + absl::Seconds(*seconds));
}

absl::optional<double> ImportNumber(const Json& value, double max) {
  if (!value.is_number()) return absl::nullopt;
  const double number = value.get<double>();
  if (!(number >= 0 && number <= max)) return absl::nullopt;
  return number;
}

absl::optional<uint64_t> ImportCount(const Json& value, uint64_t max) {
  const absl::optional<double> number =
      ImportNumber(value, static_cast<double>(max));
  if (!number.has_value() || *number != std::floor(*number)) {
    return absl::nullopt;
  }
  return static_cast<uint64_t>(*number);
}

absl::optional<double> ImportScore(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (!value.is_number()) return absl::nullopt;
  const double number = value.get<double>();
  if (!(std::abs(number) <= kImportedScoreMax)) return absl::nullopt;
  return number;
}

std::string ImportName(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>();
  if (value.is_number()) return CanonicalJson(value);
  return "";
}

absl::optional<uint64_t> NumberOfName(absl::string_view name) {
  uint64_t number = 0;
  for (const char c : name) {
    if (!absl::ascii_isdigit(c)) return absl::nullopt;
  }
  if (!absl::SimpleAtoi(name, &number)) return absl::nullopt;
  return number;
}

std::string ImportConfig(const Json& config) {
  Json shown = config;
  HideSecrets(shown);
  std::string text = CanonicalJson(shown);
  if (text.size() <= kImportedConfigBytesMax) return text;
  return absl::StrCat("{\"cut\":\"a configuration of ", text.size(),
                      " bytes\"}");
}

std::string MoreThan(size_t limit, absl::string_view what) {
  return absl::StrCat("more than ", limit, " ", what,
                      ", the most that is imported");
}

}  // namespace runner
