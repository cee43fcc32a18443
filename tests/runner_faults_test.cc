// Workers that misbehave and datasets that are wrong: what they cost, what is
// said, and how the next run goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr int kQuestions = 20;

class FaultsTest : public testing::Test {
 protected:
  FaultsTest() {
    place_.options["workers"] = "4";
    place_.options["max-retries"] = "0";
    place_.WriteDataset(kQuestions);
  }

  void Behave(std::vector<std::string> faults) {
    place_.worker_flags = {"--arithmetic", "--log=calls.log"};
    for (std::string& fault : faults) {
      place_.worker_flags.push_back(std::move(fault));
    }
  }

  // What the next run asks.
  std::vector<QueryName> CallsOf(const std::vector<std::string>& more,
                                 int exit_code) {
    place_.Write("calls.log", "");
    EXPECT_EQ(place_.Run(more), exit_code) << place_.err();
    return place_.Calls();
  }

  std::string ResultLine(const std::string& id) {
    const std::string lines = place_.Read("results.jsonl");
    for (const absl::string_view line : absl::StrSplit(lines, '\n')) {
      if (absl::StrContains(line, "\"query_id\":\"" + id + "\"")) {
        return std::string(line);
      }
    }
    return "";
  }

  std::string HealthyResults() {
    Workplace other;
    other.options = place_.options;
    other.WriteDataset(kQuestions);
    EXPECT_EQ(other.Run(), 0) << other.err();
    return other.ResultsWithoutTiming();
  }

  Workplace place_;
};

struct WorkerFault {
  std::string kind;
  std::string error_type;
};

class WorkerFaultsTest : public FaultsTest,
                         public testing::WithParamInterface<WorkerFault> {};

TEST_P(WorkerFaultsTest, CostsItsOwnQueryOnlyAndIsRetriedByTheNextRun) {
  Behave({"--fault=" + GetParam().kind + ":q7"});
  // Long enough for the others' answers on a busy machine, too.
  place_.options["timeout"] = GetParam().kind == "hang" ? "5s" : "60s";
  EXPECT_EQ(place_.Run(), 3) << place_.err();
  EXPECT_EQ(place_.ResultNumber("/completed"), kQuestions - 1);
  EXPECT_EQ(place_.ResultNumber("/failed"), 1);
  EXPECT_THAT(ResultLine("q7"),
              AllOf(HasSubstr("\"status\":\"failed\""),
                    HasSubstr("\"error_type\":\"" + GetParam().error_type)));
  EXPECT_THAT(place_.Results(), HasSubstr("\"query_id\": \"q7\""));
  EXPECT_THAT(place_.JournalDirectory(), Not(IsEmpty()));

  Behave({});
  place_.options["timeout"] = "60s";
  EXPECT_THAT(CallsOf({}, 0), ElementsAre("1/q7/0"));
  EXPECT_EQ(place_.ResultsWithoutTiming(), HealthyResults());
}

INSTANTIATE_TEST_SUITE_P(Kinds, WorkerFaultsTest,
                         testing::Values(WorkerFault{"die", "worker-exited"},
                                         WorkerFault{"crash", "worker-exited"},
                                         WorkerFault{"hang", "timeout"},
                                         WorkerFault{"garbage", "protocol"},
                                         WorkerFault{"half", "worker-exited"},
                                         WorkerFault{"oversize", "oversize"}),
                         [](const testing::TestParamInfo<WorkerFault>& info) {
                           return info.param.kind;
                         });

TEST_F(FaultsTest, AHundredMegabyteLineTakesLittleMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer keeps what is freed";
#endif
  RunnerProcess healthy = place_.Start({"--no-resume"});
  EXPECT_EQ(healthy.WaitExit(), 0);
  Behave({"--fault=oversize:q7"});
  RunnerProcess runner = place_.Start({"--no-resume"});
  EXPECT_EQ(runner.WaitExit(), 3) << runner.err();
  // A worker's line may be 16 MiB; a buffer that grows holds it twice.
  EXPECT_LE(runner.rss_kib_max(), healthy.rss_kib_max() + 64 * 1024);
}

TEST_F(FaultsTest, AFailureThatPassesIsRetriedWithinTheRun) {
  Behave({"--first-attempt", "--fault=die:q7", "--fault=garbage:q9",
          "--fault=retryable:q11"});
  place_.options["max-retries"] = "2";
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  const auto calls = place_.CallCounts();
  EXPECT_THAT(calls, SizeIs(kQuestions));
  for (const auto& [query, count] : calls) {
    const bool failed =
        query == "1/q7/0" || query == "1/q9/0" || query == "1/q11/0";
    EXPECT_EQ(count, failed ? 2 : 1) << query;
  }
  EXPECT_EQ(place_.ResultsWithoutTiming(), HealthyResults());
}

TEST_F(FaultsTest, APermanentErrorWaitsForRetryFailed) {
  Behave({"--fault=permanent:q7", "--fault=permanent:q8"});
  place_.options["max-retries"] = "5";
  EXPECT_THAT(CallsOf({}, 3), SizeIs(kQuestions));
  EXPECT_THAT(ResultLine("q7"), HasSubstr("\"error_type\":\"refused\""));
  EXPECT_THAT(CallsOf({}, 3), IsEmpty());
  EXPECT_EQ(place_.ResultNumber("/failed"), 2);
  EXPECT_THAT(place_.err(),
              testing::ContainsRegex("2 failed: refused \\(2\\), \".+\"; "
                                     "all of them are in .+/errors.log; "
                                     "--retry-failed asks them again"));

  Behave({});
  EXPECT_THAT(CallsOf({}, 3), IsEmpty());
  EXPECT_THAT(CallsOf({"--retry-failed", "--workers", "1"}, 2), IsEmpty())
      << "an option given twice is refused";
  EXPECT_THAT(CallsOf({"--retry-failed"}, 0), SizeIs(2));
  place_.options.erase("max-retries");
  EXPECT_EQ(place_.ResultsWithoutTiming(), HealthyResults());
}

TEST_F(FaultsTest, AnErrorStandsUntilItsRetrySucceeds) {
  Behave({"--fault=permanent:q7"});
  EXPECT_EQ(place_.Run(), 3);
  EXPECT_THAT(CallsOf({"--retry-failed"}, 3), ElementsAre("1/q7/0"));
  EXPECT_THAT(ResultLine("q7"), HasSubstr("\"error_type\":\"refused\""));
  EXPECT_EQ(place_.ResultNumber("/completed"), kQuestions - 1);
}

TEST_F(FaultsTest, NothingFailedIsNothingToRetry) {
  EXPECT_EQ(place_.Run(), 0);
  EXPECT_THAT(CallsOf({"--retry-failed"}, 0), IsEmpty());
}

TEST_F(FaultsTest, WorkersThatAllDieFailAllQueriesAndNothingElse) {
  Behave({"--fault=die:*"});
  EXPECT_EQ(place_.Run(), 3) << place_.err();
  EXPECT_EQ(place_.ResultNumber("/failed"), kQuestions);
  Behave({});
  EXPECT_THAT(CallsOf({}, 0), SizeIs(kQuestions));
}

TEST_F(FaultsTest, FailuresCountAsNeitherRightNorWrong) {
  Behave({"--fault=permanent:q7"});
  EXPECT_EQ(place_.Run(), 3);
  // Of 19 answered, 2 are wrong by the dataset.
  EXPECT_DOUBLE_EQ(place_.ResultNumber("/metrics/exact_match/mean"), 17.0 / 19);
  EXPECT_DOUBLE_EQ(place_.ResultNumber("/metrics/exact_match/bounds/0"),
                   17.0 / 20);
  EXPECT_DOUBLE_EQ(place_.ResultNumber("/metrics/exact_match/bounds/1"),
                   18.0 / 20);
}

TEST_F(FaultsTest, FailuresAreTheSameInTheResultsForAnyNumberOfWorkers) {
  Behave({"--fault=permanent:q3", "--fault=garbage:q5", "--fault=die:q7"});
  std::vector<std::string> results;
  for (const char* workers : {"1", "8", "32"}) {
    place_.options["workers"] = workers;
    EXPECT_EQ(place_.Run({"--no-resume"}), 3) << place_.err();
    results.push_back(place_.ResultsWithoutTiming());
  }
  EXPECT_THAT(results, Each(results.front()));
}

TEST_F(FaultsTest, AWorkerThatCannotRunIsSaidBeforeAnythingIsAsked) {
  place_.options["worker-command"] = "./no-such-program";
  EXPECT_EQ(place_.Run(), 2);
  EXPECT_THAT(place_.err(), HasSubstr("no-such-program"));
  // Nothing was asked: the right command is no other configuration.
  place_.options.erase("worker-command");
  Behave({"--exit=7"});
  EXPECT_EQ(place_.Run(), 2);
  EXPECT_THAT(place_.err(), HasSubstr("7"));
  EXPECT_FALSE(place_.Exists("calls.log"));
  Behave({});
  EXPECT_THAT(CallsOf({}, 0), SizeIs(kQuestions));
}

TEST_F(FaultsTest, GrandchildrenAndDaemonsDieWithTheRunner) {
  Behave({"--grandchild", "--daemon", "--ignore-term", "--fault=hang:*"});
  RunnerProcess runner = place_.Start();
  ASSERT_TRUE(place_.WaitForCalls(4, runner)) << runner.err();
  EXPECT_GE(place_.LivingProcesses().size(), 4 * 3u);
  EXPECT_TRUE(runner.Kill9());
  EXPECT_TRUE(place_.EverybodyIsGone());
}

// ---------------------------------------------------------------------------
// Datasets

struct BadDataset {
  std::string name;
  std::string third_line;
  std::string said;
};

class BadDatasetTest : public FaultsTest,
                       public testing::WithParamInterface<BadDataset> {};

TEST_P(BadDatasetTest, IsRefusedByLineBeforeAnythingRuns) {
  place_.options["scorer"] = "numeric";
  // A field that is named must be there.
  place_.options["input-field"] = "input";
  place_.Write(
      "questions.jsonl",
      absl::StrCat(Workplace::Question(1), Workplace::Question(2),
                   GetParam().third_line, "\n", Workplace::Question(4)));
  EXPECT_EQ(place_.Run(), 2);
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("questions.jsonl"),
                                  testing::ContainsRegex("(:|line |row )3"),
                                  HasSubstr(GetParam().said)));
  EXPECT_FALSE(place_.Exists("calls.log"));
  EXPECT_FALSE(place_.Exists("journals"));
  EXPECT_FALSE(place_.Exists("results.json"));
}

INSTANTIATE_TEST_SUITE_P(
    Lines, BadDatasetTest,
    testing::Values(
        BadDataset{"NoJson", "{\"id\":\"q3\",", ""},
        BadDataset{"NoObject", "[1,2]", "object"},
        BadDataset{"BadUtf8", "{\"id\":\"q3\",\"input\":\"\xff\"}", "UTF-8"},
        BadDataset{"NoTarget", "{\"id\":\"q3\",\"input\":\"1 + 1\"}", "target"},
        BadDataset{"NoInput", "{\"id\":\"q3\",\"target\":\"2\"}", "input"},
        BadDataset{"NoNumber",
                   "{\"id\":\"q3\",\"input\":\"1 + 1\",\"target\":\"two\"}",
                   "two"}),
    [](const testing::TestParamInfo<BadDataset>& info) {
      return info.param.name;
    });

TEST_F(FaultsTest, NoDatasetIsSaid) {
  place_.options["dataset"] = "missing.jsonl";
  EXPECT_EQ(place_.Run(), 2);
  EXPECT_THAT(place_.err(), HasSubstr("missing.jsonl"));
  place_.Write("empty.jsonl", "");
  place_.options["dataset"] = "empty.jsonl";
  EXPECT_EQ(place_.Run(), 2);
  EXPECT_THAT(place_.err(), HasSubstr("empty.jsonl"));
  EXPECT_FALSE(place_.Exists("journals"));
}

TEST_F(FaultsTest, EscapesInADatasetReachNoTerminal) {
  place_.Write("questions.jsonl",
               "{\"id\":\"a\\u001b[31m\",\"input\":\"1 + 1\"}\n");
  EXPECT_EQ(place_.Run(), 2);
  EXPECT_THAT(place_.err(), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace runner
