// Studies of which one benchmark cannot be done, with the real programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace runner
