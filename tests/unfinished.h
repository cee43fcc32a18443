// For tests of what comes after an interruption: a workplace with a benchmark
// of which a known part is answered.
#ifndef TESTS_UNFINISHED_H_
#define TESTS_UNFINISHED_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/runner_fixture.h"

namespace runner {

class UnfinishedTest : public testing::Test {
 protected:
  static constexpr int kQuestions = 40;
  static constexpr int kAnswered = 20;

  UnfinishedTest() {
    place_.options["workers"] = "1";
    place_.WriteDataset(kQuestions);
  }

  // Starts a run in which the first kAnswered are under way or answered, and
  // which waits until Release().
  RunnerProcess StartHeld(const std::vector<std::string>& more = {}) {
    place_.worker_flags.push_back(absl::StrCat("--hold=", kAnswered, ":go"));
    RunnerProcess runner = place_.Start(more);
    EXPECT_TRUE(place_.WaitForCalls(kAnswered, runner)) << runner.err();
    place_.worker_flags.pop_back();
    return runner;
  }
  void Release() { place_.Write("go", ""); }

  // Leaves a journal in which the first kAnswered are answered, and nothing is
  // in doubt.
  void RunAndInterrupt(const std::vector<std::string>& more = {}) {
    RunnerProcess runner = StartHeld(more);
    runner.Signal(SIGINT);
    ASSERT_TRUE(place_.WaitForMessage("Interrupt signal received", runner));
    Release();
    ASSERT_EQ(runner.WaitExit(), 130) << runner.err();
    ASSERT_THAT(place_.Calls(), testing::SizeIs(kAnswered));
  }

  // `bench-runner resume` with the one journal.
  int Resume(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"resume", place_.JournalDirectory()};
    words.insert(words.end(), more.begin(), more.end());
    return place_.RunProgram(words);
  }

  Workplace place_;
};

}  // namespace runner

#endif  // TESTS_UNFINISHED_H_
