// What a run costs, and what stops one that costs too much. The server's own
// count is what is held against the runner's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "runner/storage/record_codec.h"
#include "runner/testing/fake_openai_server.h"
#include "tests/http_fixture.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kQuestions = 60;
constexpr int kWorkers = 4;

// Dollars a token.
constexpr double kInput = 0.002, kCached = 0.0005, kOutput = 0.01;
// More than any of the questions costs.
constexpr double kCallMax = 0.06;

class LimitsTest : public HttpFixture {
 protected:
  LimitsTest() : HttpFixture(kQuestions) {
    place_.Write("prices.yaml",
                 absl::StrCat("m: {input: ", kInput * 1e6,
                              ", cached_input: ", kCached * 1e6,
                              ", output: ", kOutput * 1e6, "}\n"));
    place_.options["workers"] = absl::StrCat(kWorkers);
    place_.options["prices"] = "prices.yaml";
  }

  // What the server has to be paid for what it answered.
  double Bill() const {
    double dollars = 0;
    for (const auto& [name, times] : server_->stats().answered_by_prompt) {
      const std::string prompt = name.substr(name.find('\n') + 1);
      const uint64_t tokens = FakeTokens(prompt), cached = tokens / 2;
      dollars +=
          static_cast<double>(times) *
          (static_cast<double>(tokens - cached) * kInput +
           static_cast<double>(cached) * kCached +
           static_cast<double>(FakeTokens(*serve_.answers.at(prompt).output)) *
               kOutput);
    }
    return dollars;
  }

  uint64_t TokensUsed() const {
    const FakeOpenAiStats stats = server_->stats();
    return stats.prompt_tokens + stats.completion_tokens;
  }

  // The run stopped at `limit`; the same command asks nothing more, and with
  // `larger` it goes on to the end.
  void ExpectGoesOnWith(const std::string& limit, const std::string& same,
                        const std::string& larger, int end = 0) {
    EXPECT_THAT(place_.err(), AllOf(HasSubstr("Limit reached: " + limit),
                                    HasSubstr("with a larger " + limit)));
    EXPECT_EQ(place_.ResultText("/status"), "limit");
    EXPECT_EQ(Ends().back().reason, SessionStop::kLimit);
    EXPECT_EQ(Ends().back().exit_code, 15);
    const uint64_t calls = server_->stats().calls;
    EXPECT_LT(calls, static_cast<uint64_t>(kQuestions));
    EXPECT_EQ(place_.Run({limit, same}), 15) << place_.err();
    EXPECT_EQ(place_.ResultText("/status"), "limit");
    EXPECT_EQ(server_->stats().calls, calls);
    EXPECT_EQ(place_.Run({limit, larger}), end) << place_.err();
    EXPECT_EQ(server_->stats().calls, static_cast<uint64_t>(kQuestions));
    EXPECT_EQ(place_.ResultText("/status"), "complete");
  }

  // How the journal's sessions ended.
  std::vector<SessionEndRecord> Ends() const {
    return RecordsOf<SessionEndRecord>();
  }

  template <typename Record>
  std::vector<Record> RecordsOf() const {
    std::vector<Record> found;
    for (const std::string& text : place_.Records(place_.Journals().at(0))) {
      const size_t type = text.find(':') + 1, body = text.find(':', type) + 1;
      if (std::stoi(text.substr(type)) != static_cast<int>(Record::kType)) {
        continue;
      }
      const auto record = Decode<Record>(text.substr(body));
      EXPECT_TRUE(record.ok()) << record.status();
      if (record.ok()) found.push_back(*record);
    }
    return found;
  }
};

TEST_F(LimitsTest, CostIsWhatTheServerCounted) {
  serve_.fault_rate = 0.2;
  serve_.faults_in_row_max = 2;
  Serve({Fault::kServerError, Fault::kReset, Fault::kRetryMs});
  EXPECT_EQ(place_.Run({"--runs", "2"}), 0) << place_.err();
  EXPECT_GT(Bill(), 0);
  EXPECT_NEAR(place_.ResultNumber("/usage/cost"), Bill(), 1e-9);
  EXPECT_EQ(place_.ResultNumber("/usage/unpriced"), 0);
  EXPECT_THAT(place_.err(), HasSubstr("Cost: $"));
  const std::vector<RunEndRecord> runs = RecordsOf<RunEndRecord>();
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_NEAR(*runs[0].cost + *runs[1].cost, Bill(), 1e-9);
}

TEST_F(LimitsTest, AModelWithoutAPriceCostsNobodyKnowsWhat) {
  Serve();
  place_.options["model"] = "another";
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(place_.ResultNumber("/usage/unpriced"), kQuestions);
  EXPECT_EQ(place_.ResultNumber("/usage/unmetered"), 0);
  EXPECT_THAT(place_.Results(), HasSubstr("\"cost\": null"));
  EXPECT_THAT(place_.err(), HasSubstr("Cost: unknown"));
}

TEST_F(LimitsTest, TheMostThatItMayCost) {
  Serve();
  EXPECT_EQ(place_.Run({"--max-cost", "1"}), 15) << place_.err();
  // No more than what was in flight when it was reached.
  EXPECT_GE(Bill(), 1);
  EXPECT_LT(Bill(), 1 + kWorkers * kCallMax);
  EXPECT_NEAR(place_.ResultNumber("/usage/cost"), Bill(), 1e-9);
  const std::vector<LimitRecord> limits = RecordsOf<LimitRecord>();
  ASSERT_EQ(limits.size(), 1u);
  EXPECT_EQ(limits[0].name, "max-cost");
  EXPECT_EQ(limits[0].limit, 1);
  EXPECT_GE(limits[0].value, 1);
  ExpectGoesOnWith("--max-cost", "1", "100");
  EXPECT_NEAR(place_.ResultNumber("/usage/cost"), Bill(), 1e-9);
}

TEST_F(LimitsTest, TheMostTokens) {
  Serve();
  EXPECT_EQ(place_.Run({"--max-tokens-total", "100"}), 15) << place_.err();
  EXPECT_GE(TokensUsed(), 100u);
  EXPECT_LT(TokensUsed(), 100u + kWorkers * 15);
  ExpectGoesOnWith("--max-tokens-total", "100", "1000000");
}

TEST_F(LimitsTest, TheLongestTime) {
  serve_.latency = absl::Milliseconds(50);
  Serve();
  place_.options["workers"] = "1";
  EXPECT_EQ(place_.Run({"--max-duration", "1s"}), 15) << place_.err();
  ExpectGoesOnWith("--max-duration", "1s", "10m");
}

TEST_F(LimitsTest, TheMostFailures) {
  serve_.fault_rate = 0.3;
  Serve({Fault::kBadRequest});
  EXPECT_EQ(place_.Run({"--max-failures", "3"}), 15) << place_.err();
  EXPECT_GE(place_.ResultNumber("/failed"), 3);
  // Failures count when they are journaled.
  EXPECT_LE(place_.ResultNumber("/failed"), 3 + 3 * kWorkers);
  ExpectGoesOnWith("--max-failures", "3", "50%", /*end=*/3);
  // Those are asked again, and none of them has failed yet.
  const uint64_t calls = server_->stats().calls;
  EXPECT_NE(place_.Run({"--max-failures", "1", "--retry-failed"}), 2);
  EXPECT_GT(server_->stats().calls, calls);
}

// Answers that wait for a score are no less than answers.
TEST_F(LimitsTest, OtherRulesMakeNoFailures) {
  serve_.fault_rate = 0.3;
  Serve({Fault::kServerError});
  place_.options["max-failures"] = "60%";
  place_.options["max-retries"] = "0";
  EXPECT_EQ(place_.Run(), 3) << place_.err();
  const uint64_t calls = server_->stats().calls;
  place_.options["scorer"] = "contains";
  EXPECT_NE(place_.Run(), 15) << place_.err();
  EXPECT_GT(server_->stats().calls, calls);
}

TEST_F(LimitsTest, ADeathWhileWhatIsInFlightEndsForgetsNoLimit) {
  place_.options["workers"] = "16";
  Serve({Fault::kBadRequest, Fault::kStall});
  RunnerProcess runner = place_.Start({"--max-failures", "3"});
  ASSERT_TRUE(place_.WaitForMessage("Limit reached", runner)) << runner.err();
  ASSERT_TRUE(runner.Kill9()) << runner.err();
  EXPECT_EQ(RecordsOf<LimitRecord>().size(), 1u);
}

// What was in flight may bring the share below the limit again.
TEST_F(LimitsTest, AShareOfFailuresThatWasReachedStands) {
  serve_.fault_rate = 0.3;
  Serve({Fault::kBadRequest});
  EXPECT_EQ(place_.Run({"--max-failures", "20%"}), 15) << place_.err();
  EXPECT_EQ(RecordsOf<LimitRecord>().at(0).name, "max-failures%");
  const uint64_t calls = server_->stats().calls;
  for (const char* smaller : {"20%", "15%"}) {
    EXPECT_EQ(place_.Run({"--max-failures", smaller, "--dry-run"}), 15);
    EXPECT_EQ(place_.Run({"--max-failures", smaller}), 15) << place_.err();
  }
  EXPECT_EQ(server_->stats().calls, calls);
  EXPECT_EQ(place_.Run({"--max-failures", "99%"}), 3) << place_.err();
}

// The bar, the limits and the account at the end say the same.
TEST_F(LimitsTest, WhatFailedAttemptsCostIsShownToo) {
  place_.options.erase("prices");
  place_.options.erase("model");
  place_.options["worker-command"] = "sh worker.sh";
  place_.Write(
      "worker.sh",
      "exec sed -u 's/^{\"id\":\"\\([^\"]*\\)\".*/{\"id\":\"\\1\","
      "\"cost\":0.5,\"error\":{\"type\":\"t\",\"message\":\"m\"}}/'\n");
  EXPECT_EQ(place_.Run({"--json", "-n", "6"}), 3) << place_.err();
  double shown = 0;
  std::istringstream lines(place_.out());
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line, nullptr, false);
    if (event["event"] == "progress") shown = event["cost"];
  }
  EXPECT_EQ(shown, 3);
  EXPECT_EQ(place_.ResultNumber("/timing/retried_cost"), 3);
  // None of them is asked again, and none remains.
  EXPECT_EQ(place_.Run({"-n", "6"}), 3) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("0/6 queries completed (0.0%), 0 "
                                      "remaining, 6 failed and not asked "
                                      "again, $3.00"));
  EXPECT_EQ(place_.Run({"-n", "7", "--retry-failed"}), 3) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("7 remaining (6 failed), $3.00"));
}

TEST_F(LimitsTest, AKillCarriesTheAccountOn) {
  Ask(200);
  place_.options["workers"] = absl::StrCat(kWorkers);
  serve_.latency = absl::Milliseconds(20);
  Serve();
  RunnerProcess runner = place_.Start({"--max-cost", "100"});
  ASSERT_TRUE(server_->WaitForCalls(40));
  ASSERT_TRUE(runner.Kill9()) << runner.err();
  const double spent = Bill();
  ASSERT_GT(spent, 2 * kWorkers * kCallMax);
  EXPECT_EQ(place_.Run({"--max-cost", absl::StrCat(spent + 1)}), 15)
      << place_.err();
  // What is in doubt may have been paid, and nobody knows.
  const double unknown =
      static_cast<double>(place_.InDoubtCounts().size()) * kCallMax;
  EXPECT_GT(Bill(), spent + 0.99);
  EXPECT_LT(Bill(), spent + 1 + kWorkers * kCallMax + unknown);
  EXPECT_EQ(place_.Run({"--max-cost", "100"}), 0) << place_.err();
  EXPECT_LE(place_.ResultNumber("/usage/cost"), Bill() + 1e-9);
  EXPECT_GE(place_.ResultNumber("/usage/cost"), Bill() - unknown - 1e-9);
}

TEST_F(LimitsTest, ALimitHoldsOverAWholeStudy) {
  Serve();
  place_.Write("prices.yaml",
               absl::StrCat("{\"a\": {\"input\": ", kInput * 1e6,
                            ", \"cached_input\": ", kCached * 1e6,
                            ", \"output\": ", kOutput * 1e6,
                            "}, \"b\": {\"input\":", kInput * 1e6,
                            ", \"cached_input\": ", kCached * 1e6,
                            ", \"output\": ", kOutput * 1e6,
                            "}, \"c\": {\"input\": "
                            "1, \"output\": 1}}"));
  place_.options.erase("model");
  place_.options["models"] = "a,b,c";
  place_.options["results"] = "{model}.json";
  EXPECT_EQ(place_.Run({"--max-cost", "4"}), 15) << place_.err();
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("Not begun: 1 of 3 benchmarks"),
                                  HasSubstr("a $"), HasSubstr("b $")));
  EXPECT_EQ(place_.Journals().size(), 2u);
  EXPECT_LT(Bill(), 4 + kWorkers * kCallMax);
  const uint64_t calls = server_->stats().calls;
  EXPECT_EQ(place_.Run({"--max-cost", "4"}), 15) << place_.err();
  EXPECT_EQ(server_->stats().calls, calls);
  EXPECT_EQ(place_.Run({"--max-cost", "50"}), 0) << place_.err();
  EXPECT_EQ(server_->stats().calls, 3u * kQuestions);
}

TEST_F(LimitsTest, WhatIsNotGoneOnWithIsNotCarried) {
  Serve();
  place_.options.erase("model");
  place_.options["models"] = "m,n";
  place_.options.erase("results");
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  const uint64_t of_one = TokensUsed() / 2;
  const std::string rows = place_.Read("questions.jsonl");
  const std::string last = Workplace::Question(kQuestions);
  place_.Write("questions.jsonl", rows.substr(0, rows.size() - last.size()));
  // Both begin anew beside their old journals; the first comes to its end.
  EXPECT_EQ(place_.Run({"--max-tokens-total", absl::StrCat(of_one * 3 / 2)}),
            15)
      << place_.err();
  EXPECT_GE(server_->stats().calls, 3u * kQuestions - 1);
}

TEST_F(LimitsTest, ADryRunSaysWhatALimitForbids) {
  Serve();
  EXPECT_EQ(place_.Run({"--max-cost", "1"}), 15) << place_.err();
  EXPECT_EQ(place_.Run({"--max-cost", "1", "--dry-run"}), 15) << place_.err();
  EXPECT_THAT(place_.out(), AllOf(HasSubstr("would not start (exit 15)"),
                                  HasSubstr("Limit reached: --max-cost")));
  EXPECT_EQ(place_.Run({"--max-cost", "50", "--dry-run"}), 0) << place_.err();
  EXPECT_EQ(place_.Run({"--max-cost", "50"}), 0) << place_.err();
  // Nothing is left that it might forbid.
  EXPECT_EQ(place_.Run({"--max-cost", "1", "--dry-run"}), 0) << place_.err();
}

TEST_F(LimitsTest, ResumeTakesTheLimitFromTheJournal) {
  Serve();
  EXPECT_EQ(place_.Run({"--max-cost", "1"}), 15) << place_.err();
  const uint64_t calls = server_->stats().calls;
  EXPECT_EQ(place_.RunProgram({"resume", "latest"}), 15) << place_.err();
  EXPECT_EQ(server_->stats().calls, calls);
  EXPECT_EQ(place_.RunProgram({"resume", "latest", "--max-cost", "50"}), 0)
      << place_.err();
  EXPECT_EQ(server_->stats().calls, static_cast<uint64_t>(kQuestions));
}

TEST_F(LimitsTest, ReachedByTheLastAnswerItForbidsNothingButTheNext) {
  Serve();
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(place_.Run({"--max-cost", "0.01"}), 0) << place_.err();
  EXPECT_EQ(place_.Run({"--max-cost", "0.01", "--runs", "2"}), 15);
  EXPECT_EQ(place_.Journals().size(), 1u);
  EXPECT_EQ(server_->stats().calls, static_cast<uint64_t>(kQuestions));
}

TEST_F(LimitsTest, WithoutAPriceThereIsNoLimitOnCost) {
  Serve();
  place_.options["model"] = "another";
  EXPECT_EQ(place_.Run({"--max-cost", "1"}), 2);
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("prices.yaml has none for another"),
                                  HasSubstr("--max-cost")));
  place_.options.erase("prices");
  EXPECT_EQ(place_.Run({"--max-cost", "1"}), 2);
  EXPECT_THAT(place_.err(), HasSubstr("without --prices for another"));
  place_.Write("bad.yaml", "another: {input: 1, output: -1}");
  EXPECT_EQ(place_.Run({"--prices", "bad.yaml"}), 2);
  EXPECT_THAT(place_.err(), HasSubstr("bad.yaml:1: "));
  EXPECT_TRUE(place_.Journals().empty());
  EXPECT_EQ(server_->stats().calls, 0u);
}

TEST_F(LimitsTest, AWorkerSaysItselfWhatItCosts) {
  place_.worker_flags.push_back("--scores");
  place_.options.erase("prices");
  EXPECT_EQ(place_.Run({"--max-cost", "1000"}), 0) << place_.err();
  const double all = place_.ResultNumber("/usage/cost");
  ASSERT_GT(all, 0);
  EXPECT_EQ(place_.Run({"--max-cost", absl::StrCat(all / 2), "--no-resume"}),
            15)
      << place_.err();
  EXPECT_THAT(place_.err(), Not(HasSubstr("was not held against it")));
  EXPECT_GE(place_.ResultNumber("/usage/cost"), all / 2);
  EXPECT_LT(place_.ResultNumber("/usage/cost"), all);
}

TEST_F(LimitsTest, WhatAWorkerDoesNotSayIsSaidToBeUnknown) {
  place_.options.erase("prices");
  EXPECT_EQ(place_.Run({"--max-cost", "1"}), 0) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("what 60 answers cost is unknown"));
}

class EstimateTest : public LimitsTest {
 protected:
  // `bench-runner estimate` with the options of Run, and with --json.
  nlohmann::json Estimated(std::vector<std::string> more = {},
                           int exit_code = 0) {
    std::vector<std::string> words = {"estimate", "--json"};
    for (const auto& [name, value] : place_.options) {
      words.insert(words.end(), {"--" + name, value});
    }
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(place_.RunProgram(words), exit_code) << place_.err();
    std::string last;
    std::istringstream lines(place_.out());
    for (std::string line; std::getline(lines, line);) last = line;
    return nlohmann::json::parse(last, nullptr, /*allow_exceptions=*/false);
  }
};

TEST_F(EstimateTest, SaysWhatIsLeftAndAsksNothing) {
  Serve();
  const nlohmann::json before = Estimated({"--max-tokens", "10"});
  EXPECT_EQ(before["calls"], kQuestions);
  EXPECT_EQ(before["completion_tokens"], kQuestions * 10);
  EXPECT_EQ(before["prompt_tokens_from"], nullptr);  // A total's.
  EXPECT_GT(before["cost"], kQuestions * 10 * kOutput);
  place_.Write("request.json", R"({"max_completion_tokens": 10})");
  EXPECT_EQ(Estimated({"--request-json", "request.json"})["cost"],
            before["cost"]);
  EXPECT_FALSE(place_.Exists("journals"));

  EXPECT_EQ(place_.Run({"--max-cost", "2"}), 15) << place_.err();
  const std::vector<std::string> records = place_.Records(place_.Journals()[0]);
  const nlohmann::json after = Estimated();
  const auto done = static_cast<double>(server_->stats().answered);
  EXPECT_EQ(after["done"], done);
  EXPECT_EQ(after["calls"], kQuestions - done);
  EXPECT_NEAR(after["spent"], Bill(), 1e-9);
  // The mean of what was used; the estimate takes no prompt for cached.
  EXPECT_NEAR(after["cost"], Bill() / done * (kQuestions - done),
              (kQuestions - done) * kCallMax / 2);
  EXPECT_EQ(place_.Records(place_.Journals()[0]), records);
  EXPECT_EQ(server_->stats().calls, done);

  EXPECT_EQ(Estimated({"--runs", "2"})["calls"], 2 * kQuestions - done);
  EXPECT_EQ(place_.Run({"--max-cost", "100"}), 0) << place_.err();
  EXPECT_EQ(Estimated()["calls"], 0);
  EXPECT_EQ(Estimated()["cost"], 0);
}

TEST_F(EstimateTest, AJournalThatDiffersIsSaidAsARunSaysIt) {
  Serve();
  EXPECT_EQ(place_.Run({"--max-cost", "2"}), 15) << place_.err();
  place_.WriteDataset(kQuestions - 1);
  EXPECT_EQ(Estimated({}, 13)["calls"], kQuestions - 1);
  EXPECT_THAT(place_.out(), AllOf(HasSubstr("\"exit_code\":13"),
                                  HasSubstr("row q60: removed")));
  EXPECT_EQ(Estimated({"--new-journal"})["calls"], kQuestions - 1);
  const auto done = static_cast<double>(server_->stats().answered);
  EXPECT_EQ(Estimated({"--accept-config-change"})["calls"],
            kQuestions - 1 - done);
}

TEST_F(EstimateTest, ATableOfTheWholeStudy) {
  EXPECT_EQ(place_.RunProgram({"estimate", "--dataset", "questions.jsonl",
                               "--scorer", "exact_match", "--models", "m,n",
                               "--base-url", "http://127.0.0.1:1/v1"}),
            0)
      << place_.err();
  EXPECT_THAT(place_.out(), AllOf(HasSubstr("questions/m"), HasSubstr("total"),
                                  HasSubstr("?"), HasSubstr("4 bytes")));
  EXPECT_EQ(place_.RunProgram({"estimate", "--dataset", "nowhere.jsonl",
                               "--scorer", "exact_match", "--model", "m",
                               "--base-url", "http://127.0.0.1:1/v1"}),
            2);
  EXPECT_EQ(place_.RunProgram({"estimate", "--no-such-option"}), 2);
}

}  // namespace
}  // namespace runner
