// Runs whose log becomes a snapshot: between two of them, and while one is at
// work, because somebody asks for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "journal/cipher.h"
#include "tests/journal_damage.h"
#include "tests/runner_fixture.h"
#include "tools/journalctl_bench.h"

namespace runner {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
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

// A run that waits for Release(), and journalctl-bench beside it.
class AskedForSnapshotTest : public SnapshotRunTest {
 protected:
  AskedForSnapshotTest() {
    place_.options["workers"] = "2";
    place_.worker_flags.push_back("--hold=10:go");
  }

  RunnerProcess StartHeld() {
    RunnerProcess runner = place_.Start();
    EXPECT_TRUE(place_.WaitForCalls(10, runner)) << runner.err();
    return runner;
  }
  void Release() { place_.Write("go", ""); }

  RunnerProcess Ask() {
    return RunnerProcess({std::filesystem::absolute("tools/journalctl-bench"),
                          "snapshot", place_.JournalDirectory()},
                         place_.Path(""));
  }

  // Of requests, whatever their state.
  std::vector<std::string> RequestFiles() const {
    std::vector<std::string> names;
    for (const auto& [name, content] : ReadFiles(place_.JournalDirectory())) {
      if (absl::StartsWith(name, "snapshot-")) names.push_back(name);
    }
    return names;
  }

  bool WaitForRequest(RunnerProcess& asking) const {
    return place_.WaitForFiles(place_.JournalDirectory(), asking,
                               [this] { return !RequestFiles().empty(); });
  }

  void ExpectWholeAndTheSameResults(RunnerProcess& runner) {
    Release();
    ASSERT_EQ(runner.WaitExit(), 0) << runner.err();
    EXPECT_EQ(place_.ResultsWithoutTiming(), Uninterrupted());
    EXPECT_EQ(Inspect("verify"), 0) << said_;
    EXPECT_THAT(RequestFiles(), IsEmpty());
  }
};

TEST_F(AskedForSnapshotTest, ALivingRunMakesIt) {
  RunnerProcess runner = StartHeld();
  RunnerProcess asking = Ask();
  EXPECT_EQ(asking.WaitExit(), 0) << asking.err();
  EXPECT_THAT(asking.out(),
              HasSubstr("Snapshot 0000000001.manifest: up to LSN "));
  EXPECT_FALSE(runner.EndsWithin(absl::ZeroDuration()));
  ExpectWholeAndTheSameResults(runner);
}

TEST_F(AskedForSnapshotTest, EachOfSeveralIsAnswered) {
  RunnerProcess runner = StartHeld();
  RunnerProcess first = Ask();
  RunnerProcess second = Ask();
  EXPECT_EQ(first.WaitExit(), 0) << first.err();
  EXPECT_EQ(second.WaitExit(), 0) << second.err();
  RunnerProcess third = Ask();
  EXPECT_EQ(third.WaitExit(), 0) << third.err();
  ExpectWholeAndTheSameResults(runner);
}

TEST_F(AskedForSnapshotTest, AskingNeedsNoKey) {
  place_.Write("key", journal::NewKeyHex());
  place_.options["encryption-key-file"] = "key";
  RunnerProcess runner = StartHeld();
  RunnerProcess asking = Ask();
  EXPECT_EQ(asking.WaitExit(), 0) << asking.err();
  EXPECT_THAT(asking.out(), HasSubstr("Snapshot 0000000001.manifest"));
  Release();
  EXPECT_EQ(runner.WaitExit(), 0) << runner.err();
}

// It answers while it drains, or has ended, and then whoever asks makes it.
TEST_F(AskedForSnapshotTest, WhileTheRunIsClosing) {
  RunnerProcess runner = StartHeld();
  runner.Signal(SIGINT);
  ASSERT_TRUE(place_.WaitForMessage("Interrupt signal received", runner));
  RunnerProcess asking = Ask();
  Release();
  EXPECT_EQ(asking.WaitExit(), 0) << asking.err();
  EXPECT_EQ(runner.WaitExit(), 130) << runner.err();
  EXPECT_THAT(RequestFiles(), IsEmpty());
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(place_.ResultsWithoutTiming(), Uninterrupted());
  EXPECT_EQ(Inspect("verify"), 0) << said_;
}

TEST_F(AskedForSnapshotTest, OfARunThatIsKilledBeforeItAnswers) {
  RunnerProcess runner = StartHeld();
  runner.Signal(SIGSTOP);
  RunnerProcess asking = Ask();
  ASSERT_TRUE(WaitForRequest(asking));
  EXPECT_TRUE(runner.Kill9());
  EXPECT_EQ(asking.WaitExit(), 0) << asking.err();
  EXPECT_THAT(RequestFiles(), IsEmpty());
  EXPECT_EQ(Inspect("verify"), 0) << said_;
}

TEST_F(AskedForSnapshotTest, AStoppedRunIsLeftAloneAndGoesOn) {
  RunnerProcess runner = StartHeld();
  runner.Signal(SIGSTOP);
  RunnerProcess asking = Ask();
  EXPECT_EQ(asking.WaitExit(), 12) << asking.out();
  EXPECT_THAT(asking.err(), HasSubstr("takes no requests"));
  EXPECT_THAT(RequestFiles(), IsEmpty());
  runner.Signal(SIGCONT);
  ExpectWholeAndTheSameResults(runner);
}

TEST_F(AskedForSnapshotTest, CtrlCTakesTheRequestBack) {
  RunnerProcess runner = StartHeld();
  runner.Signal(SIGSTOP);
  RunnerProcess asking = Ask();
  ASSERT_TRUE(WaitForRequest(asking));
  asking.Signal(SIGINT);
  EXPECT_EQ(asking.WaitExit(), -SIGINT);
  EXPECT_THAT(RequestFiles(), IsEmpty());
  runner.Signal(SIGCONT);
  ExpectWholeAndTheSameResults(runner);
}

// What requesters that died have left: one is a request still, one was taken
// by a writer that died, one is answered.
TEST_F(AskedForSnapshotTest, FilesOfTheDeadDoNoHarm) {
  RunnerProcess killed = StartHeld();
  EXPECT_TRUE(killed.Kill9());
  const std::string journal = place_.JournalDirectory() + "/";
  WriteFile(journal + "snapshot-0000000000000001.request", "");
  WriteFile(journal + "snapshot-0000000000000002.taken", "");
  WriteFile(journal + "snapshot-0000000000000003.made", "");
  WriteFile(journal + "snapshot-4.request", "not one of ours");
  EXPECT_EQ(Inspect("verify"), 0) << said_;
  place_.worker_flags.back() = "--hold=20:go";
  RunnerProcess runner = place_.Start();
  EXPECT_TRUE(place_.WaitForFiles(journal, runner, [&] {
    return RequestFiles() ==
           std::vector<std::string>{"snapshot-0000000000000001.made",
                                    "snapshot-0000000000000002.made",
                                    "snapshot-4.request"};
  })) << testing::PrintToString(RequestFiles());
  Release();
  EXPECT_EQ(runner.WaitExit(), 0) << runner.err();
  EXPECT_EQ(Inspect("verify"), 0) << said_;
  EXPECT_THAT(Inspect("info"), 0);
}

}  // namespace
}  // namespace runner
