// Other scoring on answers that are there already: nothing is asked again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr size_t kQuestions = 60;

// How Workplace::Records shows a record of type Score, behind its LSN.
constexpr char kScoreMark[] = ":7:";

class RescoreTest : public testing::Test {
 protected:
  RescoreTest() {
    place_.options["workers"] = "4";
    place_.WriteDataset(kQuestions);
  }

  std::vector<std::string> Records() const {
    return place_.Records(place_.Journals().front());
  }

  size_t ScoreRecords() const {
    const std::vector<std::string> records = Records();
    return static_cast<size_t>(std::count_if(
        records.begin(), records.end(), [](const std::string& record) {
          const size_t type = record.find(':');
          return record.compare(type, sizeof kScoreMark - 1, kScoreMark) == 0;
        }));
  }

  // Of a run that had these options from the start.
  std::string FreshResults() const {
    Workplace other;
    other.options = place_.options;
    other.Write("questions.jsonl", place_.Read("questions.jsonl"));
    EXPECT_EQ(other.Run(), 0) << other.err();
    return other.ResultsWithoutTiming();
  }

  // Runs with other scoring: all is scored by it, and no worker is asked, nor
  // even started.
  void ExpectScoredAgain(const std::string& option, const std::string& value) {
    place_.options[option] = value;
    place_.Write("calls.log", "");
    EXPECT_EQ(place_.Run(), 0) << place_.err();
    EXPECT_THAT(place_.err(), HasSubstr("Scoring changed"));
    EXPECT_THAT(place_.Calls(), SizeIs(0));
    EXPECT_EQ(place_.ResultsWithoutTiming(), FreshResults());
  }

  Workplace place_;
};

TEST_F(RescoreTest, AnotherScorerAsksNothingAndKeepsTheOldScores) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  const std::vector<std::string> before = Records();
  ExpectScoredAgain("scorer", "numeric,contains");
  const std::vector<std::string> after = Records();
  ASSERT_GT(after.size(), before.size());
  EXPECT_TRUE(std::equal(before.begin(), before.end(), after.begin()));
  EXPECT_EQ(ScoreRecords(), 2 * kQuestions);
  EXPECT_THAT(place_.Journals(), SizeIs(1));
}

TEST_F(RescoreTest, AnotherTargetOrExtractionScoresAgain) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  ExpectScoredAgain("target-field", "input");
  ExpectScoredAgain("extract", "last-line");
}

TEST_F(RescoreTest, WhatIsScoredAgainIsCompleteAgain) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  ExpectScoredAgain("scorer", "numeric");
  const std::vector<std::string> records = Records();
  EXPECT_EQ(place_.Run(), 0);
  EXPECT_THAT(place_.err(), HasSubstr("complete since"));
  EXPECT_TRUE(Records() == records) << "records were added";
}

TEST_F(RescoreTest, TheFirstScoringAgainIsAnotherChange) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  const std::string first = place_.options["scorer"];
  ExpectScoredAgain("scorer", "numeric");
  ExpectScoredAgain("scorer", first);
  EXPECT_EQ(ScoreRecords(), 3 * kQuestions);
}

TEST_F(RescoreTest, AnUnfinishedJournalGoesOnWithIt) {
  place_.worker_flags.push_back("--slow=10");
  RunnerProcess runner = place_.Start();
  ASSERT_TRUE(place_.WaitForCalls(10, runner)) << runner.err();
  runner.Signal(SIGINT);
  ASSERT_EQ(runner.WaitExit(), 130) << runner.err();
  place_.worker_flags.pop_back();
  place_.options["scorer"] = "numeric";
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_THAT(place_.err(),
              AllOf(HasSubstr("Scoring changed"), HasSubstr("to be scored")));
  EXPECT_THAT(place_.CallCounts(),
              AllOf(SizeIs(kQuestions), Each(Pair(testing::_, 1))));
  EXPECT_EQ(place_.ResultsWithoutTiming(), FreshResults());
}

// Whenever the kill comes, before the first score, between two, or after all.
TEST_F(RescoreTest, KilledWhileItScoresItGoesOn) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  place_.options["scorer"] = "numeric";
  {
    RunnerProcess runner = place_.Start();
    const absl::Time deadline = absl::Now() + kPatience;
    while (ScoreRecords() <= kQuestions && absl::Now() < deadline) {
    }
    runner.Kill9();
  }
  place_.Write("calls.log", "");
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_THAT(place_.Calls(), SizeIs(0));
  EXPECT_EQ(place_.ResultsWithoutTiming(), FreshResults());
}

TEST_F(RescoreTest, TheCommandNeedsNothingButJournalAndScorer) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  place_.Write("calls.log", "");
  place_.options["scorer"] = "numeric";
  EXPECT_EQ(place_.RunProgram(
                {"rescore", place_.JournalDirectory(), "--scorer", "numeric"}),
            0)
      << place_.err();
  EXPECT_THAT(place_.Calls(), SizeIs(0));
  EXPECT_EQ(place_.ResultsWithoutTiming(), FreshResults());
  // What is gone on with later is the scoring that holds now.
  const std::vector<std::string> records = Records();
  EXPECT_EQ(place_.RunProgram({"resume", place_.JournalDirectory()}), 0);
  EXPECT_TRUE(Records() == records) << "records were added";
}

TEST_F(RescoreTest, TheCommandAsksNothingOfWhatIsMissing) {
  place_.worker_flags.push_back("--slow=10");
  RunnerProcess runner = place_.Start();
  ASSERT_TRUE(place_.WaitForCalls(10, runner)) << runner.err();
  runner.Signal(SIGINT);
  ASSERT_EQ(runner.WaitExit(), 130) << runner.err();
  place_.Write("calls.log", "");
  EXPECT_EQ(place_.RunProgram(
                {"rescore", place_.JournalDirectory(), "--scorer", "numeric"}),
            0)
      << place_.err();
  EXPECT_THAT(place_.Calls(), SizeIs(0));
  EXPECT_EQ(place_.ResultText("/status"), "incomplete");
}

TEST_F(RescoreTest, ATargetThatCannotBeScoredChangesNothing) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  const std::vector<std::string> records = Records();
  place_.options["scorer"] = "multiple_choice";
  EXPECT_EQ(place_.Run(), 2) << place_.err();
  EXPECT_TRUE(Records() == records) << "records were added";
}

}  // namespace
}  // namespace runner
