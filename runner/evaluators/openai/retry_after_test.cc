#include "runner/evaluators/openai/retry_after.h"

#include <gtest/gtest.h>

#include "absl/time/clock.h"

namespace runner {
namespace {

constexpr char kServerDate[] = "Sun, 06 Nov 1994 08:49:30 GMT";

absl::optional<absl::Duration> Seconds(absl::string_view retry_after) {
  return ParseRetryAfter({"", retry_after, kServerDate}, absl::Now());
}

TEST(RetryAfterTest, ReadsNumbers) {
  EXPECT_EQ(Seconds("2"), absl::Seconds(2));
  EXPECT_EQ(Seconds(" 0 "), absl::ZeroDuration());
  EXPECT_EQ(Seconds("1.5"), absl::Milliseconds(1500));
  EXPECT_EQ(Seconds("99999999999999999999"), absl::Seconds(1e9));
}

TEST(RetryAfterTest, MillisecondsGoFirst) {
  EXPECT_EQ(ParseRetryAfter({"250", "7", ""}, absl::Now()),
            absl::Milliseconds(250));
  EXPECT_EQ(ParseRetryAfter({"0.5", "", ""}, absl::Now()),
            absl::Microseconds(500));
  EXPECT_EQ(ParseRetryAfter({"rubbish", "7", ""}, absl::Now()),
            absl::Seconds(7));
}

// RFC 9110, 5.6.7: the same moment in three forms.
TEST(RetryAfterTest, ReadsEachFormOfADate) {
  for (const char* date :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(Seconds(date), absl::Seconds(7)) << date;
  }
}

TEST(RetryAfterTest, TwoDigitsOfAYearAreNearNow) {
  const absl::Time now =
      absl::FromCivil(absl::CivilSecond(2030, 1, 1), absl::UTCTimeZone());
  EXPECT_EQ(ParseRetryAfter({"", "Tuesday, 01-Jan-30 00:00:05 GMT", ""}, now),
            absl::Seconds(5));
  // Long ago, not in 64 years.
  EXPECT_EQ(ParseRetryAfter({"", "Saturday, 01-Jan-94 00:00:05 GMT", ""}, now),
            absl::ZeroDuration());
}

TEST(RetryAfterTest, WithoutTheServersDateTheClockCounts) {
  const absl::Time now = absl::FromCivil(
      absl::CivilSecond(1994, 11, 6, 8, 49, 36), absl::UTCTimeZone());
  EXPECT_EQ(ParseRetryAfter({"", "Sun, 06 Nov 1994 08:49:37 GMT", ""}, now),
            absl::Seconds(1));
  EXPECT_EQ(ParseRetryAfter({"", "Sun, 06 Nov 1994 08:00:00 GMT", ""}, now),
            absl::ZeroDuration());
}

TEST(RetryAfterTest, WhatCannotBeUnderstoodIsNothing) {
  for (const char* text :
       {"", " ", "soon", "-1", "inf", "nan", "0x1p3", "1e3", ".", "1s",
        "infinite-future", "Sun, 06 Nov 1994", "Sun, 99 Nov 1994 08:49:37 GMT",
        "1994-11-06T08:49:37Z"}) {
    EXPECT_EQ(Seconds(text), absl::nullopt) << text;
  }
}

}  // namespace
}  // namespace runner
