#include "runner/storage/usage_totals.h"

#include <gtest/gtest.h>

#include <limits>

namespace runner {
namespace {

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

TEST(UsageTotals, WhatIsUnknownIsCountedAndNotZero) {
  UsageTotals totals;
  totals.Add({.prompt_tokens = 5, .completion_tokens = 7, .metered = true}, {});
  EXPECT_EQ(totals.cost, absl::nullopt);
  totals.Add({}, 0.25);
  totals.Add({}, 0.5);
  EXPECT_EQ(totals.calls, 3u);
  EXPECT_EQ(totals.prompt_tokens, 5u);
  EXPECT_EQ(totals.unmetered, 2u);
  EXPECT_EQ(totals.unpriced, 1u);
  EXPECT_EQ(totals.cost, 0.75);
}

TEST(UsageTotals, SumsOfWhateverAJournalSaysStayNumbers) {
  UsageTotals totals;
  totals.Add({.prompt_tokens = kMost, .metered = true},
             std::numeric_limits<double>::max());
  totals.Add({.prompt_tokens = 1, .metered = true},
             std::numeric_limits<double>::max());
  totals.Add({}, std::numeric_limits<double>::quiet_NaN());
  totals.Add({}, -1e9);
  EXPECT_EQ(totals.prompt_tokens, kMost);
  EXPECT_EQ(totals.cost, std::numeric_limits<double>::max());
  EXPECT_EQ(totals.unpriced, 2u);
}

TEST(UsageTotals, OfSeveralAddUp) {
  UsageTotals one, all;
  one.Add({.completion_tokens = 2, .reasoning_tokens = 1, .metered = true}, 1);
  one.Add({}, {});
  all.Add(one);
  all.Add(one);
  EXPECT_EQ(all.calls, 4u);
  EXPECT_EQ(all.completion_tokens, 4u);
  EXPECT_EQ(all.cost, 2);
  EXPECT_EQ(all.unmetered, 2u);
}

TEST(UsageTotals, ARunsEndTellsThemAll) {
  UsageTotals totals;
  RunEndRecord record;
  totals.ToRunEnd(record);
  EXPECT_FALSE(record.usage.metered);
  EXPECT_EQ(record.cost, absl::nullopt);
  totals.Add({.cached_tokens = 3, .metered = true}, {});
  totals.Add({}, 2);
  totals.ToRunEnd(record);
  EXPECT_TRUE(record.usage.metered);
  EXPECT_EQ(record.usage.cached_tokens, 3u);
  EXPECT_EQ(record.cost, 2);
  EXPECT_EQ(record.unmetered, 1u);
  EXPECT_EQ(record.unpriced, 1u);
}

}  // namespace
}  // namespace runner
