// SIGINT in every phase of a program's life: it ends with 130 within the time
// that people wait, and the same command goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using ::testing::HasSubstr;

// The most between the signal and the end.
constexpr absl::Duration kEndMax = absl::Seconds(10);

constexpr int kQuestions = 300;

class InterruptTest : public testing::Test {
 protected:
  InterruptTest() {
    place_.options["workers"] = "4";
    place_.WriteDataset(kQuestions);
  }

  // Recorded responses, `bytes` long each: no worker is needed.
  void WriteRecorded(int rows, size_t bytes) {
    std::string text;
    for (int i = 1; i <= rows; ++i) {
      absl::StrAppend(&text, "{\"id\":\"q", i, "\",\"target\":\"", i,
                      "\",\"response\":\"", i, std::string(bytes, ' '),
                      "\"}\n");
    }
    place_.Write("questions.jsonl", text);
    place_.options["response-field"] = "response";
  }

  // SIGINT as soon as `reached` is true; false if the program ended before.
  bool InterruptWhen(RunnerProcess& runner,
                     const std::function<bool()>& reached) {
    while (!reached()) {
      if (runner.EndsWithin(absl::Milliseconds(1))) return false;
    }
    runner.Signal(SIGINT);
    signalled_ = absl::Now();
    return true;
  }
  void ExpectInterrupted(RunnerProcess& runner) {
    EXPECT_EQ(runner.WaitExit(), 130) << runner.err();
    EXPECT_LT(absl::Now() - signalled_, kEndMax);
  }
  void ExpectTheSameCommandGoesOn() {
    EXPECT_EQ(place_.Run(), 0) << place_.err();
    EXPECT_EQ(place_.ResultText("/status"), "complete");
  }

  static bool Catches(const RunnerProcess& runner, int signal) {
    std::ifstream status(absl::StrCat("/proc/", runner.pid(), "/status"));
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("SigCgt:", 0) != 0) continue;
      const uint64_t caught = strtoull(line.c_str() + 7, nullptr, 16);
      return (caught >> (signal - 1) & 1) != 0;
    }
    return false;
  }
  bool HasFile(const std::string& ending) const {
    std::error_code gone;
    using Files = std::filesystem::recursive_directory_iterator;
    for (Files file(place_.Path("."), gone), end; file != end;
         file.increment(gone)) {
      if (absl::EndsWith(file->path().filename().string(), ending)) return true;
    }
    return false;
  }

  Workplace place_;
  absl::Time signalled_;
};

TEST_F(InterruptTest, WhileTheDatasetIsRead) {
  WriteRecorded(10000, 100);
  RunnerProcess runner = place_.Start();
  ASSERT_TRUE(InterruptWhen(runner, [&] { return Catches(runner, SIGINT); }));
  ExpectInterrupted(runner);
  EXPECT_FALSE(place_.Exists("journals"));
  EXPECT_FALSE(place_.Exists("results.json"));
  ExpectTheSameCommandGoesOn();
}

TEST_F(InterruptTest, WhileItRuns) {
  place_.worker_flags.push_back("--slow=5");
  RunnerProcess runner = place_.Start();
  ASSERT_TRUE(place_.WaitForCalls(kQuestions / 3, runner)) << runner.err();
  ASSERT_TRUE(InterruptWhen(runner, [] { return true; }));
  ExpectInterrupted(runner);
  EXPECT_EQ(place_.ResultText("/status"), "incomplete");
  ExpectTheSameCommandGoesOn();
  place_.ExpectAskedOnceButInDoubt(kQuestions);
}

TEST_F(InterruptTest, WhileItDrainsTheSecondOneEndsItAtOnce) {
  place_.worker_flags.push_back("--fault=hang:q5");
  RunnerProcess runner = place_.Start({"--drain-timeout", "1h"});
  ASSERT_TRUE(place_.WaitForCalls(kQuestions, runner)) << runner.err();
  ASSERT_TRUE(InterruptWhen(runner, [] { return true; }));
  ASSERT_TRUE(place_.WaitForMessage("Interrupt signal received", runner));
  EXPECT_FALSE(runner.EndsWithin(absl::Milliseconds(50)));
  ASSERT_TRUE(InterruptWhen(runner, [] { return true; }));
  ExpectInterrupted(runner);
  EXPECT_LT(absl::Now() - signalled_, absl::Seconds(1));
  place_.worker_flags.pop_back();
  ExpectTheSameCommandGoesOn();
}

TEST_F(InterruptTest, WhileItScores) {
  WriteRecorded(4000, 1000);
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  place_.options["scorer"] = "f1";
  RunnerProcess runner = place_.Start();
  ASSERT_TRUE(InterruptWhen(
      runner, [&] { return absl::StrContains(runner.err(), "scored again"); }));
  ExpectInterrupted(runner);
  ExpectTheSameCommandGoesOn();
  EXPECT_THAT(place_.err(), HasSubstr("to be scored"));
}

TEST_F(InterruptTest, WhileItMakesASnapshot) {
  WriteRecorded(4000, 1000);
  place_.options["backup-interval"] = "500";
  place_.options["backup-dir"] = "copies";
  RunnerProcess runner = place_.Start();
  ASSERT_TRUE(InterruptWhen(runner, [&] { return HasFile(".part.new"); }))
      << runner.err();
  ExpectInterrupted(runner);
  ExpectTheSameCommandGoesOn();
}

TEST_F(InterruptTest, WhileItWritesTheResults) {
  WriteRecorded(200, 50000);
  RunnerProcess runner = place_.Start();
  ASSERT_TRUE(InterruptWhen(runner, [&] { return HasFile(".jsonl.tmp"); }))
      << runner.err();
  ExpectInterrupted(runner);
  ExpectTheSameCommandGoesOn();
}

}  // namespace
}  // namespace runner
