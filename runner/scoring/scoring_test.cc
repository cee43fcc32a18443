// Extraction, numbers and scoring: from a response to a score.
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
  return scoring->Evaluate(output, target, {});
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
    sum += scoring.Evaluate(row->response, row->target, {}).scores[0].second;
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
