#include "runner/evaluators/replay_evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace runner {
namespace {

// The output, "null", or the error's type in brackets.
std::string Replay(absl::optional<std::string> recorded) {
  auto evaluator = NewReplayEvaluator({"field", 2});
  EXPECT_TRUE(evaluator.ok()) << evaluator.status();
  EXPECT_FALSE((*evaluator)->may_be_billed());
  EvaluationRequest request;
  request.recorded = std::move(recorded);
  std::string said = "nothing";
  (*evaluator)->Start(request, [&](EvaluationResult result) {
    said = result.error ? absl::StrCat("[", result.error->type, "]")
                        : result.output.value_or("null");
    EXPECT_FALSE(result.error && result.error->retryable);
  });
  return said;
}

TEST(ReplayEvaluatorTest, AnswersWithWhatWasRecorded) {
  EXPECT_EQ(Replay("A: 7"), "A: 7");
  EXPECT_EQ(Replay(""), "");
}

TEST(ReplayEvaluatorTest, WithoutAResponseTheQueryFails) {
  EXPECT_EQ(Replay(absl::nullopt), "[no-recorded-response]");
}

TEST(ReplayEvaluatorTest, BadOptionsAreFoundAtOnce) {
  EXPECT_THAT(std::string(NewReplayEvaluator({"", 1}).status().message()),
              testing::HasSubstr("--response-field"));
  EXPECT_FALSE(NewReplayEvaluator({"field", 0}).ok());
}

TEST(ReplayEvaluatorTest, AfterStopNothingIsAnswered) {
  auto evaluator = NewReplayEvaluator({"a", 1});
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
