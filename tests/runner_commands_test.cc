// Commands besides `run`, configuration files, and snapshots, with the real
// programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/runner_fixture.h"
#include "tools/journalctl_bench.h"

namespace runner {
namespace {

using ::testing::_;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr int kQuestions = 40;

// The text of a member that stands on a line of its own.
std::string Member(const std::string& json, const std::string& name) {
  const size_t at = json.find(absl::StrCat("\"", name, "\": "));
  if (at == std::string::npos) return "";
  return json.substr(at, json.find('\n', at) - at);
}

class CommandsTest : public testing::Test {
 protected:
  CommandsTest() {
    place_.options["workers"] = "2";
    place_.WriteDataset(kQuestions);
  }

  // Leaves an unfinished journal, without anything in doubt.
  void RunAndInterrupt(const std::vector<std::string>& more = {}) {
    place_.worker_flags.push_back("--slow=10");
    RunnerProcess runner = place_.Start(more);
    ASSERT_TRUE(place_.WaitForCalls(10, runner)) << runner.err();
    runner.Signal(SIGINT);
    ASSERT_EQ(runner.WaitExit(), 130) << runner.err();
  }

  std::string Uninterrupted() {
    Workplace other;
    other.options = place_.options;
    other.WriteDataset(kQuestions);
    EXPECT_EQ(other.Run(), 0) << other.err();
    return other.ResultsWithoutTiming();
  }

  int Repair(const std::string& journal) {
    std::ostringstream out;
    inspector::Context context{
        out, out, {}, [](absl::Duration) { return false; }, nullptr};
    const int exit_code =
        inspector::RunJournalctlBench({"repair", journal}, context);
    said_ = out.str();
    return exit_code;
  }

  Workplace place_;
  std::string said_;
};

TEST_F(CommandsTest, ResumeNeedsNothingButTheJournal) {
  RunAndInterrupt();
  EXPECT_EQ(place_.RunProgram({"resume", place_.JournalDirectory()}), 0)
      << place_.err();
  EXPECT_EQ(place_.ResultsWithoutTiming(), Uninterrupted());
  place_.ExpectAskedOnceButInDoubt(kQuestions);
}

TEST_F(CommandsTest, ResumeLatestIsTheJournalLastWorkedOn) {
  RunAndInterrupt();
  EXPECT_EQ(place_.RunProgram({"resume", "latest", "--workers", "4"}), 0)
      << place_.err();
  EXPECT_EQ(place_.ResultsWithoutTiming(), Uninterrupted());
  EXPECT_EQ(place_.RunProgram({"resume", "-s", "latest"}), 0);
  EXPECT_THAT(place_.err(), HasSubstr("complete since"));
  place_.ExpectAskedOnceButInDoubt(kQuestions);
}

TEST_F(CommandsTest, LatestIsTheWholeStudyLastWorkedOn) {
  place_.options.erase("results");
  RunAndInterrupt({"--models", "a,b", "--method", "x"});
  EXPECT_EQ(place_.RunProgram({"resume", "latest"}), 0) << place_.err();
  EXPECT_THAT(place_.Journals(), SizeIs(2));
  const auto calls = place_.CallCounts();
  EXPECT_THAT(calls, SizeIs(kQuestions));
  EXPECT_THAT(calls, Each(Pair(_, 2)));  // Once by each model.
  EXPECT_EQ(place_.RunProgram({"resume", "latest", "--model", "a"}), 0);
  EXPECT_THAT(place_.err(), Not(HasSubstr("[2/2]")));
}

TEST_F(CommandsTest, APathToTheLinkLatestIsTheWholeStudyAndStaysALink) {
  place_.options.erase("results");
  place_.options["journal-dir"] = "j2";
  RunAndInterrupt({"--models", "a,b", "--method", "x"});
  EXPECT_EQ(place_.RunProgram({"resume", "j2/latest/"}), 0) << place_.err();
  EXPECT_THAT(place_.CallCounts(), Each(Pair(_, 2)));  // Once by each model.
  EXPECT_FALSE(place_.Exists("journals"));
  const std::filesystem::path link = place_.Path("j2/latest");
  EXPECT_TRUE(std::filesystem::is_directory(link));  // Not lost in a circle.
  EXPECT_EQ(place_.Run({"--model", "b", "--method", "x", "--resume-from",
                        "j2/latest"}),
            0)
      << place_.err();
  EXPECT_TRUE(std::filesystem::is_directory(link));
}

TEST_F(CommandsTest, LatestOfAStudyBegunAnewTakesNoOlderJournal) {
  place_.options.erase("results");
  place_.options["method"] = "x";
  ASSERT_EQ(place_.Run({"--models", "a,b"}), 0) << place_.err();
  place_.Write("calls.log", "");
  RunAndInterrupt({"--models", "a,b", "--no-resume"});
  EXPECT_EQ(place_.RunProgram({"resume", "latest"}), 0) << place_.err();
  EXPECT_THAT(place_.Journals(), SizeIs(4));
  EXPECT_THAT(place_.CallCounts(), Each(Pair(_, 2)));  // Once by each model.
  // The new ones are those of the study, again and again.
  EXPECT_EQ(place_.RunProgram({"resume", "latest"}), 0) << place_.err();
  EXPECT_EQ(place_.Run({"--models", "a,b"}), 0) << place_.err();
  EXPECT_THAT(place_.Journals(), SizeIs(4));
  EXPECT_THAT(place_.CallCounts(), Each(Pair(_, 2)));
}

TEST_F(CommandsTest, LatestOfAFilesMethodsNeedsTheFile) {
  place_.options.erase("results");
  place_.Write("bench.yaml", "methods: {m: {seed: 1}, n: {seed: 2}}\n");
  RunAndInterrupt({"-c", "bench.yaml", "--methods", "all"});
  EXPECT_EQ(place_.RunProgram({"resume", "latest"}), 0) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("-c bench.yaml goes on with all"));
  EXPECT_THAT(place_.Journals(), SizeIs(1));
  EXPECT_EQ(place_.RunProgram({"resume", "latest", "-c", "bench.yaml"}), 0)
      << place_.err();
  EXPECT_THAT(place_.Journals(), SizeIs(2));
  EXPECT_THAT(place_.CallCounts(), Each(Pair(_, 2)));
}

TEST_F(CommandsTest, AJournalCanBeNamedByItsResults) {
  ASSERT_EQ(place_.Run({"--num-samples", "10"}), 0) << place_.err();
  EXPECT_EQ(place_.Run({"--load_results", "results.json"}), 0) << place_.err();
  EXPECT_EQ(place_.ResultsWithoutTiming(), Uninterrupted());
  EXPECT_THAT(place_.Journals(), SizeIs(1));
  place_.ExpectAskedOnceButInDoubt(kQuestions);
}

TEST_F(CommandsTest, NothingToResumeIsSaid) {
  for (const char* name : {"latest", "nowhere", "questions.jsonl"}) {
    EXPECT_EQ(place_.RunProgram({"resume", name}), 2);
    EXPECT_THAT(place_.err(), HasSubstr("No checkpoint available for resume"));
  }
  EXPECT_EQ(place_.Run({"--resume-from", "nowhere"}), 2);
  EXPECT_THAT(place_.Calls(), IsEmpty());
  EXPECT_FALSE(place_.Exists("journals"));
}

TEST_F(CommandsTest, AnotherConfigurationDoesNotGoIntoANamedJournal) {
  RunAndInterrupt();
  const std::string journal = place_.JournalDirectory();
  const size_t calls = place_.Calls().size();
  EXPECT_EQ(place_.RunProgram({"resume", journal, "--seed", "9"}), 13);
  EXPECT_THAT(place_.err(), HasSubstr("seed"));
  EXPECT_EQ(place_.Calls().size(), calls);
}

TEST_F(CommandsTest, AConfigurationFileSaysIt) {
  place_.Write("bench.yaml",
               "workers: 1\n"
               "num_samples: 7\n"
               "processing: {checkpoint_directory: cp, save_incremental: on}\n"
               "checkpoint_system: {validation_on_save: false}\n");
  EXPECT_EQ(place_.Run({"-c", "bench.yaml"}), 0) << place_.err();
  EXPECT_THAT(place_.Calls(), SizeIs(7));
  EXPECT_TRUE(place_.Exists("cp"));
  EXPECT_THAT(place_.err(), HasSubstr("bench.yaml:4"));
}

TEST_F(CommandsTest, MethodsOfAFileAreBenchmarksOfTheirOwn) {
  place_.Write("bench.yaml",
               "num_samples: 3\n"
               "benchmark_id: '{dataset}_{method}'\n"
               "results: '{method}.json'\n"
               "methods:\n"
               "  plain:\n"
               "  seeded: {seed: 7}\n");
  place_.options.erase("results");
  place_.options.erase("benchmark-id");
  EXPECT_EQ(place_.Run({"-c", "bench.yaml", "--methods", "all"}), 0)
      << place_.err();
  EXPECT_THAT(place_.Calls(), SizeIs(6));
  EXPECT_THAT(place_.Journals(), SizeIs(2));
  EXPECT_NE(Member(place_.Read("plain.json"), "config_hash"),
            Member(place_.Read("seeded.json"), "config_hash"));
}

TEST_F(CommandsTest, AMistakeInAFileIsNamedBeforeAnythingIsAsked) {
  place_.Write("bench.yaml", "runs: 1\nchekpoint_interval: 5\n");
  EXPECT_EQ(place_.Run({"-c", "bench.yaml"}), 2);
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("bench.yaml:2"),
                                  HasSubstr("checkpoint_interval")));
  place_.Write("bench.yaml", "checkpoint_system: {encryption: true}\n");
  EXPECT_EQ(place_.Run({"-c", "bench.yaml"}), 2);
  EXPECT_THAT(place_.err(), HasSubstr("--encryption-key-file"));
  EXPECT_THAT(place_.Calls(), IsEmpty());
}

// A copy of the snapshots is a journal whose log is lost: that is said, and
// repair makes it one to go on with.
TEST_F(CommandsTest, ABackupHoldsEverythingThatWasAnswered) {
  place_.options["backup-dir"] = "backups";
  place_.options["backup-interval"] = "5";
  RunAndInterrupt();
  const std::string journal = place_.JournalDirectory();
  const std::string name = std::filesystem::path(journal).filename();
  std::filesystem::remove_all(journal);
  std::filesystem::copy(place_.Path(absl::StrCat("backups/", name)), journal);
  EXPECT_EQ(place_.Run(), 11);
  EXPECT_THAT(place_.err(), HasSubstr("journalctl-bench repair"));
  ASSERT_EQ(Repair(journal), 0) << said_;
  // A repaired journal is another one: it needs a place of its own.
  EXPECT_EQ(place_.Run(), 2);
  EXPECT_THAT(place_.err(), HasSubstr("another journal"));
  place_.options["backup-dir"] = "backups2";
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(place_.ResultsWithoutTiming() == Uninterrupted(), true);
  place_.ExpectAskedOnceButInDoubt(kQuestions);
}

}  // namespace
}  // namespace runner
