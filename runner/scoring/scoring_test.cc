// Extraction, numbers, scorers and statistics: from a response to an interval.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "runner/data/dataset.h"
#include "runner/data/fields.h"
#include "runner/scoring/extraction.h"
#include "runner/scoring/number.h"
#include "runner/scoring/scorer.h"
#include "runner/scoring/statistics.h"

namespace runner {
namespace {

using ::testing::HasSubstr;

const absl::nullopt_t kNothing = absl::nullopt;

absl::optional<std::string> Extract(const ExtractionOptions& options,
                                    absl::string_view response) {
  const auto extractor = Extractor::Create(options);
  EXPECT_TRUE(extractor.ok()) << extractor.status();
  return (*extractor)->Extract(response);
}

TEST(Extraction, TheLastMatchsFirstGroupCounts) {
  EXPECT_EQ(Extract({.regex = R"((?m)^A:\s*(.+)$)"}, "A: 1\nA: 22 \nend"),
            "22");
  EXPECT_EQ(Extract({.regex = "[0-9]+"}, "1 22 333"), "333");
  EXPECT_EQ(Extract({.regex = "A:(x)?(y)?"}, "A:x A:y"), "x");
  EXPECT_EQ(Extract({.regex = "A: (.*)"}, "B: 1"), kNothing);
}

TEST(Extraction, EmptyMatchesEnd) {
  EXPECT_EQ(Extract({.regex = "x*"}, "aéxxb"), "xx");
  EXPECT_EQ(Extract({.regex = "x*"}, ""), kNothing);
  EXPECT_EQ(Extract({.regex = "$"}, "\xff\xff"), kNothing);
}

TEST(Extraction, LastLineAndAfter) {
  EXPECT_EQ(Extract({.extract = "last-line"}, "a\n b \r\n\n"), "b");
  EXPECT_EQ(Extract({.extract = "last-line"}, "\n \n"), kNothing);
  EXPECT_EQ(Extract({.extract = "after:####"}, "#### 1\n#### 18\nbye"), "18");
  EXPECT_EQ(Extract({.extract = "after:Answer:"}, "Answer:\n\n 42\n"), "42");
  EXPECT_EQ(Extract({.extract = "after:####"}, "18"), kNothing);
}

TEST(Extraction, ATargetMayBeTheAnswerAlready) {
  const auto extractor = Extractor::Create({.extract = "after:####"});
  EXPECT_EQ((*extractor)->ExtractTarget("so\n#### 18"), "18");
  EXPECT_EQ((*extractor)->ExtractTarget(" 18\n"), "18");
}

TEST(Extraction, WrongOptionsAreErrors) {
  EXPECT_THAT(
      std::string(Extractor::Create({.regex = "(a"}).status().message()),
      HasSubstr("--extract-regex: `(a`"));
  EXPECT_FALSE(Extractor::Create({.extract = "first"}).ok());
  EXPECT_FALSE(Extractor::Create({.extract = "after:"}).ok());
  EXPECT_FALSE(Extractor::Create({.regex = "a", .extract = "last-line"}).ok());
}

struct NumberCase {
  const char* text;
  double value;  // NaN: none.
};

class NumberTest : public ::testing::TestWithParam<NumberCase> {};

TEST_P(NumberTest, ReadsWhatPeopleWrite) {
  const auto [text, value] = GetParam();
  const absl::optional<Number> number = FindNumber(text);
  if (std::isnan(value)) {
    EXPECT_FALSE(number.has_value()) << text << " gave " << number->value;
    return;
  }
  ASSERT_TRUE(number.has_value()) << text;
  EXPECT_DOUBLE_EQ(number->value, value) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Written, NumberTest,
    ::testing::Values(NumberCase{"18", 18}, NumberCase{" 18.\n", 18},
                      NumberCase{"18.50", 18.5}, NumberCase{".5", .5},
                      NumberCase{"-7", -7}, NumberCase{"+7", 7},
                      NumberCase{"\xE2\x88\x92"
                                 "7",
                                 -7},
                      NumberCase{"$1,234.50", 1234.5}, NumberCase{"-$5", -5},
                      NumberCase{"$-5", -5}, NumberCase{"€ 12", 12},
                      NumberCase{"12 €", 12}, NumberCase{"1,450,000", 1450000},
                      NumberCase{"1_000", 1000}, NumberCase{"1'000", 1000},
                      NumberCase{"1\xC2\xA0"
                                 "000",
                                 1000},
                      NumberCase{"50%", 50}, NumberCase{"3/4", .75},
                      NumberCase{"1.5e3", 1500}, NumberCase{"18 eggs", 18},
                      NumberCase{"18km", 18}, NumberCase{"3 x 6 = 18", 18},
                      NumberCase{"**18**", 18}, NumberCase{"\\boxed{18}", 18},
                      NumberCase{"16-3", 3}, NumberCase{"16 - 3", 3},
                      NumberCase{"is -3", -3}, NumberCase{"007", 7}));

INSTANTIATE_TEST_SUITE_P(
    NoNumber, NumberTest,
    ::testing::Values(NumberCase{"", NAN}, NumberCase{"none", NAN},
                      NumberCase{"1,23", NAN}, NumberCase{"1.2.3", NAN},
                      NumberCase{"q3", NAN}, NumberCase{"1/0", NAN},
                      NumberCase{"nan inf", NAN}, NumberCase{"1e999", NAN},
                      NumberCase{"\xff\xfe", NAN}));

TEST(Number, IntegersCompareDigitByDigit) {
  EXPECT_FALSE(SameNumber(*FindNumber("12345678901234567890"),
                          *FindNumber("12345678901234567891")));
  EXPECT_TRUE(SameNumber(*FindNumber("18.0"), *FindNumber("018")));
  EXPECT_TRUE(SameNumber(*FindNumber("-0"), *FindNumber("0")));
  EXPECT_TRUE(
      SameNumber(*FindNumber("0.30000000000000004"), *FindNumber("0.3")));
  EXPECT_FALSE(SameNumber(*FindNumber("0.333"), *FindNumber("1/3")));
}

ScoredResponse ScoreWith(std::vector<std::string> scorers,
                         absl::optional<std::string> output,
                         const std::string& target,
                         ExtractionOptions extraction = {}) {
  const auto scoring = Scoring::Create(extraction, scorers);
  EXPECT_TRUE(scoring.ok()) << scoring.status();
  return scoring->Evaluate(output, target);
}

TEST(Scorer, ExactMatchTakesBytesButForBlanksAround) {
  EXPECT_EQ(ScoreWith({"exact_match"}, " Paris\n", "Paris").scores[0].second,
            1);
  EXPECT_EQ(ScoreWith({"exact_match"}, "paris", "Paris").scores[0].second, 0);
}

TEST(Scorer, NumericTakesATolerance) {
  const auto score = [](const char* scorer, const char* output) {
    return ScoreWith({scorer}, std::string(output), "10").scores[0].second;
  };
  EXPECT_EQ(score("numeric", "10.0"), 1);
  EXPECT_EQ(score("numeric", "10.1"), 0);
  EXPECT_EQ(score("numeric:0.1", "10.1"), 1);
  EXPECT_EQ(score("numeric:0.1", "10.11"), 0);
  EXPECT_EQ(score("numeric:1%", "9.9"), 1);
  EXPECT_EQ(score("numeric:1%", "9.89"), 0);
}

TEST(Scorer, AnAnswerThatIsNoneIsWrongAndUnparsed) {
  ScoredResponse none = ScoreWith({"numeric"}, std::string("dunno"), "10");
  EXPECT_TRUE(none.unparsed);
  EXPECT_EQ(none.scores, (NamedValues{{"numeric", 0}}));
  none = ScoreWith({"exact_match", "numeric"}, absl::nullopt, "10");
  EXPECT_TRUE(none.unparsed);
  EXPECT_EQ(none.scores, (NamedValues{{"exact_match", 0}, {"numeric", 0}}));
  none =
      ScoreWith({"exact_match"}, std::string("10"), "10", {.regex = "A:(.*)"});
  EXPECT_TRUE(none.unparsed);
  EXPECT_FALSE(ScoreWith({"numeric"}, std::string("11"), "10").unparsed);
}

TEST(Scorer, WhatCannotBeScoredIsRefusedBefore) {
  const Scoring scoring = *Scoring::Create({}, {"numeric"});
  EXPECT_TRUE(scoring.CheckTarget(std::string("#### 18")).ok());
  EXPECT_FALSE(scoring.CheckTarget(std::string("Paris")).ok());
  EXPECT_FALSE(scoring.CheckTarget(absl::nullopt).ok());
  for (const char* bad : {"f2", "numeric:", "numeric:-1", "numeric:x"}) {
    EXPECT_FALSE(Scoring::Create({}, {bad}).ok()) << bad;
  }
  EXPECT_FALSE(Scoring::Create({}, {"numeric", "numeric:1%"}).ok());
}

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

// The recorded answers of four models, against the file's own verdict.
class Gsm8kTest : public ::testing::TestWithParam<std::pair<const char*, int>> {
};

TEST_P(Gsm8kTest, ScoresRealAnswersAsTheirAuthorsDid) {
  const auto [model, right] = GetParam();
  const char* shared = std::getenv("BENCH_JOURNAL_SHARED");
  ASSERT_NE(shared, nullptr)
      << "BENCH_JOURNAL_SHARED must name the directory with data/gsm8k";
  const auto dataset = Dataset::Load(
      absl::StrCat(shared, "/data/gsm8k/example_model_solutions.jsonl"), {});
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  ASSERT_EQ((*dataset)->size(), 1319u);
  const Fields fields = *Fields::Create(
      {.target_field = "ground_truth", .response_field = "{model}.solution"},
      model, "");
  const Scoring scoring =
      *Scoring::Create({.regex = R"((?m)^A:\s*(.+)$)"}, {"numeric"});
  double sum = 0;
  for (size_t i = 0; i < (*dataset)->size(); ++i) {
    const auto row = fields.Resolve(*(*dataset)->Row(i));
    ASSERT_TRUE(row.ok()) << row.status();
    ASSERT_TRUE(scoring.CheckTarget(row->target).ok());
    sum += scoring.Evaluate(row->response, row->target).scores[0].second;
  }
  EXPECT_EQ(sum, right);
}

INSTANTIATE_TEST_SUITE_P(
    Models, Gsm8kTest,
    ::testing::Values(std::make_pair("6b_finetuning", 286),
                      std::make_pair("6b_verification", 515),
                      std::make_pair("175b_finetuning", 458),
                      std::make_pair("175b_verification", 742)));

}  // namespace
}  // namespace runner
