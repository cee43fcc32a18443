// A process that scores: what it decides, and what its failures cost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr size_t kQuestions = 60;

class ScorerTest : public testing::Test {
 protected:
  ScorerTest() {
    place_.options["workers"] = "4";
    place_.options["scorer"] = "worker";
    place_.options["scorer-command"] = "./scorer";
    place_.WriteDataset(kQuestions);
    Behave({});
  }

  // The scorer's other behaviour is no other scoring.
  void Behave(const std::vector<std::string>& flags) {
    const std::string program =
        (std::filesystem::current_path() / "runner/testing/fake_worker")
            .string();
    place_.Write("scorer.new",
                 absl::StrCat("#!/bin/sh\nexec ", program, " --scorer ",
                              absl::StrJoin(flags, " "), "\n"));
    std::filesystem::permissions(place_.Path("scorer.new"),
                                 std::filesystem::perms::owner_all);
    std::filesystem::rename(place_.Path("scorer.new"), place_.Path("scorer"));
  }

  void ExpectScoredWithoutAskingAgain() {
    Behave({});
    EXPECT_EQ(place_.Run(), 0) << place_.err();
    EXPECT_EQ(place_.ResultNumber("/completed"), kQuestions);
    EXPECT_EQ(place_.ResultNumber("/metrics/judge/mean"), 0.9);
    place_.ExpectAskedOnceButInDoubt(kQuestions);
  }

  Workplace place_;
};

TEST_F(ScorerTest, TheProcessNamesAndGivesTheScores) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(place_.ResultNumber("/metrics/judge/mean"), 0.9);
  EXPECT_GT(place_.ResultNumber("/metrics/length/mean"), 1);
  EXPECT_EQ(place_.Run({"--min-score", "judge=0.95"}), 100) << place_.err();
}

TEST_F(ScorerTest, ItStandsBesideOtherScorers) {
  place_.options["scorer"] = "numeric,worker";
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(place_.ResultNumber("/metrics/numeric/mean"), 0.9);
  EXPECT_EQ(place_.ResultNumber("/metrics/judge/mean"), 0.9);
}

TEST_F(ScorerTest, WhatItFailsAtIsKeptAndScoredLater) {
  Behave({"--fault=die:q7", "--fault=garbage:q9", "--fault=permanent:q11"});
  EXPECT_EQ(place_.Run(), 3) << place_.err();
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("Not scored: q"),
                                  HasSubstr("3 answers were not scored")));
  EXPECT_EQ(place_.ResultNumber("/completed"), kQuestions - 3);
  EXPECT_EQ(place_.ResultText("/status"), "incomplete");
  ExpectScoredWithoutAskingAgain();
}

TEST_F(ScorerTest, OneThatHangsIsGivenUp) {
  place_.options["timeout"] = "2s";
  Behave({"--fault=hang:q7"});
  EXPECT_EQ(place_.Run(), 3) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("Not scored: q7: timeout"));
  ExpectScoredWithoutAskingAgain();
}

TEST_F(ScorerTest, AKillWhileItScoresLosesNoAnswer) {
  Behave({"--hold=20:go"});
  {
    RunnerProcess runner = place_.Start();
    ASSERT_TRUE(place_.WaitForCalls(20, runner)) << runner.err();
    ASSERT_TRUE(runner.Kill9());
  }
  ExpectScoredWithoutAskingAgain();
}

TEST_F(ScorerTest, ASignalDoesNotWaitForItLongerThanTheDrainTimeout) {
  Behave({"--fault=hang:q1", "--log=scored.log"});
  RunnerProcess runner = place_.Start({"--drain-timeout", "100ms"});
  ASSERT_TRUE(place_.WaitForCalls(kQuestions, runner)) << runner.err();
  runner.Signal(SIGINT);
  EXPECT_EQ(runner.WaitExit(), 130) << runner.err();
  // The same when answers of an earlier session are scored.
  RunnerProcess again = place_.Start({"--drain-timeout", "100ms"});
  ASSERT_TRUE(place_.WaitForMessage("to be scored", again)) << again.err();
  again.Signal(SIGINT);
  EXPECT_EQ(again.WaitExit(), 130) << again.err();
  ExpectScoredWithoutAskingAgain();
}

TEST_F(ScorerTest, OneThatCannotBeStartedIsRefusedBeforeAnythingIsAsked) {
  place_.options["scorer-command"] = "./nowhere";
  EXPECT_EQ(place_.Run(), 2);
  EXPECT_THAT(place_.err(), HasSubstr("nowhere"));
  EXPECT_THAT(place_.Calls(), IsEmpty());
}

TEST_F(ScorerTest, RescoreAsksIt) {
  place_.options["scorer"] = "exact_match";
  const std::string command = place_.options["scorer-command"];
  place_.options.erase("scorer-command");
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  const std::string journal = place_.JournalDirectory();
  EXPECT_EQ(place_.RunProgram({"rescore", journal, "--scorer", "worker",
                               "--scorer-command", command}),
            0)
      << place_.err();
  EXPECT_EQ(place_.ResultNumber("/metrics/judge/mean"), 0.9);
  // What it goes on with is in the journal; another scorer leaves it behind.
  EXPECT_EQ(place_.RunProgram({"resume", journal}), 0) << place_.err();
  EXPECT_EQ(place_.RunProgram({"rescore", journal, "--scorer", "numeric"}), 0)
      << place_.err();
  EXPECT_THAT(place_.Results(), Not(HasSubstr("judge")));
  EXPECT_THAT(place_.Calls(), SizeIs(kQuestions));
}

TEST_F(ScorerTest, ACommandAndTheScorerNeedEachOther) {
  place_.options["scorer"] = "numeric";
  EXPECT_EQ(place_.Run(), 2);
  EXPECT_THAT(place_.err(), HasSubstr("--scorer worker"));
  place_.options["scorer"] = "worker";
  place_.options.erase("scorer-command");
  EXPECT_EQ(place_.Run(), 2);
  EXPECT_THAT(place_.err(), HasSubstr("needs --scorer-command"));
}

}  // namespace
}  // namespace runner
