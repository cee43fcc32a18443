#include "runner/evaluators/openai/chat_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace runner {
namespace {

using ::testing::HasSubstr;

EvaluationRequest Ask(const std::string& prompt) {
  EvaluationRequest request;
  request.model = "m";
  request.prompt = prompt;
  request.seed = 7;
  return request;
}

std::string Body(const ChatRequestOptions& options,
                 const std::string& prompt = "2 + 3") {
  const auto writer = ChatRequestWriter::Create(options);
  return writer.ok() ? writer->Body(Ask(prompt))
                     : std::string(writer.status().message());
}

TEST(ChatRequestTest, IsTheModelAndOneMessage) {
  EXPECT_EQ(Body({}),
            R"({"messages":[{"content":"2 + 3","role":"user"}],"model":"m"})");
}

TEST(ChatRequestTest, IsCanonicalWhateverTheOrderOfParameters) {
  ChatRequestOptions options;
  options.system_prompt = "be brief";
  options.parameters_json = R"({"top_p": 0.5, "temperature": 1.0})";
  EXPECT_EQ(Body(options),
            R"({"messages":[{"content":"be brief","role":"system"},)"
            R"({"content":"2 + 3","role":"user"}],)"
            R"("model":"m","temperature":1,"top_p":0.5})");
}

TEST(ChatRequestTest, SeedIsSentOnRequestUnlessTheParametersHaveOne) {
  ChatRequestOptions options;
  options.send_seed = true;
  EXPECT_THAT(Body(options), HasSubstr(R"("seed":7)"));
  options.parameters_json = R"({"seed": 42})";
  EXPECT_THAT(Body(options), HasSubstr(R"("seed":42)"));
}

TEST(ChatRequestTest, PromptsOfAnyBytesAreJson) {
  EXPECT_THAT(Body({}, "a\"\n\xff"),
              HasSubstr("\"content\":\"a\\\"\\n\xef\xbf\xbd\""));
}

TEST(ChatRequestTest, RefusesWhatTheRunnerItselfSets) {
  const auto error = [](const char* parameters) {
    ChatRequestOptions options;
    options.parameters_json = parameters;
    return Body(options);
  };
  EXPECT_THAT(error(R"({"messages": []})"), HasSubstr("--prompt-template"));
  EXPECT_THAT(error(R"({"model": "x"})"), HasSubstr("--model"));
  EXPECT_THAT(error(R"({"n": 2})"), HasSubstr("--runs"));
  EXPECT_THAT(error(R"({"stream": true})"), HasSubstr("\"stream\""));
  EXPECT_THAT(error("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(error("{"), HasSubstr("column"));
  EXPECT_THAT(error(R"({"n": 1, "stream": false})"), HasSubstr(R"("n":1)"));
}

}  // namespace
}  // namespace runner
