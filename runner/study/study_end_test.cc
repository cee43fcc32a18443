#include "runner/study/study_end.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runner/base/exit_code.h"

namespace runner {
namespace {

CellOutcome Refused(const std::string& label, int exit_code) {
  CellOutcome outcome;
  outcome.label = label;
  outcome.exit_code = exit_code;
  outcome.refusal = "because";
  return outcome;
}

TEST(StudyEndTest, AJournalThatCannotBeUsedCostsItsOwnBenchmarkOnly) {
  for (const int code :
       {kExitDamage, kExitLocked, kExitDifference, kExitNewer}) {
    EXPECT_FALSE(EndsStudy(Refused("a", code))) << code;
  }
}

TEST(StudyEndTest, AFullDiskAndALimitAreOfAllBenchmarks) {
  for (const int code : {kExitOperation, kExitUsage, kExitLimit}) {
    EXPECT_TRUE(EndsStudy(Refused("a", code))) << code;
  }
}

TEST(StudyEndTest, FailuresAndLowScoresEndNothing) {
  CellOutcome outcome;
  outcome.results.emplace();
  for (const int code : {kExitDone, kExitFailures, kExitBelowMinimum}) {
    outcome.exit_code = code;
    EXPECT_FALSE(EndsStudy(outcome)) << code;
  }
}

TEST(StudyEndTest, WhatWasNotDoneIsNamedWithItsReason) {
  CellOutcome done;
  done.label = "b";
  EXPECT_EQ(
      RefusedText(
          {Refused("a", kExitDifference), done, Refused("c", kExitLocked)}, 4),
      "Not done: 2 of 4 benchmarks\n"
      "  a: exit 13: configuration or dataset differs from its "
      "journal's\n"
      "  c: exit 12: its journal is in use");
  EXPECT_EQ(RefusedText({done}, 1), "");
}

TEST(StudyEndTest, ProgramsAreToldOfIt) {
  EXPECT_EQ(OutcomeEvent(Refused("a", kExitLocked)),
            "{\"event\":\"refused\",\"benchmark\":\"a\",\"exit_code\":12,"
            "\"message\":\"because\"}\n");
}

// From the gravest to the mildest.
TEST(GraverCodeTest, EachGoesBeforeAllThatFollow) {
  const std::vector<int> order = {kExitSignal + 2,   kExitDamage, kExitNewer,
                                  kExitDifference,   kExitLocked, kExitUsage,
                                  kExitOperation,    kExitLimit,  kExitFailures,
                                  kExitBelowMinimum, kExitDone};
  for (size_t i = 0; i < order.size(); ++i) {
    for (size_t j = i; j < order.size(); ++j) {
      EXPECT_EQ(GraverCode(order[i], order[j]), order[i]);
      EXPECT_EQ(GraverCode(order[j], order[i]), order[i]);
    }
  }
}

}  // namespace
}  // namespace runner
