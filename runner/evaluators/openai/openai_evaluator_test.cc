#include "runner/evaluators/openai/openai_evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "runner/evaluators/openai/http_client.h"
#include "runner/testing/eventually.h"
#include "runner/testing/fake_openai_server.h"

namespace runner {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kKey[] = "sk-very-secret-0123456789";

class OpenAiEvaluatorTest : public testing::Test {
 protected:
  OpenAiEvaluatorTest() {
    serve_.answers = {{"2 + 3", {"5", "easy"}}};
    options_.timeout = kPatience;
  }

  void StartServer() {
    if (server_ != nullptr) return;
    auto server = FakeOpenAiServer::Start(serve_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    options_.base_url = server_->base_url();
  }

  void StartEvaluator() {
    StartServer();
    auto evaluator = NewOpenAiEvaluator(options_);
    ASSERT_TRUE(evaluator.ok()) << evaluator.status();
    evaluator_ = *std::move(evaluator);
  }

  void Begin(const std::string& prompt = "2 + 3") {
    EvaluationRequest request;
    request.model = "m";
    request.prompt = prompt;
    request.timeout = request_timeout_;
    evaluator_->Start(std::move(request), [this](EvaluationResult result) {
      absl::MutexLock lock(&mutex_);
      results_.push_back(std::move(result));
    });
  }

  EvaluationResult Take() {
    const auto some = [this] { return !results_.empty(); };
    absl::MutexLock lock(&mutex_);
    if (!mutex_.AwaitWithTimeout(absl::Condition(&some), kPatience)) {
      ADD_FAILURE() << "no result";
      return {};
    }
    EvaluationResult result = std::move(results_.front());
    results_.pop_front();
    return result;
  }

  EvaluationResult Ask(const std::string& prompt = "2 + 3") {
    if (evaluator_ == nullptr) StartEvaluator();
    Begin(prompt);
    return Take();
  }

  // Empty when it is an answer.
  static std::string ErrorType(const EvaluationResult& result) {
    return result.error.has_value() ? result.error->type : "";
  }

  EvaluationResult AskWithFault(Fault fault) {
    serve_.faults = {fault};
    return Ask();
  }

  FakeOpenAiOptions serve_;
  OpenAiEvaluatorOptions options_;
  absl::Duration request_timeout_ = absl::InfiniteDuration();
  std::unique_ptr<FakeOpenAiServer> server_;
  absl::Mutex mutex_;
  std::deque<EvaluationResult> results_;
  // Last: its thread calls into the above.
  std::unique_ptr<Evaluator> evaluator_;
};

TEST_F(OpenAiEvaluatorTest, Answers) {
  const EvaluationResult result = Ask();
  ASSERT_FALSE(result.error.has_value()) << result.error->message;
  EXPECT_EQ(result.output, "5");
  EXPECT_EQ(result.reasoning, "easy");
  EXPECT_EQ(result.finish_reason, "stop");
  EXPECT_EQ(result.usage.prompt_tokens, FakeTokens("2 + 3"));
  EXPECT_GT(result.latency, absl::ZeroDuration());
  EXPECT_TRUE(evaluator_->may_be_billed());
}

TEST_F(OpenAiEvaluatorTest, SendsTheRequestAndTheKey) {
  serve_.api_key = options_.api_key = kKey;
  options_.request.parameters_json = R"({"temperature": 0})";
  EXPECT_EQ(Ask().output, "5");
  EXPECT_EQ(server_->bodies().front(),
            R"({"messages":[{"content":"2 + 3","role":"user"}],)"
            R"("model":"m","temperature":0})");
}

TEST_F(OpenAiEvaluatorTest, HundredsAreUnderWayAtOnce) {
  constexpr int kCount = 300;
  options_.slots = kCount;
  // Each answer waits, so that all of them are asked before one is answered.
  serve_.latency = absl::Milliseconds(500);
  StartEvaluator();
  for (int i = 0; i < kCount; ++i) Begin();
  for (int i = 0; i < kCount; ++i) EXPECT_EQ(Take().output, "5");
  EXPECT_EQ(server_->stats().answered, static_cast<uint64_t>(kCount));
  EXPECT_GT(server_->stats().concurrent_max, 16u);
}

// What each fault is to the runner.
struct FaultCase {
  Fault fault;
  const char* type;
  bool retryable;
  bool throttled;
};

class FaultTest : public OpenAiEvaluatorTest,
                  public testing::WithParamInterface<FaultCase> {};

TEST_P(FaultTest, IsTold) {
  options_.answer_bytes_max = 64 << 10;
  const EvaluationResult result = AskWithFault(GetParam().fault);
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(ErrorType(result), GetParam().type) << result.error->message;
  EXPECT_EQ(result.error->retryable, GetParam().retryable);
  EXPECT_EQ(result.error->throttled, GetParam().throttled);
  EXPECT_THAT(result.error->message, Not(HasSubstr("\x1b")));
  EXPECT_EQ(result.output, absl::nullopt);
  // Nothing was repeated behind the runner's back.
  EXPECT_EQ(server_->stats().calls, 1u);
}

INSTANTIATE_TEST_SUITE_P(
    All, FaultTest,
    testing::Values(
        FaultCase{Fault::kTooMany, "rate_limit_exceeded", true, true},
        FaultCase{Fault::kQuota, "insufficient_quota", false, false},
        FaultCase{Fault::kServerError, "server_error", true, false},
        FaultCase{Fault::kUnavailable, "http-503", true, true},
        FaultCase{Fault::kBadRequest, "invalid_request_error", false, false},
        FaultCase{Fault::kCutBody, "connection", true, false},
        FaultCase{Fault::kCutChunks, "connection", true, false},
        FaultCase{Fault::kWrongJson, "protocol", true, false},
        FaultCase{Fault::kNotJson, "protocol", true, false},
        FaultCase{Fault::kEmptyBody, "protocol", true, false},
        FaultCase{Fault::kNoChoices, "protocol", true, false},
        FaultCase{Fault::kErrorIn200, "http-503", true, true},
        FaultCase{Fault::kReset, "connection", true, false},
        FaultCase{Fault::kResetLate, "connection", true, false},
        FaultCase{Fault::kGarbage, "connection", true, false},
        FaultCase{Fault::kHugeBody, "oversize", true, false}),
    [](const auto& test) {
      std::string name;
      for (const FaultName& entry : FaultNames()) {
        if (entry.fault == test.param.fault) name = entry.name;
      }
      name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
      return name;
    });

TEST_F(OpenAiEvaluatorTest, HonoursEachFormOfRetryAfter) {
  const std::pair<Fault, absl::Duration> kCases[] = {
      {Fault::kRetrySeconds, absl::Seconds(1)},
      {Fault::kRetryFraction, absl::Milliseconds(50)},
      {Fault::kRetryMs, absl::Milliseconds(40)}};
  for (const auto& [fault, wait] : kCases) {
    evaluator_.reset();
    server_.reset();
    EXPECT_EQ(AskWithFault(fault).error->retry_after, wait);
  }
  for (const Fault fault :
       {Fault::kRetryImfDate, Fault::kRetryRfc850Date, Fault::kRetryAsctime}) {
    evaluator_.reset();
    server_.reset();
    // Both dates are whole seconds: a second may pass between the two.
    const auto wait = AskWithFault(fault).error->retry_after;
    ASSERT_TRUE(wait.has_value());
    EXPECT_GE(*wait, absl::ZeroDuration());
    EXPECT_LE(*wait, absl::Seconds(2));
  }
}

TEST_F(OpenAiEvaluatorTest, NullContentAndTricklesAreAnswers) {
  serve_.faults = {Fault::kTrickle};
  EXPECT_EQ(Ask().output, "5");
  evaluator_.reset();
  server_.reset();
  const EvaluationResult null = AskWithFault(Fault::kNullContent);
  EXPECT_FALSE(null.error.has_value());
  EXPECT_EQ(null.output, absl::nullopt);
}

TEST_F(OpenAiEvaluatorTest, AStallEndsWithTheTimeout) {
  options_.timeout = absl::Milliseconds(200);
  for (const Fault fault : {Fault::kStall, Fault::kStallHeader}) {
    evaluator_.reset();
    server_.reset();
    const EvaluationResult result = AskWithFault(fault);
    ASSERT_TRUE(result.error.has_value());
    EXPECT_EQ(ErrorType(result), kTimeoutError);
    EXPECT_EQ(result.error->message, "no answer within 200ms");
    EXPECT_TRUE(result.error->retryable);
  }
}

TEST_F(OpenAiEvaluatorTest, ARequestsOwnTimeoutCounts) {
  request_timeout_ = absl::Milliseconds(150);
  EXPECT_EQ(AskWithFault(Fault::kStall).error->message,
            "no answer within 150ms");
}

TEST_F(OpenAiEvaluatorTest, StopEndsWhatIsUnderWay) {
  serve_.faults = {Fault::kStall};
  StartEvaluator();
  Begin();
  ASSERT_TRUE(server_->WaitForCalls(1));
  evaluator_->Stop();
  EXPECT_EQ(ErrorType(Take()), kStoppedError);
  Begin();
  EXPECT_EQ(ErrorType(Take()), kStoppedError);
}

// libcurl would repeat a request whose kept connection dies; it may have been
// billed by then.
TEST_F(OpenAiEvaluatorTest, NeverRepeatsARequestByItself) {
  serve_.faults = {Fault::kReset};
  serve_.answers["6 * 7"] = {"42"};
  serve_.faults_in_row_max = 1;
  StartEvaluator();
  EXPECT_EQ(ErrorType(Ask()), kConnectionError);
  EXPECT_EQ(Ask().output, "5");  // Leaves a connection to be used again.
  const EvaluationResult result = Ask("6 * 7");
  EXPECT_EQ(ErrorType(result), kConnectionError);
  EXPECT_THAT(result.error->message, Not(HasSubstr("rewind")));
  EXPECT_EQ(server_->stats().calls, 3u);
}

TEST_F(OpenAiEvaluatorTest, NobodyThereIsAConnectionError) {
  StartServer();
  server_ = nullptr;
  auto evaluator = NewOpenAiEvaluator(options_);
  ASSERT_TRUE(evaluator.ok());
  evaluator_ = *std::move(evaluator);
  Begin();
  const EvaluationResult result = Take();
  EXPECT_EQ(ErrorType(result), kConnectionError);
  EXPECT_TRUE(result.error->retryable);
}

TEST_F(OpenAiEvaluatorTest, TheKeyIsInNoErrorAndNoAnswer) {
  options_.api_key = kKey;
  serve_.answers["say it"] = {absl::StrCat("it is ", kKey), kKey};
  const EvaluationResult said = Ask("say it");
  EXPECT_EQ(said.output, absl::StrCat("it is ", kHiddenKey));
  EXPECT_EQ(said.reasoning, kHiddenKey);
  evaluator_.reset();
  server_.reset();
  const EvaluationResult echoed = AskWithFault(Fault::kKeyEcho);
  EXPECT_THAT(echoed.error->message, HasSubstr(kHiddenKey));
  EXPECT_THAT(echoed.error->message, Not(HasSubstr(kKey)));
  EXPECT_THAT(echoed.error->type, Not(HasSubstr(kKey)));
  evaluator_.reset();
  server_.reset();
  serve_.api_key = "another";
  const EvaluationResult refused = Ask();
  EXPECT_EQ(ErrorType(refused), "invalid_api_key");
  EXPECT_FALSE(refused.error->retryable);
  EXPECT_THAT(refused.error->message, Not(HasSubstr(kKey)));
}

TEST_F(OpenAiEvaluatorTest, AShortKeyIsNoSecretAndHidesNothing) {
  options_.api_key = "EMPTY";
  serve_.answers["say it"] = {"EMPTY"};
  EXPECT_EQ(Ask("say it").output, "EMPTY");
}

TEST_F(OpenAiEvaluatorTest, RefusesWhatCannotBe) {
  options_.base_url = "http://localhost/v1";
  const auto error = [this] {
    const auto evaluator = NewOpenAiEvaluator(options_);
    return std::string(evaluator.status().message());
  };
  EXPECT_EQ(error(), "");
  options_.api_key = "two\r\nX-Evil: 1";
  EXPECT_THAT(error(), HasSubstr("the API key holds"));
  EXPECT_THAT(error(), Not(HasSubstr("Evil")));
  options_.api_key = "";
  options_.slots = 0;
  EXPECT_THAT(error(), HasSubstr("--workers"));
}

TEST(ChatCompletionsUrlTest, GoesBehindThePath) {
  const std::pair<const char*, const char*> kCases[] = {
      {"https://api.openai.com/v1",
       "https://api.openai.com/v1/chat/completions"},
      {"http://localhost:8000", "http://localhost:8000/chat/completions"},
      {"http://h/v1/", "http://h/v1/chat/completions"},
      {"https://h/d?api-version=1",
       "https://h/d/chat/completions?api-version=1"},
      {"http://[::1]:80/v1#x", "http://[::1]:80/v1/chat/completions"}};
  for (const auto& [base, url] : kCases) {
    const auto found = ChatCompletionsUrl(base);
    ASSERT_TRUE(found.ok()) << base << ": " << found.status();
    EXPECT_EQ(*found, url);
  }
}

TEST(ChatCompletionsUrlTest, RefusesWhatIsNoSuchUrl) {
  for (const char* base :
       {"", "localhost:8000", "ftp://h/v1", "file:///etc", "http://",
        "http://user:secret@h/v1", "http://h/v1?api-version=1&Key=secret",
        "http://h/v1?access_token=secret", "http://a b"}) {
    const auto url = ChatCompletionsUrl(base);
    EXPECT_FALSE(url.ok()) << *url;
    EXPECT_THAT(std::string(url.status().message()), Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace runner
