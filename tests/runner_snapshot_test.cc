// Runs that go on with a journal whose log has become a snapshot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/runner_fixture.h"
#include "tools/journalctl_bench.h"

namespace runner {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kQuestions = 40;

class SnapshotRunTest : public testing::Test {
 protected:
  SnapshotRunTest() { place_.WriteDataset(kQuestions); }

  int Inspect(const std::string& command) {
    std::ostringstream out;
    inspector::Context context{
        out, out, {}, [](absl::Duration) { return false; }, nullptr};
    const int exit_code = inspector::RunJournalctlBench(
        {command, place_.JournalDirectory()}, context);
    said_ = out.str();
    return exit_code;
  }

  // Until nothing is left of the first segment.
  void Compact() {
    ASSERT_EQ(Inspect("snapshot"), 0) << said_;
    ASSERT_EQ(Inspect("snapshot"), 0) << said_;
    ASSERT_FALSE(
        std::filesystem::exists(place_.JournalDirectory() + "/0000000001.seg"));
  }

  std::string Uninterrupted() {
    Workplace other;
    other.WriteDataset(kQuestions);
    EXPECT_EQ(other.Run(), 0) << other.err();
    return other.ResultsWithoutTiming();
  }

  Workplace place_;
  std::string said_;
};

TEST_F(SnapshotRunTest, GoesOnAfterAKillFromASnapshotAlone) {
  place_.worker_flags.push_back("--hold=10:go");
  RunnerProcess runner = place_.Start();
  ASSERT_TRUE(place_.WaitForCalls(10, runner));
  EXPECT_TRUE(runner.Kill9());
  place_.Write("go", "");
  Compact();
  ASSERT_EQ(Inspect("verify"), 0) << said_;
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(place_.ResultsWithoutTiming(), Uninterrupted());
  place_.ExpectAskedOnceButInDoubt(kQuestions);
  EXPECT_EQ(Inspect("verify"), 0) << said_;
}

TEST_F(SnapshotRunTest, EachIsSaidWithVerbose) {
  place_.options["backup-dir"] = "backups";
  ASSERT_EQ(place_.Run({"--verbose"}), 0) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("Snapshot made: all records up to "));
  ASSERT_EQ(place_.Run({"--no-resume"}), 0) << place_.err();
  EXPECT_THAT(place_.err(), Not(HasSubstr("Snapshot made")));
}

TEST_F(SnapshotRunTest, ResultsAreWrittenFromASnapshotAlone) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  const std::string results = place_.ResultsWithoutTiming();
  const size_t calls = place_.Calls().size();
  Compact();
  for (const char* file : {"results.json", "results.jsonl", "results.csv"}) {
    std::filesystem::remove(place_.Path(file));
  }
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(place_.ResultsWithoutTiming(), results);
  EXPECT_EQ(place_.Calls().size(), calls);
  EXPECT_EQ(Inspect("show"), 0) << said_;
}

}  // namespace
}  // namespace runner
