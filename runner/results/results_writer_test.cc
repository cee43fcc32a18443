// Results out of a store that the test fills.
#include "runner/results/results_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "journal/error.h"
#include "journal/testing/fault_file_system.h"
#include "runner/base/hashing.h"

namespace runner {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Answers from a map, in the order that the interface promises.
class FakeStore : public ResultStore {
 public:
  absl::Status ForEach(
      uint32_t runs, const std::vector<uint32_t>& order,
      absl::FunctionRef<absl::Status(QueryResult&&)> visit) override {
    for (uint32_t run = 1; run <= runs; ++run) {
      for (const uint32_t index : order) {
        const auto found = results.find({run, index});
        if (found == results.end()) continue;
        absl::Status status = visit(QueryResult(found->second));
        if (!status.ok()) return status;
      }
    }
    return end;
  }
  absl::StatusOr<absl::optional<QueryResult>> Read(uint32_t run,
                                                   uint32_t index) override {
    const auto found = results.find({run, index});
    if (found == results.end()) return absl::optional<QueryResult>();
    return absl::optional<QueryResult>(found->second);
  }
  const History& history() const override { return history_value; }

  std::map<std::pair<uint32_t, uint32_t>, QueryResult> results;
  History history_value;
  absl::Status end;
};

class ResultsWriterTest : public ::testing::Test {
 protected:
  ResultsWriterTest() {
    std::string name = absl::StrCat(::testing::TempDir(), "/resultsXXXXXX");
    directory_ = mkdtemp(name.data());
    path_ = absl::StrCat(directory_, "/a/b/results.json");
    info_.benchmark_id = "d_m";
    info_.identity_hash = std::string(64, 'c');
    info_.model = "m";
    info_.runs = 1;
    info_.order = {0, 1, 2};
    info_.dataset_queries = 3;
    info_.scorers = {{.name = "numeric"}};
  }

  QueryResult& Answer(uint32_t run, uint32_t index, double score) {
    QueryResult& result = store_.results[{run, index}];
    result.key = {run, index, absl::StrCat("q", index), 0};
    result.output = absl::StrCat("answer ", index);
    result.scores = {{"numeric", score}};
    return result;
  }
  QueryResult& Failure(uint32_t run, uint32_t index) {
    QueryResult& result = store_.results[{run, index}];
    result.key = {run, index, absl::StrCat("q", index), 0};
    result.failed = true;
    result.error_type = "timeout";
    result.error_message = "no answer in 600 s";
    return result;
  }

  absl::StatusOr<Results> Write() {
    return WriteResults(store_, info_, path_, *journal::FileSystem::Posix());
  }
  json WriteAndRead() {
    const auto results = Write();
    EXPECT_TRUE(results.ok()) << results.status();
    return json::parse(Text(path_));
  }
  static std::string Text(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  std::vector<json> Lines() {
    std::vector<json> lines;
    const std::string text = Text(ResultLinesPath(path_));
    for (absl::string_view line :
         absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      lines.push_back(json::parse(line.begin(), line.end()));
    }
    return lines;
  }

  FakeStore store_;
  ResultsInfo info_;
  std::string directory_;
  std::string path_;
};

TEST_F(ResultsWriterTest, ACompleteBenchmark) {
  for (uint32_t i = 0; i < 3; ++i) Answer(1, i, i == 0 ? 0 : 1);
  const json results = WriteAndRead();
  EXPECT_EQ(results["format"], 1);
  EXPECT_EQ(results["config_hash"], std::string(16, 'c'));
  EXPECT_EQ(results["status"], "complete");
  EXPECT_EQ(results["method"], nullptr);
  EXPECT_EQ(results["n"], 3);
  EXPECT_EQ(results["completed"], 3);
  EXPECT_DOUBLE_EQ(results["metrics"]["numeric"]["mean"], 2.0 / 3);
  EXPECT_EQ(results["runs"][0]["seed"], RunSeed(0, 1));
  EXPECT_EQ(results["usage"]["unmetered"], 3);
  EXPECT_EQ(results["usage"]["cost"], nullptr);
}

TEST_F(ResultsWriterTest, LinesStandInTheOrderOfTheDataset) {
  info_.order = {2, 0, 1};
  for (uint32_t i = 0; i < 3; ++i) Answer(1, i, 1);
  WriteAndRead();
  const std::vector<json> lines = Lines();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["query_id"], "q2");
  EXPECT_EQ(
      lines[1].dump(),
      R"({"error_type":null,"occurrence":0,"output":"answer 0","query_id":"q0",)"
      R"("run":1,"scores":{"numeric":1},"status":"ok","usage":null})");
}

TEST_F(ResultsWriterTest, FailuresAreCountedAndNamedNotScored) {
  Answer(1, 0, 1);
  Failure(1, 1).scores = {{"numeric", 1}};
  Answer(1, 2, 1).unparsed = true;
  const json results = WriteAndRead();
  EXPECT_EQ(results["completed"], 2);
  EXPECT_EQ(results["failed"], 1);
  EXPECT_EQ(results["unparsed"], 1);
  EXPECT_EQ(results["status"], "complete");
  EXPECT_EQ(results["metrics"]["numeric"]["mean"], 1);
  EXPECT_DOUBLE_EQ(results["metrics"]["numeric"]["bounds"][0], 2.0 / 3);
  EXPECT_EQ(results["timing"]["errors"][0]["query_id"], "q1");
  EXPECT_EQ(Lines()[1]["status"], "failed");
  EXPECT_EQ(Lines()[1]["error_type"], "timeout");
  EXPECT_EQ(Lines()[1]["scores"], json::object());
}

TEST_F(ResultsWriterTest, WhatIsNotDoneIsInNAndNowhereElse) {
  Answer(1, 0, 1);
  Answer(1, 1, 1).scores.clear();  // Answered, not scored yet.
  const json results = WriteAndRead();
  EXPECT_EQ(results["n"], 3);
  EXPECT_EQ(results["completed"], 1);
  EXPECT_EQ(results["status"], "incomplete");
  EXPECT_EQ(Lines().size(), 1u);
  info_.limit_reached = true;
  EXPECT_EQ(WriteAndRead()["status"], "limit");
  for (uint32_t i = 0; i < 3; ++i) Answer(1, i, 1);
  EXPECT_EQ(WriteAndRead()["status"], "complete");
}

TEST_F(ResultsWriterTest, NothingAtAllIsAResultToo) {
  info_.runs = 2;
  const json results = WriteAndRead();
  EXPECT_EQ(results["n"], 6);
  EXPECT_EQ(results["runs"].size(), 2u);
  EXPECT_EQ(results["metrics"]["numeric"]["mean"], nullptr);
  EXPECT_THAT(Lines(), IsEmpty());
}

TEST_F(ResultsWriterTest, RunsHaveTheirOwnMeansAndSeeds) {
  info_.runs = 2;
  for (uint32_t i = 0; i < 3; ++i) Answer(1, i, 1);
  for (uint32_t i = 0; i < 3; ++i) Answer(2, i, 0);
  const json results = WriteAndRead();
  EXPECT_EQ(results["runs"][0]["metrics"]["numeric"]["mean"], 1);
  EXPECT_EQ(results["runs"][1]["metrics"]["numeric"]["mean"], 0);
  EXPECT_NE(results["runs"][0]["seed"], results["runs"][1]["seed"]);
  EXPECT_EQ(results["metrics"]["numeric"]["mean"], 0.5);
}

TEST_F(ResultsWriterTest, UsageCountsAcceptedResponses) {
  Answer(1, 0, 1).usage = {.prompt_tokens = 5,
                           .completion_tokens = 7,
                           .cached_tokens = 1,
                           .reasoning_tokens = 2,
                           .metered = true};
  Answer(1, 1, 1).cost = 0.25;
  QueryResult& failed = Failure(1, 2);
  failed.usage = {100, 100, 0, 0, true};
  failed.cost = 9;
  const json usage = WriteAndRead()["usage"];
  EXPECT_EQ(usage.dump(),
            R"({"cached_tokens":1,"completion_tokens":7,"cost":0.25,)"
            R"("prompt_tokens":5,"reasoning_tokens":2,"unmetered":1,)"
            R"("unpriced":1})");
  EXPECT_EQ(Lines()[0]["usage"]["reasoning_tokens"], 2);
  EXPECT_EQ(Lines()[1]["usage"], json({{"cost", 0.25}}));
  EXPECT_EQ(Lines()[2]["usage"], nullptr);
}

TEST_F(ResultsWriterTest, AnAttemptInDoubtCostsWhatAnAnswerDoes) {
  Answer(1, 0, 1).cost = 1;
  Answer(1, 1, 1).cost = 2;
  Answer(1, 2, 1);
  store_.history_value.in_doubt = 2;
  store_.history_value.retried_cost = 0.5;
  const json timing = WriteAndRead()["timing"];
  EXPECT_EQ(timing["in_doubt_cost"], 3);
  EXPECT_EQ(timing["retried_cost"], 0.5);
}

TEST_F(ResultsWriterTest, AWorkersOwnScoresAreReportedToo) {
  info_.scorers.clear();
  Answer(1, 0, 1).scores = {{"z", 3}, {"bleu", 0.5}, {"z", 4}};
  const json results = WriteAndRead();
  EXPECT_EQ(results["metrics"]["bleu"]["mean"], 0.5);
  EXPECT_EQ(results["metrics"]["z"]["mean"], 3);
  EXPECT_EQ(results["metrics"]["z"]["bounds"], nullptr);
  EXPECT_EQ(Lines()[0]["scores"]["z"], 3);
}

TEST_F(ResultsWriterTest, NamesOfScoresAreBounded) {
  NamedValues& scores = Answer(1, 0, 1).scores;
  for (size_t i = 0; i < kScoreNamesMax; ++i) {
    scores.emplace_back(absl::StrCat("s", i), 0);
  }
  EXPECT_EQ(Write().status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(ResultsWriterTest, OnlyTimingDependsOnHowItWent) {
  for (uint32_t i = 0; i < 3; ++i) Answer(1, i, 0.1 * i);
  const std::string once = Text((WriteAndRead(), path_));
  const std::string lines = Text(ResultLinesPath(path_));
  store_.history_value.sessions = 7;
  store_.history_value.attempts = 12;
  store_.history_value.latencies_ms = {1, 2, 3};
  info_.run_id = "another";
  for (auto& [key, result] : store_.results) result.attempts = 4;
  const std::string again = Text((WriteAndRead(), path_));
  EXPECT_NE(again, once);
  const size_t timing = once.find("\"timing\"");
  EXPECT_EQ(again.substr(0, timing), once.substr(0, timing));
  EXPECT_EQ(Text(ResultLinesPath(path_)), lines);
  EXPECT_EQ(json::parse(again)["timing"]["latency_ms"]["p50"], 2);
  EXPECT_EQ(json::parse(again)["timing"]["retried"], 9);
  EXPECT_EQ(json::parse(again)["timing"]["in_doubt_cost"], nullptr);
}

TEST_F(ResultsWriterTest, RunsHaveTheirOwnUsageAndTheRatesOfAll) {
  info_.runs = 2;
  info_.order = {0, 1};
  Answer(1, 0, 1).cost = 1;
  Answer(1, 1, 0).usage = {.prompt_tokens = 5, .metered = true};
  Answer(2, 0, 1).cost = 2;
  Answer(2, 1, 1);
  const json results = WriteAndRead();
  EXPECT_EQ(results["runs"][0]["usage"]["cost"], 1);
  EXPECT_EQ(results["runs"][0]["usage"]["prompt_tokens"], 5);
  EXPECT_EQ(results["runs"][1]["usage"]["cost"], 2);
  EXPECT_EQ(results["runs"][1]["usage"]["unmetered"], 2);
  EXPECT_EQ(results["usage"]["cost"], 3);
  const json& numeric = results["metrics"]["numeric"];
  EXPECT_EQ(numeric["pass@k"], json({{"1", 0.75}, {"2", 1}}));
  EXPECT_EQ(numeric["pass^k"], json({{"1", 0.75}, {"2", 0.5}}));
  EXPECT_EQ(numeric["query_variance"], 0.25);
  EXPECT_FALSE(results["runs"][0]["metrics"]["numeric"].contains("pass@k"));
}

// RFC 4180.
TEST_F(ResultsWriterTest, TheTableIsTheLinesFlat) {
  QueryResult& first = Answer(1, 0, 0.5);
  first.output = "a, \"b\"\nc";
  first.usage = {5, 7, 1, 2, true};
  first.cost = 0.25;
  Answer(1, 1, 1).output = absl::nullopt;
  Failure(1, 2);
  Write().IgnoreError();
  EXPECT_EQ(Text(ResultTablePath(path_)),
            "run,query_id,occurrence,status,output,scores.numeric,"
            "usage.prompt_tokens,usage.completion_tokens,usage.cached_tokens,"
            "usage.reasoning_tokens,usage.cost,error_type\r\n"
            "1,q0,0,ok,\"a, \"\"b\"\"\nc\",0.5,5,7,1,2,0.25,\r\n"
            "1,q1,0,ok,,1,,,,,,\r\n"
            "1,q2,0,failed,,,,,,,,timeout\r\n");
}

// The second has a score that the first has not: every row gets its column.
TEST_F(ResultsWriterTest, TheTableHasAColumnForEachScore) {
  Failure(1, 0);
  Answer(1, 1, 1).output = "";
  Answer(1, 2, 0).scores.emplace_back("bleu,4", 0.5);
  Write().IgnoreError();
  EXPECT_EQ(
      Text(ResultTablePath(path_)),
      "run,query_id,occurrence,status,output,scores.numeric,\"scores.bleu,4\","
      "usage.prompt_tokens,usage.completion_tokens,usage.cached_tokens,"
      "usage.reasoning_tokens,usage.cost,error_type\r\n"
      "1,q0,0,failed,,,,,,,,,timeout\r\n"
      "1,q1,0,ok,\"\",1,,,,,,,\r\n"
      "1,q2,0,ok,answer 2,0,0.5,,,,,,\r\n");
}

TEST_F(ResultsWriterTest, WithoutResultsTheTableIsItsHeader) {
  Write().IgnoreError();
  const std::string table = Text(ResultTablePath(path_));
  EXPECT_EQ(table.substr(0, 4), "run,");
  EXPECT_EQ(table.find('\n'), table.size() - 1);
}

TEST_F(ResultsWriterTest, BytesThatAreNoTextAreReplaced) {
  Answer(1, 0, 1).output = std::string("a\xff\0\n\"b", 6);
  Answer(1, 1, 1).output = absl::nullopt;
  WriteAndRead();
  EXPECT_EQ(Lines()[0]["output"], std::string("a\xEF\xBF\xBD\0\n\"b", 8));
  EXPECT_EQ(Lines()[1]["output"], nullptr);
}

TEST_F(ResultsWriterTest, AFailureLeavesWhatWasPublished) {
  Answer(1, 0, 1);
  WriteAndRead();
  const std::string before = Text(path_);
  const std::string lines = Text(ResultLinesPath(path_));
  Answer(1, 1, 1);
  store_.end = absl::DataLossError("damaged");
  EXPECT_EQ(Write().status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Text(path_), before);
  EXPECT_EQ(Text(ResultLinesPath(path_)), lines);
  const auto names = journal::FileSystem::Posix()->List(directory_ + "/a/b");
  for (const std::string& name : *names)
    EXPECT_THAT(name, Not(HasSubstr("tmp")));
}

TEST_F(ResultsWriterTest, WhatCannotBeWrittenIsAnError) {
  path_ = "/proc/nowhere/results.json";
  EXPECT_FALSE(Write().ok());
}

TEST_F(ResultsWriterTest, AFullDiskIsAnErrorThatNamesTheFile) {
  info_.order.clear();
  for (uint32_t i = 0; i < 2000; ++i) {
    info_.order.push_back(i);
    Answer(1, i, 1).output = std::string(2000, 'x');
  }
  for (const std::string name : {"results.jsonl", "results.csv"}) {
    for (const journal::FileOp op :
         {journal::FileOp::kWrite, journal::FileOp::kSync}) {
      journal::FaultFileSystem fs(journal::FileSystem::Posix());
      fs.Inject({.op = op, .name_part = name, .error_number = ENOSPC});
      const auto results = WriteResults(store_, info_, path_, fs);
      EXPECT_EQ(journal::KindOf(results.status()),
                journal::ErrorKind::kNoSpace);
      EXPECT_THAT(results.status().message(), HasSubstr(name));
      EXPECT_THAT(*fs.List(directory_ + "/a/b"), IsEmpty());
    }
  }
}

TEST_F(ResultsWriterTest, TheLinesStandBesideTheSummary) {
  EXPECT_EQ(ResultLinesPath("x/y.json"), "x/y.jsonl");
  EXPECT_EQ(ResultLinesPath("x/y"), "x/y.jsonl");
  EXPECT_EQ(ResultTablePath("x/y.json"), "x/y.csv");
}

TEST_F(ResultsWriterTest, ManyLongLinesAreStreamed) {
  info_.order.clear();
  for (uint32_t i = 0; i < 1000; ++i) {
    info_.order.push_back(i);
    Answer(1, i, 1).output = std::string(2000, 'x');
  }
  WriteAndRead();
  EXPECT_EQ(Lines().size(), 1000u);
}

}  // namespace
}  // namespace runner
