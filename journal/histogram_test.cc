#include "journal/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

namespace journal {
namespace {

TEST(HistogramTest, BucketsCoverEveryValueWithoutAGap) {
  EXPECT_EQ(Histogram::BucketOf(0), 0);
  EXPECT_EQ(Histogram::BucketOf(UINT64_MAX), Histogram::kBuckets - 1);
  EXPECT_EQ(Histogram::BucketMax(Histogram::kBuckets - 1), UINT64_MAX);
  for (size_t i = 0; i + 1 < Histogram::kBuckets; ++i) {
    const uint64_t max = Histogram::BucketMax(i);
    ASSERT_EQ(Histogram::BucketOf(max), i);
    ASSERT_EQ(Histogram::BucketOf(max + 1), i + 1);
  }
}

TEST(HistogramTest, ABucketIsAtMostAThirtySecondOfItsValuesWide) {
  for (size_t i = 1; i < Histogram::kBuckets; ++i) {
    const uint64_t least = Histogram::BucketMax(i - 1) + 1;
    ASSERT_LE(Histogram::BucketMax(i) - least, least / 32) << i;
  }
}

TEST(HistogramTest, NothingRecordedIsZeroEverywhere) {
  const HistogramSnapshot none = Histogram().Snapshot();
  EXPECT_EQ(none.count, 0);
  EXPECT_EQ(none.Percentile(99), 0);
  EXPECT_EQ(none.Mean(), 0);
}

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram histogram;
  for (uint64_t value = 1; value <= 60; ++value) histogram.Record(value);
  const HistogramSnapshot seen = histogram.Snapshot();
  EXPECT_EQ(seen.Percentile(0), 1);
  EXPECT_EQ(seen.Percentile(50), 30);
  EXPECT_EQ(seen.Percentile(99), 60);
  EXPECT_EQ(seen.max, 60);
  EXPECT_EQ(seen.Mean(), 30.5);
}

TEST(HistogramTest, PercentilesAreWithinTheStatedError) {
  std::mt19937_64 random(4711);
  std::vector<uint64_t> values;
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(random() >> (random() % 64));
    histogram.Record(values.back());
  }
  std::sort(values.begin(), values.end());
  const HistogramSnapshot seen = histogram.Snapshot();
  for (double percent : {0.1, 1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto rank = static_cast<size_t>(
        std::ceil(static_cast<double>(values.size()) * percent / 100));
    const uint64_t exact = values[rank - 1];
    EXPECT_GE(seen.Percentile(percent), exact) << percent;
    EXPECT_LE(seen.Percentile(percent) - exact, exact / 32) << percent;
  }
}

TEST(HistogramTest, ItMayBeReadWhileItIsWritten) {
  Histogram histogram;
  std::thread writer([&histogram] {
    for (uint64_t i = 0; i < 40'000; ++i) histogram.Record(i);
  });
  uint64_t count = 0;
  while (count < 40'000) {
    const HistogramSnapshot seen = histogram.Snapshot();
    ASSERT_GE(seen.count, count);
    ASSERT_LT(seen.Percentile(100), 40'000);
    count = seen.count;
  }
  writer.join();
  const HistogramSnapshot seen = histogram.Snapshot();
  EXPECT_EQ(seen.count, 40'000);
  EXPECT_EQ(seen.sum, 40'000ull * 39'999 / 2);
  EXPECT_EQ(seen.max, 39'999);
}

}  // namespace
}  // namespace journal
