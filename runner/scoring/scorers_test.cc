// Each scorer against what its authors, or a published example, say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "runner/scoring/choice_scorer.h"
#include "runner/scoring/scorer.h"
#include "runner/scoring/text_scorers.h"

namespace runner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::unique_ptr<Scorer> Make(absl::string_view text) {
  absl::StatusOr<std::unique_ptr<Scorer>> scorer = Scorer::Create(text);
  EXPECT_TRUE(scorer.ok()) << scorer.status();
  return *std::move(scorer);
}

// NaN: unparsed.
double ScoreOf(absl::string_view scorer, absl::string_view answer,
               absl::string_view target) {
  const std::unique_ptr<Scorer> made = Make(scorer);
  EXPECT_TRUE(made->CheckTarget(target).ok()) << made->CheckTarget(target);
  const Score score = made->Evaluate(answer, target);
  if (!score.parsed) {
    EXPECT_EQ(score.value, made->lowest());
    return NAN;
  }
  return score.value;
}

bool Accepts(absl::string_view scorer, absl::string_view target) {
  return Make(scorer)->CheckTarget(target).ok();
}

TEST(Scorers, OneTableNamesThemAll) {
  EXPECT_EQ(KnownScorers(),
            "exact_match, contains, regex, numeric[:TOL], multiple_choice, f1, "
            "recall@K, precision@K, mrr, ndcg@K, worker");
  EXPECT_EQ(Make("recall@10")->name(), "recall@10");
  EXPECT_EQ(Make("numeric:1%")->name(), "numeric");
  const std::string message(Scorer::Create("bleu").status().message());
  EXPECT_THAT(message, HasSubstr("`bleu`"));
  EXPECT_THAT(message, HasSubstr(KnownScorers()));
  for (const char* bad : {"", "f1:1", "recall", "recall@", "recall@0", "mrr@3",
                          "recall@x", "ndcg:5", "ndcg@-1", "contains:", "F1"}) {
    EXPECT_FALSE(Scorer::Create(bad).ok()) << bad;
  }
  for (const auto& [mistyped, meant] :
       {std::make_pair("exact_mach", "`exact_match`"),
        std::make_pair("recall", "`recall@K`"),
        std::make_pair("precison@5", "`precision@K`")}) {
    EXPECT_THAT(std::string(Scorer::Create(mistyped).status().message()),
                HasSubstr(absl::StrCat("did you mean ", meant)));
  }
}

TEST(Contains, LooksForTheTarget) {
  EXPECT_EQ(ScoreOf("contains", "It is Paris, I think", " Paris\n"), 1);
  EXPECT_EQ(ScoreOf("contains", "It is paris", "Paris"), 0);
  EXPECT_FALSE(Accepts("contains", "  "));
}

TEST(Regex, TheTargetIsAPattern) {
  EXPECT_EQ(ScoreOf("regex", "born in 1879 in Ulm", "18[0-9]{2}"), 1);
  EXPECT_EQ(ScoreOf("regex", "born in 1979", "^18[0-9]{2}$"), 0);
  EXPECT_FALSE(Accepts("regex", "(a"));
}

struct ChoiceCase {
  const char* answer;
  char choice;  // 0: none.
};

class ChoiceTest : public ::testing::TestWithParam<ChoiceCase> {};

TEST_P(ChoiceTest, FindsWhatIsChosen) {
  const auto [answer, choice] = GetParam();
  const absl::optional<char> found = FindChoice(answer, ChoiceLabels::kLetters);
  EXPECT_EQ(found.value_or(0), choice) << answer;
}

INSTANTIATE_TEST_SUITE_P(
    Written, ChoiceTest,
    ::testing::Values(
        ChoiceCase{"B", 'B'}, ChoiceCase{" b.\n", 'B'}, ChoiceCase{"(C)", 'C'},
        ChoiceCase{"**D**", 'D'}, ChoiceCase{"B. Paris", 'B'},
        ChoiceCase{"B) A city in France", 'B'}, ChoiceCase{"(b) Paris", 'B'},
        ChoiceCase{"$\\boxed{B}$", 'B'}, ChoiceCase{"The answer is (B)", 'B'},
        ChoiceCase{"The answer is B, not A", 'B'},
        ChoiceCase{"Not A. ANSWER: D\n", 'D'},
        ChoiceCase{"A is wrong. B is right.\nAnswer: **B**", 'B'},
        ChoiceCase{"First I thought (A), but it must be (C)", 'C'},
        ChoiceCase{"I think that it is B", 'B'},
        ChoiceCase{"A good choice is C", 'C'},
        ChoiceCase{"Option C seems right", 'C'}, ChoiceCase{"It is A", 'A'}));

INSTANTIATE_TEST_SUITE_P(
    Nothing, ChoiceTest,
    ::testing::Values(ChoiceCase{"", 0}, ChoiceCase{"Paris", 0},
                      ChoiceCase{"I do not know", 0},
                      ChoiceCase{"A dog and its bone", 0},
                      ChoiceCase{"the answer is unclear", 0},
                      ChoiceCase{"\xff\xfe", 0}));

TEST(MultipleChoice, ComparesLabels) {
  EXPECT_EQ(ScoreOf("multiple_choice", "The answer is (B).", "b"), 1);
  EXPECT_EQ(ScoreOf("multiple_choice", "B", "C. Rome"), 0);
  EXPECT_EQ(ScoreOf("multiple_choice", "answer: 3", "3"), 1);
  EXPECT_TRUE(std::isnan(ScoreOf("multiple_choice", "no idea", "B")));
  for (const char* none : {"", "Paris", "AB", "42", "?"}) {
    EXPECT_FALSE(Accepts("multiple_choice", none)) << none;
  }
}

// evaluate-v2.0.py: normalize_answer and compute_f1.
TEST(F1, IsThatOfSquad) {
  EXPECT_THAT(SquadWords("The  U.S.A.'s \"an\"\tanswer"),
              ElementsAre("usas", "answer"));
  EXPECT_EQ(ScoreOf("f1", "the Eiffel Tower!", "Eiffel tower"), 1);
  // P = 2/3, R = 2/4
  EXPECT_NEAR(ScoreOf("f1", "in July 1969", "on 20 July 1969"), 4.0 / 7, 1e-15);
  // A word counts as often as both have it: P = 1/2, R = 1.
  EXPECT_NEAR(ScoreOf("f1", "Paris Paris", "Paris"), 2.0 / 3, 1e-15);
  EXPECT_EQ(ScoreOf("f1", "Rome", "Paris"), 0);
  EXPECT_EQ(ScoreOf("f1", "the", ""), 1);
  EXPECT_EQ(ScoreOf("f1", "Rome", ""), 0);
  EXPECT_EQ(ScoreOf("f1", "ÉCOLE Ÿ ΣΑΝ ЖУК Ő", "école ÿ σαν жук ő"), 1);
}

TEST(F1, OfSeveralRightAnswersTheBestCounts) {
  EXPECT_EQ(ScoreOf("f1", "Denver Broncos",
                    R"(["the Broncos", "Denver Broncos", "Denver"])"),
            1);
  EXPECT_NEAR(ScoreOf("f1", "Denver", R"([1, "Denver"])"), 2.0 / 3, 1e-15);
}

// By hand, after the definitions in Manning, Raghavan and Schütze,
// "Introduction to Information Retrieval" (2008), 8.3 and 8.4.
TEST(Retrieval, RecallPrecisionAndRank) {
  const char* ranking = R"(["d3", "d1", "d7", "d2", "d9"])";
  const char* relevant = R"(["d1", "d2", "d4"])";
  EXPECT_NEAR(ScoreOf("recall@2", ranking, relevant), 1.0 / 3, 1e-15);
  EXPECT_NEAR(ScoreOf("recall@5", ranking, relevant), 2.0 / 3, 1e-15);
  EXPECT_NEAR(ScoreOf("precision@2", ranking, relevant), 1.0 / 2, 1e-15);
  // Five were found, ten places asked for (trec_eval's P.10).
  EXPECT_NEAR(ScoreOf("precision@10", ranking, relevant), 2.0 / 10, 1e-15);
  EXPECT_NEAR(ScoreOf("mrr", ranking, relevant), 1.0 / 2, 1e-15);
  EXPECT_EQ(ScoreOf("mrr", ranking, R"(["d8"])"), 0);
}

// https://en.wikipedia.org/wiki/Discounted_cumulative_gain, "Example": DCG
// 6.861 of an ideal 8.740 over eight documents, two of which were not found.
TEST(Retrieval, NdcgOfThePublishedExample) {
  EXPECT_NEAR(
      ScoreOf("ndcg@6", "D1\nD2\nD3\nD4\nD5\nD6\n",
              R"({"D1":3,"D2":2,"D3":3,"D4":0,"D5":1,"D6":2,"D7":3,"D8":2})"),
      0.785, 5e-4);
  EXPECT_EQ(ScoreOf("ndcg@10", "a\nb", R"({"a": 1e308, "b": 1e308})"), 1);
  EXPECT_EQ(ScoreOf("ndcg@1", "b\na", R"(["a"])"), 0);
}

TEST(Retrieval, AnIdCountsOnceAndMayBeANumber) {
  EXPECT_EQ(ScoreOf("recall@2", R"(["a", "a", "b"])", "a\nb"), 1);
  EXPECT_EQ(ScoreOf("recall@2", "[7, 8]", " 7 \n\n8\n"), 1);
  EXPECT_EQ(ScoreOf("precision@1", "[]", R"(["a"])"), 0);
}

TEST(Retrieval, WhatIsNoRankingIsUnparsed) {
  for (const char* bad : {"[1, {}]", "[\"a\"", "{\"a\": 1}", "[[]]", " "}) {
    EXPECT_TRUE(std::isnan(ScoreOf("mrr", bad, "a"))) << bad;
  }
  for (const char* bad : {"", "[]", "{}", R"({"a": 0})", R"({"a": -1})",
                          R"({"a": "b"})", "[null]"}) {
    EXPECT_FALSE(Accepts("ndcg@3", bad)) << bad;
  }
}

}  // namespace
}  // namespace runner
