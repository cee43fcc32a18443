#include "runner/config/option_values.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "runner/base/text.h"

namespace runner {
namespace {

absl::Status Wrong(absl::string_view text, absl::string_view wanted) {
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(text), " is not ", wanted));
}

}  // namespace

absl::StatusOr<uint64_t> ParseCount(absl::string_view text, uint64_t min,
                                    uint64_t max) {
  uint64_t value = 0;
  if (absl::SimpleAtoi(text, &value) && value >= min && value <= max) {
    return value;
  }
  if (max == std::numeric_limits<uint64_t>::max()) {
    return Wrong(text, absl::StrCat("a whole number from ", min, " on"));
  }
  return Wrong(text, absl::StrCat("a whole number from ", min, " to ", max));
}

absl::StatusOr<double> ParseNumber(absl::string_view text) {
  double value = 0;
  if (absl::SimpleAtod(text, &value) && std::isfinite(value)) return value;
  return Wrong(text, "a number");
}

absl::StatusOr<bool> ParseBool(absl::string_view text) {
  const std::string word = absl::AsciiStrToLower(text);
  for (const absl::string_view yes : {"true", "yes", "on", "1"}) {
    if (word == yes) return true;
  }
  for (const absl::string_view no : {"false", "no", "off", "0"}) {
    if (word == no) return false;
  }
  return Wrong(text, "true or false");
}

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  absl::Duration duration;
  double seconds = 0;
  if (absl::SimpleAtod(text, &seconds)) {
    duration = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, &duration)) {
    return Wrong(text, "a duration such as 100ms, 10s, 5m or 2h");
  }
  if (std::isnan(seconds) || duration < absl::ZeroDuration() ||
      duration == absl::InfiniteDuration()) {
    return Wrong(text, "a finite duration from 0 on");
  }
  return duration;
}

absl::StatusOr<std::vector<std::string>> ParseList(absl::string_view text) {
  std::vector<std::string> entries;
  for (absl::string_view entry : absl::StrSplit(text, ',')) {
    entry = absl::StripAsciiWhitespace(entry);
    if (entry.empty()) return Wrong(text, "a list a,b,c without gaps");
    if (std::find(entries.begin(), entries.end(), entry) != entries.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(Quoted(entry), " is in the list twice"));
    }
    if (entries.size() == kListEntriesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("more than ", kListEntriesMax, " entries"));
    }
    entries.emplace_back(entry);
  }
  return entries;
}

}  // namespace runner
