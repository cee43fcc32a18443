#include "runner/evaluators/worker_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace runner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// An answer with `fields` beside its id, or what is wrong with it.
absl::StatusOr<Answer> Parse(const std::string& fields) {
  return ParseAnswer(absl::StrCat("{\"id\":\"i\",", fields, "}"));
}

std::string Error(const std::string& fields) {
  return std::string(Parse(fields).status().message());
}

TEST(RequestLineTest, IsOneLineWithTheQueryAsItStands) {
  EvaluationRequest request;
  request.key.run = 2;
  request.attempt = 3;
  request.seed = ~uint64_t{0};
  request.model = "m\"1";
  request.prompt = "2 +\n3";
  request.query_json = "{\"b\": 1,\r\n \"a\": 1.50}";
  EXPECT_EQ(RequestLine(request, "x-1"),
            "{\"id\":\"x-1\",\"run\":2,\"seed\":18446744073709551615,"
            "\"attempt\":3,\"model\":\"m\\\"1\",\"method\":\"\","
            "\"prompt\":\"2 +\\n3\",\"query\":{\"b\": 1,   \"a\": 1.50}}\n");
}

TEST(RequestLineTest, NoQueryIsNull) {
  EXPECT_THAT(RequestLine(EvaluationRequest(), "x"),
              HasSubstr("\"query\":null}"));
}

TEST(RestoreLineTest, HandsTheStateBack) {
  EXPECT_EQ(RestoreLine("[1,\n2]"), "{\"restore\":[1, 2]}\n");
}

TEST(ParseAnswerTest, Output) {
  const auto answer = Parse("\"output\":\"a\\u0000b\",\"later\":{\"x\":1}");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->id, "i");
  EXPECT_EQ(answer->result.output, std::string("a\0b", 3));
  EXPECT_FALSE(answer->result.usage.metered);
  EXPECT_FALSE(answer->result.cost);
}

TEST(ParseAnswerTest, NullsAreAbsent) {
  const auto answer = Parse(
      "\"output\":null,\"scores\":null,\"usage\":null,\"cost\":null,"
      "\"reasoning\":null,\"state\":null,\"metadata\":null,\"error\":null");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(answer->result.output);
  EXPECT_FALSE(answer->result.error);
  EXPECT_EQ(answer->result.state_json, "");
}

TEST(ParseAnswerTest, TheWorkersOrderOfScoresDoesNotShow) {
  const auto answer = Parse("\"output\":\"\",\"scores\":{\"z\":-1,\"a\":2.5}");
  EXPECT_THAT(answer->result.scores,
              ElementsAre(Pair("a", 2.5), Pair("z", -1)));
}

TEST(ParseAnswerTest, ErrorWithWhatItCost) {
  const auto answer = Parse(
      "\"error\":{\"type\":\"t\",\"message\":\"m\",\"retryable\":true,"
      "\"context\":[1]},\"cost\":2,\"usage\":{\"prompt_tokens\":3}");
  ASSERT_TRUE(answer.ok()) << answer.status();
  const EvaluationError& error = *answer->result.error;
  EXPECT_EQ(error.type + error.message + error.context_json, "tm[1]");
  EXPECT_TRUE(error.retryable);
  EXPECT_EQ(answer->result.cost, 2);
  EXPECT_EQ(answer->result.usage.prompt_tokens, 3);
}

TEST(ParseAnswerTest, AnErrorIsNotRetryableUnlessItSaysSo) {
  EXPECT_FALSE(Parse("\"error\":{\"type\":\"t\"}")->result.error->retryable);
}

TEST(ParseAnswerTest, WrongFieldsAreNamed) {
  EXPECT_EQ(Error("\"output\":1"), "\"output\" is neither a string nor null");
  EXPECT_EQ(Error("\"x\":1"), "neither \"output\" nor \"error\"");
  EXPECT_EQ(Error("\"error\":\"no\""), "\"error\" is not an object");
  EXPECT_EQ(Error("\"error\":{}"),
            "\"error.type\" is missing, too long or not printable");
  EXPECT_EQ(Error("\"error\":{\"type\":\"a\\u001b[2J\"}"),
            "\"error.type\" is missing, too long or not printable");
  EXPECT_EQ(Error("\"output\":\"\",\"reasoning\":[]"),
            "\"reasoning\" is not a string");
  EXPECT_EQ(Error("\"output\":\"\",\"scores\":[1]"),
            "\"scores\" is not an object");
  EXPECT_EQ(Error("\"output\":\"\",\"scores\":{\"a\\n\":\"1\"}"),
            "\"scores.a\\n\" is not a number");
  EXPECT_EQ(Error("\"output\":\"\",\"scores\":{\"\":1}"),
            "\"scores.\" has an empty or too long name");
}

TEST(ParseAnswerTest, RangesAreChecked) {
  const std::string kOutput = "\"output\":\"\",";
  EXPECT_EQ(Error(kOutput + "\"cost\":-0.01"), "\"cost\" is negative");
  EXPECT_EQ(Error(kOutput + "\"cost\":1e300"), "\"cost\" is too large");
  EXPECT_EQ(Error(kOutput + "\"scores\":{\"a\":-1e16}"),
            "\"scores.a\" is too large");
  EXPECT_EQ(Error(kOutput + "\"usage\":{\"prompt_tokens\":-1}"),
            "\"usage.prompt_tokens\" is negative");
  EXPECT_EQ(Error(kOutput + "\"usage\":{\"cached_tokens\":1e13}"),
            "\"usage.cached_tokens\" is too large");
  EXPECT_EQ(Error(kOutput + "\"usage\":{\"cached_tokens\":1.5}"),
            "\"usage.cached_tokens\" is not whole");
  EXPECT_THAT(Error(kOutput + "\"cost\":NaN"), HasSubstr("not JSON"));
  EXPECT_THAT(Error(kOutput + "\"cost\":1e999"), HasSubstr("not JSON"));
}

TEST(ParseAnswerTest, BoundsAreChecked) {
  const std::string kOutput = "\"output\":\"\",";
  EXPECT_THAT(
      Error(kOutput + "\"state\":\"" + std::string(kStateBytesMax, 's') + "\""),
      HasSubstr("\"state\" is larger than"));
  std::string scores = "\"s0\":0";
  for (size_t i = 1; i <= kScoresMax; ++i) {
    absl::StrAppend(&scores, ",\"s", i, "\":0");
  }
  EXPECT_THAT(Error(kOutput + "\"scores\":{" + scores + "}"),
              HasSubstr("\"scores\" has more than"));
  std::string many = "\"metadata\":[0";
  for (size_t i = 0; i < kAnswerValuesMax; ++i) many += ",0";
  EXPECT_THAT(Error(kOutput + many + "]"), HasSubstr("values"));
  EXPECT_THAT(Error(kOutput + "\"metadata\":" + std::string(1000000, '[')),
              HasSubstr("not JSON"));
}

TEST(ParseAnswerTest, HostileBytes) {
  const std::string kLines[] = {"",
                                "\0",
                                "\x1b[31m",
                                "{",
                                "\"id\"",
                                "[]",
                                "1",
                                "{\"id\":1,\"output\":\"\"}",
                                "{\"output\":\"\"}",
                                "{\"id\":\"i\",\"output\":\"\xff\"}",
                                "{\"id\":\"i\",\"output\":\"\\ud800\"}",
                                std::string("{\"id\":\"i\0\"}", 11)};
  for (const std::string& line : kLines) {
    const absl::Status status = ParseAnswer(line).status();
    EXPECT_FALSE(status.ok()) << line;
    EXPECT_LT(status.message().size(), 1000);
    EXPECT_EQ(status.message().find('\x1b'), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace runner
