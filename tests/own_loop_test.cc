// The library's example program, killed at random instants: what it had is not
// asked again, and its numbers are those of a program that nobody killed.
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

constexpr char kExample[] = "runner/checkpoint/own_loop_example";
constexpr int kKills = 6;

class OwnLoopTest : public testing::Test {
 protected:
  RunnerProcess Start(const std::string& journal_dir) {
    // Where Bazel starts tests, it lies at its label's path.
    const std::string program = std::filesystem::current_path() / kExample;
    return RunnerProcess({program, journal_dir, "300", "2"}, place_.Path("."));
  }
  std::string OutputWithin(const std::string& journal_dir) {
    RunnerProcess process = Start(journal_dir);
    EXPECT_EQ(process.WaitExit(), 0) << process.err();
    last_err_ = process.err();
    return process.out();
  }

  Workplace place_;
  std::string last_err_;
};

TEST_F(OwnLoopTest, KilledAgainAndAgainItEndsAsOneThatWasNot) {
  std::mt19937_64 random(20261121);
  for (int kill = 0; kill < kKills; ++kill) {
    RunnerProcess process = Start("killed");
    process.EndsWithin(absl::Milliseconds(20 + random() % 150));
    process.Kill9();
  }
  const std::string killed = OutputWithin("killed");
  EXPECT_EQ(killed, OutputWithin("whole"));
  EXPECT_TRUE(absl::StrContains(killed, "run 2: 0."));
}

TEST_F(OwnLoopTest, WhatIsDoneIsNotAskedAgain) {
  const std::string first = OutputWithin("journals");
  EXPECT_EQ(OutputWithin("journals"), first);
  EXPECT_TRUE(absl::StrContains(last_err_, "600 of 600 are done")) << last_err_;
}

}  // namespace
}  // namespace runner
