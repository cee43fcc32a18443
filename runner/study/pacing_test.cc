// When queries leave, and when again: retries, adaptive concurrency, rate.
#include <gtest/gtest.h>

#include "runner/study/adaptive_limit.h"
#include "runner/study/rate_limit.h"
#include "runner/study/retry_policy.h"

namespace runner {
namespace {

EvaluationError Error(bool throttled,
                      absl::optional<absl::Duration> retry_after = {}) {
  EvaluationError error;
  error.throttled = throttled;
  error.retry_after = retry_after;
  return error;
}

TEST(RetryPolicyTest, CeilingsDoubleUpToTheLast) {
  for (uint32_t tries = 1; tries <= 40; ++tries) {
    absl::Duration longest;
    for (uint64_t seed = 0; seed < 200; ++seed) {
      longest = std::max(longest, RetryDelay(Error(false), tries, seed));
    }
    const absl::Duration ceiling =
        tries > 9 ? kRetryCeilingMax : kRetryCeilingMin * (1 << (tries - 1));
    EXPECT_LT(longest, ceiling);
    EXPECT_GT(longest, ceiling * 0.9);
  }
}

TEST(RetryPolicyTest, JitterIsFullAndTheSameEachTime) {
  absl::Duration shortest = kRetryCeilingMax;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const absl::Duration delay = RetryDelay(Error(true), 1, seed);
    EXPECT_EQ(RetryDelay(Error(true), 1, seed), delay);
    shortest = std::min(shortest, delay);
  }
  EXPECT_LT(shortest, kThrottledCeilingMin * 0.1);
}

TEST(RetryPolicyTest, WhatTheServerAsksForIsWaited) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const absl::Duration delay =
        RetryDelay(Error(true, absl::Seconds(7)), 1, seed);
    EXPECT_GE(delay, absl::Seconds(7));
    EXPECT_LE(delay, absl::Seconds(7) + kThrottledCeilingMin);
  }
  EXPECT_LE(RetryDelay(Error(true, absl::Hours(99)), 1, 1),
            kRetryAfterMax + kThrottledCeilingMin);
}

TEST(AdaptiveLimitTest, PressureHalvesEachTimeAndAnswersMakeUpForIt) {
  AdaptiveLimit limit(8);
  for (const int left : {4, 2, 1, 1}) {
    limit.OnPressure(absl::Seconds(1));
    EXPECT_EQ(limit.limit(), left);
  }
  for (int i = 0; i < 1 + 2 + 3; ++i) limit.OnAnswer();
  EXPECT_EQ(limit.limit(), 4);
}

TEST(AdaptiveLimitTest, HalvesOnceARoundTripAndNeverBelowOne) {
  AdaptiveLimit limit(16);
  EXPECT_EQ(limit.limit(), 16);
  const absl::Duration t = absl::Seconds(1);
  limit.OnThrottled(/*sent=*/1 * t, /*now=*/2 * t);
  limit.OnThrottled(/*sent=*/1.5 * t, /*now=*/3 * t);  // Left before the cut.
  EXPECT_EQ(limit.limit(), 8);
  for (int i = 0; i < 10; ++i) {
    limit.OnThrottled((3 + 2 * i) * t, (4 + 2 * i) * t);
  }
  EXPECT_EQ(limit.limit(), 1);
}

TEST(AdaptiveLimitTest, GrowsByOneARoundUpToTheMost) {
  AdaptiveLimit limit(4);
  limit.OnThrottled(absl::Seconds(1), absl::Seconds(2));
  ASSERT_EQ(limit.limit(), 2);
  limit.OnAnswer();
  EXPECT_EQ(limit.limit(), 2);
  limit.OnAnswer();
  EXPECT_EQ(limit.limit(), 3);
  for (int i = 0; i < 100; ++i) limit.OnAnswer();
  EXPECT_EQ(limit.limit(), 4);
}

// How many leave within `time`, asked every `tick`.
int Leave(RateLimit& rate, absl::Duration from, absl::Duration time,
          absl::Duration tick) {
  int left = 0;
  for (absl::Duration now = from; now < from + time; now += tick) {
    while (rate.Wait(now) == absl::ZeroDuration() && left < 100000) {
      rate.Take(now);
      ++left;
    }
  }
  return left;
}

TEST(RateLimitTest, KeepsTheRateAlsoWhenLate) {
  RateLimit rate(100);
  EXPECT_NEAR(
      Leave(rate, absl::Seconds(5), absl::Seconds(2), absl::Milliseconds(33)),
      200, 10);
}

TEST(RateLimitTest, APauseIsFollowedByNoBurst) {
  RateLimit rate(100);
  rate.Take(absl::Seconds(1));
  EXPECT_LE(Leave(rate, absl::Seconds(60), absl::Milliseconds(1),
                  absl::Milliseconds(1)),
            6);
  RateLimit slow(1.0 / 60);
  EXPECT_EQ(Leave(slow, absl::Seconds(60), absl::Seconds(59), absl::Seconds(1)),
            1);
}

TEST(RateLimitTest, ZeroIsNoLimit) {
  RateLimit rate(0);
  EXPECT_EQ(Leave(rate, absl::Seconds(1), absl::Seconds(1), absl::Seconds(1)),
            100000);
}

}  // namespace
}  // namespace runner
