#include "runner/evaluators/worker_scorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/notification.h"
#include "runner/evaluators/worker_protocol.h"
#include "runner/testing/eventually.h"

namespace runner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class WorkerScorerTest : public testing::Test {
 protected:
  void Open(std::vector<std::string> arguments,
            absl::Duration timeout = kPatience) {
    arguments.insert(arguments.begin(),
                     {"runner/testing/fake_worker", "--scorer"});
    WorkerScorerOptions options;
    options.command = std::move(arguments);
    options.timeout = timeout;
    options.log = [this](uint32_t, absl::string_view line) {
      if (absl::StrContains(line, "asked")) asked_.Notify();
    };
    auto scorer = NewWorkerScorer(std::move(options));
    ASSERT_TRUE(scorer.ok()) << scorer.status();
    scorer_ = *std::move(scorer);
  }

  absl::StatusOr<ExternalScores> Score(const std::string& id,
                                       absl::optional<std::string> output,
                                       const std::string& target) {
    ExternalRequest request;
    request.key.id = id;
    request.output = std::move(output);
    request.extracted = request.output;
    request.target = target;
    request.query_json = "{\"id\":\"x\"}";
    return scorer_->Score(request);
  }

  absl::Notification asked_;
  std::unique_ptr<ExternalScorer> scorer_;
};

TEST_F(WorkerScorerTest, AProcessDecides) {
  Open({});
  const auto right = Score("q1", "5", "5");
  ASSERT_TRUE(right.ok()) << right.status();
  EXPECT_THAT(right->scores,
              ElementsAre(Pair("judge", 1.0), Pair("length", 1.0)));
  EXPECT_FALSE(right->unparsed);
  EXPECT_EQ(Score("q2", "555", "5")->scores[0].second, 0);
  EXPECT_TRUE(Score("q3", absl::nullopt, "5")->unparsed);
}

TEST_F(WorkerScorerTest, WhatGoesWrongIsSaidAndTheNextIsScored) {
  Open({"--fault=die:dies", "--fault=garbage:prints", "--fault=permanent:no"});
  for (const auto& [id, what] :
       std::vector<std::pair<std::string, std::string>>{
           {"dies", "worker-exited: scorer 0"},
           {"prints", "protocol: scorer 0"},
           {"no", "refused: never"}}) {
    const absl::Status status = Score(id, "5", "5").status();
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
    EXPECT_TRUE(Score("q1", "5", "5").ok());
  }
}

TEST_F(WorkerScorerTest, OneThatHangsIsKilled) {
  Open({"--fault=hang:hangs"}, absl::Milliseconds(100));
  EXPECT_THAT(std::string(Score("hangs", "5", "5").status().message()),
              HasSubstr("timeout"));
}

TEST_F(WorkerScorerTest, StopEndsWhatIsUnderWay) {
  Open({"--fault=ask-and-hang:hangs"});
  std::thread stopper([this] {
    asked_.WaitForNotification();
    scorer_->Stop();
  });
  EXPECT_TRUE(absl::IsCancelled(Score("hangs", "5", "5").status()));
  stopper.join();
  EXPECT_TRUE(absl::IsCancelled(Score("q1", "5", "5").status()));
}

TEST(ScorerProtocol, ALineIsOneObject) {
  ExternalRequest request;
  request.key = {.run = 2, .index = 7, .id = "a\"b"};
  request.output = "x\ny";
  request.query_json = "{\"k\":\n1}";
  EvaluationRequest asked;
  asked.query_json = ScoreRequestFields(request);
  EXPECT_EQ(ScoreRequestLine(asked, "7"),
            "{\"id\":\"7\",\"run\":2,\"query_id\":\"a\\\"b\",\"output\":"
            "\"x\\ny\",\"extracted\":null,\"target\":null,\"query\":"
            "{\"k\": 1}}\n");
}

TEST(ScorerProtocol, ScoresOrAnErrorAreNeeded) {
  EXPECT_EQ(ParseScores("{\"id\":\"1\",\"scores\":{\"a\":0.5},"
                        "\"unparsed\":true}")
                ->result.unparsed,
            true);
  for (const char* bad :
       {"{}", "{\"id\":\"1\"}", "{\"id\":\"1\",\"scores\":{}}",
        "{\"id\":\"1\",\"scores\":{\"a\":\"1\"}}",
        "{\"id\":\"1\",\"scores\":{\"a\":1e99}}",
        "{\"id\":\"1\",\"scores\":{\"a\":1},\"unparsed\":1}",
        "{\"scores\":{\"a\":1}}", "[]", "x"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseScores(bad).status())) << bad;
  }
}

}  // namespace
}  // namespace runner
