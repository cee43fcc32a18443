#include "runner/evaluators/openai/chat_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace runner {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

EvaluationResult Parse(absl::string_view body, int status = 200) {
  return ParseChatResponse({status, body, absl::nullopt});
}

EvaluationResult ParseMessage(const std::string& message) {
  return Parse(absl::StrCat(R"({"choices":[{"finish_reason":"stop","message":)",
                            message, "}]}"));
}

TEST(ChatResponseTest, ReadsACompletion) {
  const EvaluationResult result = Parse(R"({
    "id": "c1", "model": "m-0613", "choices": [{"index": 0,
      "message": {"role": "assistant", "content": "5",
                  "reasoning_content": "2 and 3"},
      "finish_reason": "length"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 4,
      "prompt_tokens_details": {"cached_tokens": 8},
      "completion_tokens_details": {"reasoning_tokens": 3}}})");
  ASSERT_FALSE(result.error.has_value()) << result.error->message;
  EXPECT_EQ(result.output, "5");
  EXPECT_EQ(result.reasoning, "2 and 3");
  EXPECT_EQ(result.finish_reason, "length");
  EXPECT_EQ(result.metadata_json, R"({"id":"c1","model":"m-0613"})");
  EXPECT_TRUE(result.usage.metered);
  EXPECT_EQ(result.usage.prompt_tokens, 10u);
  EXPECT_EQ(result.usage.completion_tokens, 4u);
  EXPECT_EQ(result.usage.cached_tokens, 8u);
  EXPECT_EQ(result.usage.reasoning_tokens, 3u);
}

TEST(ChatResponseTest, NullContentIsNoOutputAndNoError) {
  for (const char* message :
       {R"({"content": null, "refusal": "no"})", R"({"refusal": "no"})"}) {
    const EvaluationResult result = ParseMessage(message);
    EXPECT_FALSE(result.error.has_value());
    EXPECT_EQ(result.output, absl::nullopt);
    EXPECT_EQ(result.metadata_json, R"({"refusal":"no"})");
  }
  EXPECT_EQ(ParseMessage(R"({"content": ""})").output, "");
}

TEST(ChatResponseTest, JoinsParts) {
  EXPECT_EQ(ParseMessage(R"({"content": [{"type": "text", "text": "a"},
                             {"type": "image"}, 7,
                             {"type": "text", "text": "b"}]})")
                .output,
            "ab");
}

TEST(ChatResponseTest, UsageThatMakesNoSenseCostsNoAnswer) {
  for (const char* usage :
       {"null", "7", "{}", R"({"prompt_tokens": -1})",
        R"({"prompt_tokens": 1.5})", R"({"prompt_tokens": "many"})",
        R"({"prompt_tokens": 1e300})"}) {
    const EvaluationResult result = Parse(absl::StrCat(
        R"({"choices":[{"message":{"content":"5"}}],"usage":)", usage, "}"));
    EXPECT_EQ(result.output, "5") << usage;
    EXPECT_FALSE(result.usage.metered) << usage;
    EXPECT_EQ(result.usage.prompt_tokens, 0u) << usage;
  }
}

TEST(ChatResponseTest, WhatIsNoCompletionMayPass) {
  for (const char* body :
       {"", "{", "[]", "<html>", "{}", R"({"choices": []})",
        R"({"choices": [7]})", R"({"choices": [{"message": 7}]})",
        R"({"choices": [{"message": {"content": 7}}]})",
        R"({"choices": {"message": {}}})"}) {
    const EvaluationResult result = Parse(body);
    ASSERT_TRUE(result.error.has_value()) << body;
    EXPECT_EQ(result.error->type, kProtocolError) << body;
    EXPECT_TRUE(result.error->retryable) << body;
    EXPECT_FALSE(result.error->throttled) << body;
  }
}

TEST(ChatResponseTest, StatusSaysWhatMayPassAndWhatIsTooMuch) {
  const struct {
    int status;
    bool retryable, throttled;
  } kCases[] = {{301, false, false}, {400, false, false}, {401, false, false},
                {404, false, false}, {408, true, false},  {409, true, false},
                {422, false, false}, {429, true, true},   {500, true, false},
                {502, true, false},  {503, true, true},   {529, true, true}};
  for (const auto& expected : kCases) {
    const EvaluationResult result = Parse("", expected.status);
    ASSERT_TRUE(result.error.has_value());
    EXPECT_EQ(result.error->type, absl::StrCat("http-", expected.status));
    EXPECT_EQ(result.error->retryable, expected.retryable) << expected.status;
    EXPECT_EQ(result.error->throttled, expected.throttled) << expected.status;
  }
}

TEST(ChatResponseTest, AUsedUpQuotaIsPermanent) {
  const EvaluationResult result = Parse(
      R"({"error": {"code": "insufficient_quota", "message": "pay"}})", 429);
  EXPECT_EQ(result.error->type, "insufficient_quota");
  EXPECT_FALSE(result.error->retryable);
  EXPECT_FALSE(result.error->throttled);
}

TEST(ChatResponseTest, TheServerMaySayWhetherToRetry) {
  EXPECT_FALSE(ParseChatResponse({500, "", false}).error->retryable);
  EXPECT_TRUE(ParseChatResponse({400, "", true}).error->retryable);
}

TEST(ChatResponseTest, ErrorsOfEachShapeAreSaid) {
  const std::pair<const char*, const char*> kCases[] = {
      {R"({"error": {"message": "why"}})", "HTTP 400: why"},
      {R"({"error": "why"})", "HTTP 400: why"},
      {R"({"message": "why"})", "HTTP 400: why"},
      {R"({"detail": [{"msg": "why"}]})", R"(HTTP 400: [{"msg":"why"}])"},
      {"why", "HTTP 400: why"},
      {"", "HTTP 400: no message"}};
  for (const auto& [body, message] : kCases) {
    EXPECT_EQ(Parse(body, 400).error->message, message);
  }
  EXPECT_EQ(Parse(R"({"error": {"type": "t"}})", 400).error->type, "t");
  EXPECT_EQ(Parse(R"({"error": {"type": "t", "code": "c"}})", 400).error->type,
            "c");
}

TEST(ChatResponseTest, AnErrorInA200IsOne) {
  const EvaluationResult busy =
      Parse(R"({"error": {"code": 429, "message": "later"}})");
  EXPECT_EQ(busy.error->message, "HTTP 429: later");
  EXPECT_TRUE(busy.error->throttled);
  EXPECT_FALSE(Parse(R"({"error": {"code": "400"}})").error->retryable);
  EXPECT_TRUE(Parse(R"({"error": "it broke"})").error->retryable);
}

TEST(ChatResponseTest, ErrorsAreShortAndPrintable) {
  const std::string evil = "\x1b[31m" + std::string(100000, 'x');
  for (const int status : {200, 400}) {
    const EvaluationResult result = Parse(evil, status);
    EXPECT_THAT(result.error->message, Not(HasSubstr("\x1b")));
    EXPECT_LT(result.error->message.size(), kServerMessageColumnsMax + 100);
  }
  EXPECT_EQ(Parse("{\"error\": {\"code\": \"\\u001b[31m\"}}", 400).error->type,
            "http-400");
}

TEST(ChatResponseTest, ManySmallValuesAreRefusedBeforeTheyAreParsed) {
  std::string body = "[";
  for (size_t i = 0; i <= kAnswerValuesMax; ++i) body += "0,";
  EXPECT_THAT(Parse(body).error->message, HasSubstr("values"));
}

}  // namespace
}  // namespace runner
