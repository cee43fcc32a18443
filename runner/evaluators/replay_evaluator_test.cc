#include "runner/evaluators/replay_evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace runner {
namespace {

// The output, "null", or the error's type in brackets.
std::string Replay(const std::string& field, const std::string& row,
                   const std::string& model = "gpt-4.1") {
  auto evaluator = NewReplayEvaluator({field, model, "cot", 2});
  if (!evaluator.ok()) return std::string(evaluator.status().message());
  EXPECT_FALSE((*evaluator)->may_be_billed());
  EvaluationRequest request;
  request.query_json = row;
  std::string said = "nothing";
  (*evaluator)->Start(request, [&](EvaluationResult result) {
    said = result.error ? absl::StrCat("[", result.error->type, "]")
                        : result.output.value_or("null");
    EXPECT_FALSE(result.error && result.error->retryable);
  });
  return said;
}

TEST(ReplayEvaluatorTest, AnswersFromTheRow) {
  EXPECT_EQ(Replay("{model}.{method}", R"({"gpt-4.1":{"cot":"A: 7"}})"),
            "A: 7");
  EXPECT_EQ(Replay("a.b", R"({"a":{"b":7}})"), "7");
  EXPECT_EQ(Replay("a", R"({"a":""})"), "");
}

TEST(ReplayEvaluatorTest, WithoutAResponseTheQueryFails) {
  EXPECT_EQ(Replay("a", R"({"b":1})"), "[no-recorded-response]");
  EXPECT_EQ(Replay("a", R"({"a":null})"), "[no-recorded-response]");
}

TEST(ReplayEvaluatorTest, BadOptionsAreFoundAtOnce) {
  EXPECT_THAT(Replay("", "{}"), testing::HasSubstr("--response-field"));
  EXPECT_THAT(Replay("a..b", "{}"), testing::HasSubstr("empty step"));
  EXPECT_THAT(Replay("{modle}", "{}"), testing::HasSubstr("modle"));
}

TEST(ReplayEvaluatorTest, AfterStopNothingIsAnswered) {
  auto evaluator = NewReplayEvaluator({"a", "", "", 1});
  ASSERT_TRUE(evaluator.ok());
  (*evaluator)->Stop();
  bool stopped = false;
  (*evaluator)->Start({}, [&](EvaluationResult result) {
    stopped = result.error && result.error->type == "stopped";
  });
  EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace runner
