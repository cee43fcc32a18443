// Studies of which one benchmark cannot be done, and results that have no
// place, with the real programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/runner_fixture.h"
#include "tests/unfinished.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class StudyTest : public UnfinishedTest {
 protected:
  StudyTest() { place_.options["results"] = "{model}.json"; }
};

TEST_F(StudyTest, AJournalInUseCostsItsOwnBenchmarkOnly) {
  RunnerProcess holder = StartHeld({"--model", "b"});
  EXPECT_EQ(place_.Run({"--models", "a,b,c"}), 12) << place_.err();
  EXPECT_THAT(place_.err(),
              AllOf(HasSubstr("[2/3] questions/b: not done (exit 12"),
                    HasSubstr("Not done: 1 of 3 benchmarks\n"),
                    HasSubstr("  questions/b: exit 12: its journal is in")));
  EXPECT_THAT(place_.Calls(), SizeIs(kAnswered + 2 * kQuestions));
  EXPECT_TRUE(place_.Exists("a.json") && place_.Exists("c.json"));
  Release();
  EXPECT_EQ(holder.WaitExit(), 0) << holder.err();
  EXPECT_EQ(place_.Run({"--models", "a,b,c"}), 0) << place_.err();
  EXPECT_THAT(place_.Calls(), SizeIs(3 * kQuestions));
}

TEST_F(StudyTest, ADifferenceCostsItsOwnBenchmarkOnlyAndGoesBeforeFailures) {
  RunAndInterrupt({"--model", "b", "--seed", "9"});
  place_.worker_flags.push_back("--fault=permanent:q5");
  EXPECT_EQ(place_.Run({"--models", "a,b,c", "--quiet"}), 13) << place_.err();
  EXPECT_THAT(place_.err(),
              AllOf(HasSubstr("seed: 9 -> 0"), HasSubstr("Not done: 1 of 3")));
  EXPECT_TRUE(place_.Exists("a.json") && place_.Exists("c.json"));
  EXPECT_EQ(place_.Run({"--models", "a,c"}), 3) << place_.err();
  EXPECT_THAT(place_.err(), Not(HasSubstr("Not done")));
}

TEST_F(StudyTest, ALineOfJsonSaysWhatWasNotDone) {
  RunAndInterrupt({"--model", "b", "--seed", "9"});
  EXPECT_EQ(place_.Run({"--models", "a,b", "--json"}), 13) << place_.err();
  EXPECT_THAT(
      place_.out(),
      AllOf(HasSubstr("{\"event\":\"result\",\"benchmark\":\"questions/a\""),
            HasSubstr("{\"event\":\"refused\",\"benchmark\":\"questions/b\","
                      "\"exit_code\":13,")));
}

// ---------------------------------------------------------------------------
// Where results go

TEST_F(StudyTest, ResultsThatCannotBeWrittenAreFoundOutBeforeAnythingIsAsked) {
  place_.options.erase("results");
  std::filesystem::create_directory(place_.Path("folder"));
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"--output-dir", "questions.jsonl"},
        {"--output-dir", "/dev/null/x"},
        {"--results", "questions.jsonl/{dataset}.json"},
        {"--results", "folder"}}) {
    EXPECT_EQ(place_.Run(more), 2) << more[1];
    EXPECT_THAT(place_.err(), HasSubstr("results cannot be written to "));
    EXPECT_EQ(place_.Run({more[0], more[1], "--dry-run"}), 2) << more[1];
    EXPECT_EQ(place_.Run({more[0], more[1], "--info"}), 0) << more[1];
  }
  EXPECT_FALSE(place_.Exists("journals") || place_.Exists("calls.log"));
}

TEST_F(StudyTest, ResultsOfAnotherJournalAreNotOverwritten) {
  place_.options.erase("results");
  ASSERT_EQ(place_.Run({"--journal-dir", "j1"}), 0) << place_.err();
  place_.worker_flags.push_back("--fault=permanent:q5");
  ASSERT_EQ(place_.Run({"--journal-dir", "j2"}), 3) << place_.err();
  const std::string run_id =
      std::filesystem::read_symlink(place_.Path("j2/latest")).string();
  const std::string first = absl::StrCat("results/", run_id, "/results.json");
  const std::string second =
      absl::StrCat("results/", run_id, "_2/results.json");
  EXPECT_THAT(place_.err(), HasSubstr("these results go to " + second));
  EXPECT_THAT(place_.Read(first), HasSubstr("\"failed\": 0,"));
  EXPECT_THAT(place_.Read(second), HasSubstr("\"failed\": 1,"));

  // Each keeps its place, and says whose it is.
  EXPECT_EQ(place_.Run({"--journal-dir", "j2"}), 3) << place_.err();
  EXPECT_EQ(place_.Run({"--journal-dir", "j1"}), 0) << place_.err();
  EXPECT_THAT(place_.Read(first), HasSubstr("\"failed\": 0,"));
  EXPECT_FALSE(place_.Exists(absl::StrCat("results/", run_id, "_3")));
  EXPECT_EQ(place_.RunProgram({"resume", second}), 3) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("/j2/"));

  // Of a journal that is gone nothing is kept.
  std::filesystem::remove_all(place_.Path("j1"));
  ASSERT_EQ(place_.Run({"--journal-dir", "j3"}), 3) << place_.err();
  EXPECT_THAT(place_.Read(first), HasSubstr("\"failed\": 1,"));
}

}  // namespace
}  // namespace runner
