#include "runner/evaluators/openai/retry_after.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace runner {
namespace {

// More is as good as this, and durations do not overflow.
constexpr double kSecondsMax = 1e9;

// Two digits of a year mean the past when they would mean more than this in the
// future (RFC 9110, 5.6.7).
constexpr int kYearsAheadMax = 50;

absl::optional<absl::Duration> ParseAmount(absl::string_view text,
                                           double seconds_per_unit) {
  // What absl takes beyond decimal numbers, such as "inf" and "0x1p3", is none.
  const bool decimal = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '.';
  });
  double amount = 0;
  if (!decimal || !absl::SimpleAtod(text, &amount)) return absl::nullopt;
  return absl::Seconds(std::min(amount * seconds_per_unit, kSecondsMax));
}

absl::optional<absl::Time> ParseDate(absl::string_view text, absl::Time now) {
  constexpr absl::string_view kImfFixdate = "%a, %d %b %Y %H:%M:%S GMT";
  constexpr absl::string_view kRfc850 = "%A, %d-%b-%y %H:%M:%S GMT";
  constexpr absl::string_view kAsctime = "%a %b %e %H:%M:%S %Y";
  // absl::ParseTime also takes "infinite-future".
  if (text.empty() || !absl::ascii_isupper(text.front())) return absl::nullopt;
  absl::Time time;
  for (const absl::string_view format : {kImfFixdate, kAsctime}) {
    if (absl::ParseTime(format, text, &time, nullptr)) return time;
  }
  if (!absl::ParseTime(kRfc850, text, &time, nullptr)) return absl::nullopt;
  const absl::TimeZone utc = absl::UTCTimeZone();
  absl::CivilSecond civil = absl::ToCivilSecond(time, utc);
  const auto year = absl::ToCivilSecond(now, utc).year();
  const auto years_later = [&civil](int years) {
    return absl::CivilSecond(civil.year() + years, civil.month(), civil.day(),
                             civil.hour(), civil.minute(), civil.second());
  };
  while (civil.year() > year + kYearsAheadMax) civil = years_later(-100);
  while (civil.year() <= year - kYearsAheadMax) civil = years_later(100);
  return absl::FromCivil(civil, utc);
}

}  // namespace

absl::optional<absl::Duration> ParseRetryAfter(const RetryHeaders& headers,
                                               absl::Time now) {
  const absl::string_view ms =
      absl::StripAsciiWhitespace(headers.retry_after_ms);
  if (const auto wait = ParseAmount(ms, 1e-3)) return wait;
  const absl::string_view text =
      absl::StripAsciiWhitespace(headers.retry_after);
  if (const auto wait = ParseAmount(text, 1)) return wait;
  const absl::optional<absl::Time> until = ParseDate(text, now);
  if (!until.has_value()) return absl::nullopt;
  const absl::Time from =
      ParseDate(absl::StripAsciiWhitespace(headers.date), now).value_or(now);
  return std::max(*until - from, absl::ZeroDuration());
}

}  // namespace runner
