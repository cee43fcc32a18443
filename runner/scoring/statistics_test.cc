// Means, intervals and rates against published values.
#include "runner/scoring/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "runner/scoring/repeats.h"

namespace runner {
namespace {

using ::testing::ElementsAre;

Summary Summarize(const std::vector<std::vector<double>>& runs,
                  uint64_t failed = 0) {
  ScoreSummary scores(runs[0].size(), runs.size());
  for (const std::vector<double>& run : runs) {
    for (size_t i = 0; i < run.size(); ++i) scores.Add(i, run[i]);
  }
  return scores.Summarize(failed, ScoreRange{});
}

TEST(Statistics, SampleDeviationAndStandardError) {
  const Summary summary = Summarize({{0.2, 0.4, 0.4, 0.6}});
  EXPECT_DOUBLE_EQ(*summary.mean, 0.4);
  EXPECT_NEAR(*summary.deviation, 0.16329931618554522, 1e-15);
  EXPECT_NEAR(*summary.standard_error, 0.08164965809277261, 1e-15);
  // t(3) = 3.182446305284263
  EXPECT_NEAR(summary.ci95->first, 0.4 - 0.2598456, 1e-6);
}

// R: prop.test(8, 10, correct = FALSE)
TEST(Statistics, ProportionsGetWilsonsInterval) {
  const Summary summary = Summarize({{1, 1, 1, 1, 1, 1, 1, 1, 0, 0}});
  EXPECT_NEAR(summary.ci95->first, 0.4901625, 1e-6);
  EXPECT_NEAR(summary.ci95->second, 0.9433178, 1e-6);
}

TEST(Statistics, AllRightIsNotCertain) {
  const Summary summary = Summarize({{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}});
  EXPECT_NEAR(summary.ci95->first, 0.7224672, 1e-6);
  EXPECT_EQ(summary.ci95->second, 1);
}

TEST(Statistics, RepeatingAnAnswerMakesNothingSurer) {
  const std::vector<double> run = {1, 1, 0, 1, 0, 0, 1, 1};
  const Summary once = Summarize({run});
  const Summary thrice = Summarize({run, run, run});
  EXPECT_NEAR(*thrice.standard_error, *once.standard_error, 1e-12);
  EXPECT_NEAR(thrice.ci95->first, once.ci95->first, 1e-12);
}

// A minimum score of 0.9 must not fail for a rounding error.
TEST(Statistics, TheMeanOfRightAndWrongIsExact) {
  for (const auto& [right, n] : {std::pair<int, int>(54, 60), {515, 1319}}) {
    ScoreSummary scores(n, 1);
    for (int i = 0; i < n; ++i)
      scores.Add(i, (i + 1) * right / n > i * right / n);
    EXPECT_EQ(*scores.Summarize(0, ScoreRange{}).mean,
              static_cast<double>(right) / n);
  }
}

// Miller 2024, eq. 4, by hand: queries (1,0) (1,1) (0,0); mean 1/2; the sums of
// distances are 0, 1, -1; SE^2 = 3/2 * 2 / 36.
TEST(Statistics, RunsAreClusteredByQuery) {
  const Summary summary = Summarize({{1, 1, 0}, {0, 1, 0}});
  EXPECT_NEAR(*summary.standard_error, std::sqrt(3.0 / 2 * 2 / 36), 1e-15);
}

TEST(Statistics, FailuresStandInTheBoundsOnly) {
  const Summary summary = Summarize({{1, 1, 0}}, /*failed=*/1);
  EXPECT_DOUBLE_EQ(*summary.mean, 2.0 / 3);
  EXPECT_DOUBLE_EQ(summary.bounds->first, 0.5);
  EXPECT_DOUBLE_EQ(summary.bounds->second, 0.75);
}

TEST(Statistics, WhatTheDataCannotSayIsNotSaid) {
  const ScoreSummary none(0, 1);
  EXPECT_EQ(none.Summarize(0, ScoreRange{}).mean, absl::nullopt);
  EXPECT_EQ(none.Summarize(0, ScoreRange{}).bounds, absl::nullopt);
  EXPECT_EQ(*none.Summarize(2, ScoreRange{}).bounds, Interval(0, 1));
  const Summary one = Summarize({{0.5}});
  EXPECT_EQ(one.deviation, absl::nullopt);
  EXPECT_EQ(one.ci95, absl::nullopt);
}

TEST(Statistics, QuantilesAndPercentiles) {
  EXPECT_NEAR(TQuantile975(1), 12.706204736432095, 1e-9);
  EXPECT_NEAR(TQuantile975(10), 2.2281388519649385, 1e-9);
  EXPECT_NEAR(TQuantile975(1000000), 1.96, 1e-3);
  EXPECT_DOUBLE_EQ(Percentile({1, 2, 3, 4}, 50), 2.5);
  EXPECT_DOUBLE_EQ(Percentile({1, 2, 3, 4}, 99), 3.97);
  EXPECT_DOUBLE_EQ(Percentile({}, 50), 0);
}

// Chen et al. 2021, equation 1, by its binomials: C(7, 5) / C(10, 5) is 21 /
// 252.
TEST(Repeats, PassAtKIsChensEstimator) {
  EXPECT_NEAR(PassAtK(10, 3, 5), 1 - 21.0 / 252, 1e-15);
  EXPECT_NEAR(PassAtK(5, 1, 1), 0.2, 1e-15);
  EXPECT_EQ(PassAtK(10, 0, 10), 0);
  EXPECT_EQ(PassAtK(10, 1, 10), 1);
  // The product of their listing (figure 3), where the binomials themselves
  // overflow a double.
  double product = 1;
  for (int i = 200 - 13 + 1; i <= 200; ++i) product *= 1 - 100.0 / i;
  EXPECT_NEAR(PassAtK(200, 13, 100), 1 - product, 1e-12);
}

// Yao et al. 2024: C(c, k) / C(n, k); 3 of 4 right: 3/4, 3/6, 1/4, 0.
TEST(Repeats, PassHatKIsThatAllAreRight) {
  EXPECT_NEAR(PassHatK(4, 3, 1), 3.0 / 4, 1e-15);
  EXPECT_NEAR(PassHatK(4, 3, 2), 1.0 / 2, 1e-15);
  EXPECT_NEAR(PassHatK(4, 3, 3), 1.0 / 4, 1e-15);
  EXPECT_EQ(PassHatK(4, 3, 4), 0);
}

TEST(Repeats, PowersOfTwoAndAllAreReported) {
  EXPECT_THAT(ReportedKs(1), ElementsAre(1));
  EXPECT_THAT(ReportedKs(2), ElementsAre(1, 2));
  EXPECT_THAT(ReportedKs(5), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(ReportedKs(8), ElementsAre(1, 2, 4, 8));
}

// exact2x2, the package to Fay 2010: mcnemar.exact(matrix(c(21, 9, 2, 12), 2))
// says p = 0.06543.
TEST(Repeats, McNemarsExactTest) {
  EXPECT_NEAR(McNemarExact(9, 2), 134.0 / 2048, 1e-12);
  EXPECT_NEAR(McNemarExact(2, 9), 0.06543, 5e-6);
  EXPECT_EQ(McNemarExact(5, 5), 1);
  EXPECT_EQ(McNemarExact(0, 0), 1);
  EXPECT_NEAR(McNemarExact(0, 6), 2.0 / 64, 1e-15);
}

// Three queries, right in 2, 1 and 0 of two runs.
TEST(Statistics, RunsGivePassRatesAndTheirVariance) {
  const Summary summary = Summarize({{1, 1, 0}, {1, 0, 0}});
  ASSERT_EQ(summary.pass_rates.size(), 2u);
  EXPECT_DOUBLE_EQ(summary.pass_rates[0].at, 0.5);
  EXPECT_DOUBLE_EQ(summary.pass_rates[0].hat, 0.5);
  EXPECT_EQ(summary.pass_rates[1].k, 2u);
  EXPECT_DOUBLE_EQ(summary.pass_rates[1].at, 2.0 / 3);
  EXPECT_DOUBLE_EQ(summary.pass_rates[1].hat, 1.0 / 3);
  // 0, 1/2 and 0.
  EXPECT_DOUBLE_EQ(*summary.query_variance, 0.5 / 3);
}

TEST(Statistics, PassRatesNeedRunsAndRightOrWrong) {
  EXPECT_TRUE(Summarize({{1, 0}}).pass_rates.empty());
  EXPECT_EQ(Summarize({{1, 0}}).query_variance, absl::nullopt);
  const Summary graded = Summarize({{0.5, 1}, {0.1, 1}});
  EXPECT_TRUE(graded.pass_rates.empty());
  EXPECT_DOUBLE_EQ(*graded.query_variance, 0.04);
}

TEST(Statistics, AQueryWithFewerScoresIsNotInAPassRateOfMore) {
  ScoreSummary scores(/*queries=*/2, /*runs=*/3);
  for (int run = 0; run < 2; ++run) scores.Add(0, 1);
  scores.Add(1, 0);
  const Summary summary = scores.Summarize(3, ScoreRange{});
  ASSERT_EQ(summary.pass_rates.size(), 2u);
  EXPECT_DOUBLE_EQ(summary.pass_rates[0].at, 0.5);
  EXPECT_DOUBLE_EQ(summary.pass_rates[1].at, 1);
}

}  // namespace
}  // namespace runner
