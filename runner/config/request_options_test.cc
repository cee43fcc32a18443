#include "runner/config/request_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runner/config/api_key.h"
#include "runner/config/command.h"

namespace runner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kKey[] = "sk-very-secret-0123456789";

class RequestOptionsTest : public testing::Test {
 protected:
  RequestOptionsTest() {
    unsetenv(kOpenAiKeyVariable);
    unsetenv(kOpenAiUrlVariable);
  }

  // Of a server, with these words more.
  static absl::StatusOr<Command> Parse(std::vector<std::string> more,
                                       const Environment& environment = {}) {
    std::vector<std::string> args = {"run", "--dataset", "d.jsonl", "--scorer",
                                     "exact_match"};
    args.insert(args.end(), more.begin(), more.end());
    return ParseCommand(args, environment, "version");
  }
  static RunOptions Run(std::vector<std::string> more,
                        const Environment& environment = {}) {
    more.insert(more.end(), {"--base-url", "http://h/v1", "--model", "m"});
    const auto command = Parse(more, environment);
    EXPECT_TRUE(command.ok()) << command.status();
    return command.ok() ? command->run : RunOptions();
  }
  static std::string Error(std::vector<std::string> more) {
    more.insert(more.end(), {"--base-url", "http://h/v1", "--model", "m"});
    return std::string(Parse(more).status().message());
  }

  static std::string File(const std::string& name, const std::string& text) {
    const std::string path = absl::StrCat(testing::TempDir(), "/", name);
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
};

TEST_F(RequestOptionsTest, WhatIsNotGivenIsNotSent) {
  const RunOptions options = Run({});
  EXPECT_EQ(options.evaluator, EvaluatorKind::kOpenAi);
  EXPECT_EQ(ChatParametersJson(options.request), "");
  EXPECT_EQ(options.rate_limit, 0);
  EXPECT_EQ(options.total_timeout, absl::InfiniteDuration());
}

TEST_F(RequestOptionsTest, ParametersAreOneObject) {
  const RunOptions options =
      Run({"--temperature", "0", "--top-p", "0.5", "--max-tokens", "64",
           "--stop", R"(["\n\n", "END"])", "--system-prompt", "be brief"});
  EXPECT_EQ(ChatParametersJson(options.request),
            R"({"max_tokens":64,"stop":["\n\n","END"],)"
            R"("temperature":0,"top_p":0.5})");
  EXPECT_EQ(options.request.system_prompt, "be brief");
  EXPECT_THAT(Run({"--stop", "a,b"}).request.stop, ElementsAre("a,b"));
}

TEST_F(RequestOptionsTest, OptionsGoBeforeTheFile) {
  const std::string file =
      File("request.json", R"({"temperature": 1, "logprobs": true})");
  EXPECT_EQ(ChatParametersJson(Run({"--request-json", file}).request),
            R"({"logprobs":true,"temperature":1})");
  EXPECT_EQ(ChatParametersJson(
                Run({"--request-json", file, "--temperature", "0"}).request),
            R"({"logprobs":true,"temperature":0})");
}

TEST_F(RequestOptionsTest, ATemplateIsATextOrAFile) {
  const std::string file = File("prompt.txt", "Q: {{question}}\nA:\n");
  EXPECT_EQ(Run({"--prompt-template", "{{q}}?"}).request.prompt_template,
            "{{q}}?");
  EXPECT_EQ(Run({"--prompt-template", "@" + file}).request.prompt_template,
            "Q: {{question}}\nA:");
}

TEST_F(RequestOptionsTest, MistakesAreNamed) {
  const std::string messages = File("messages.json", R"({"messages": []})");
  const std::string list = File("list.json", "[]");
  const std::pair<std::vector<std::string>, const char*> kCases[] = {
      {{"--temperature", "3"}, "--temperature: `3` is not within 0 and 2"},
      {{"--temperature", "nan"}, "--temperature"},
      {{"--top-p", "-1"}, "--top-p"},
      {{"--max-tokens", "0"}, "--max-tokens"},
      {{"--stop", "[1]"}, "--stop"},
      {{"--prompt-template", "{{q"}, "--prompt-template: {{ without }}"},
      {{"--prompt-template", "@/nowhere"}, "No such file"},
      {{"--request-json", "/nowhere"}, "No such file"},
      {{"--request-json", messages}, "\"messages\" is made of"},
      {{"--request-json", list}, "not a JSON object"},
      {{"--rate-limit", "0"}, "--rate-limit: `0` is no rate"},
      {{"--rate-limit", "5/day"}, "no rate"},
      {{"--total-timeout", "0"}, "--total-timeout"}};
  for (const auto& [words, message] : kCases) {
    EXPECT_THAT(Error(words), HasSubstr(message));
  }
}

TEST_F(RequestOptionsTest, RatesHaveUnits) {
  EXPECT_EQ(ParseRate("5").value_or(-1), 5);
  EXPECT_EQ(ParseRate("0.5/s").value_or(-1), 0.5);
  EXPECT_EQ(ParseRate("300/min").value_or(-1), 5);
  EXPECT_EQ(ParseRate("7200/h").value_or(-1), 2);
}

TEST_F(RequestOptionsTest, EachEvaluatorTakesItsOwn) {
  const auto error = [](std::vector<std::string> words) {
    return std::string(Parse(std::move(words)).status().message());
  };
  EXPECT_THAT(error({"--base-url", "http://h/v1"}), HasSubstr("needs --model"));
  EXPECT_THAT(
      error({"--response-field", "r", "--temperature", "1"}),
      HasSubstr("--temperature has no meaning with --evaluator replay"));
  EXPECT_THAT(error({"--worker-command", "w", "--api-key", kKey}),
              HasSubstr("--api-key has no meaning with --evaluator worker"));
  EXPECT_EQ(error({"--worker-command", "w", "--prompt-template", "{{q}}"}), "");
  EXPECT_EQ(error({"--evaluator", "openai", "--model", "m"}), "");
}

TEST_F(RequestOptionsTest, TheKeyIsNeitherSavedNorShown) {
  for (const RunOptions& options :
       {Run({"--api-key", kKey}), Run({}, {{"BENCH_RUNNER_API_KEY", kKey}})}) {
    EXPECT_EQ(options.api_key, kKey);
    EXPECT_THAT(ConfigJson(options), Not(HasSubstr(kKey)));
    for (const EffectiveOption& option : options.effective) {
      EXPECT_THAT(option.value, Not(HasSubstr(kKey)));
    }
  }
  EXPECT_THAT(Error({"--api-key", kKey, "--api-key", kKey}),
              Not(HasSubstr(kKey)));
}

TEST_F(RequestOptionsTest, TheKeyGoesFromTheArguments) {
  std::vector<std::string> words = {"p",      "--api-key", kKey, "--api_key",
                                    "secret", "--model",   "m",  "--api-key=x",
                                    "--json", "--api-key"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  HideApiKey(static_cast<int>(argv.size()), argv.data());
  EXPECT_THAT(words,
              ElementsAre("p", "--api-key", std::string(sizeof kKey - 1, '*'),
                          "--api_key", "******", "--model", "m", "--api-key=*",
                          "--json", "--api-key"));
}

TEST_F(RequestOptionsTest, TheEndpointIsFoundInOptionsThenVariables) {
  RunOptions options;
  const auto find = [&options] { return FindOpenAiEndpoint(options); };
  EXPECT_THAT(std::string(find().status().message()),
              HasSubstr("needs a key: set OPENAI_API_KEY"));
  setenv(kOpenAiKeyVariable, kKey, 1);
  EXPECT_EQ(find()->base_url, kOpenAiUrl);
  EXPECT_EQ(find()->api_key, kKey);
  setenv(kOpenAiUrlVariable, "http://variable/v1", 1);
  EXPECT_EQ(find()->base_url, "http://variable/v1");
  options.base_url = "http://option/v1";
  options.api_key = "other";
  EXPECT_EQ(find()->base_url, "http://option/v1");
  EXPECT_EQ(find()->api_key, "other");
  options.api_key = "no good";
  EXPECT_THAT(std::string(find().status().message()),
              HasSubstr("--api-key: the API key holds"));
  options = {};
  setenv(kOpenAiUrlVariable, "rubbish://h", 1);
  EXPECT_THAT(std::string(find().status().message()),
              HasSubstr("OPENAI_BASE_URL: "));
}

}  // namespace
}  // namespace runner
