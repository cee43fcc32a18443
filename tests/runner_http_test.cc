// bench-runner against a server that misbehaves: what is paid is paid once, and
// neither faults nor kills show in the results.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "runner/testing/fake_openai_server.h"
#include "tests/http_fixture.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

constexpr int kQuestions = 120;
constexpr char kKey[] = "sk-very-secret-0123456789";

// What a retry mends.
const std::vector<Fault> kPassingFaults = {
    Fault::kRetrySeconds, Fault::kRetryFraction,   Fault::kRetryMs,
    Fault::kRetryImfDate, Fault::kRetryRfc850Date, Fault::kRetryAsctime,
    Fault::kServerError,  Fault::kUnavailable,     Fault::kCutBody,
    Fault::kCutChunks,    Fault::kWrongJson,       Fault::kNotJson,
    Fault::kEmptyBody,    Fault::kNoChoices,       Fault::kErrorIn200,
    Fault::kReset,        Fault::kResetLate,       Fault::kGarbage,
    Fault::kKeyEcho,      Fault::kTrickle};

class HttpTest : public HttpFixture {
 protected:
  HttpTest() : HttpFixture(kQuestions) {}

  // What a run gives in which nothing goes wrong.
  std::string FaultlessResults() {
    FakeOpenAiOptions serve = serve_;
    serve.faults.clear();
    auto server = FakeOpenAiServer::Start(serve);
    Workplace other;
    other.options = place_.options;
    other.options["base-url"] = (*server)->base_url();
    other.Write("questions.jsonl", place_.Read("questions.jsonl"));
    EXPECT_EQ(other.Run(), 0) << other.err();
    return other.ResultsWithoutTiming();
  }

  // Each prompt was answered, and none again but those listed in doubt.
  void ExpectPaidOnceButInDoubt() {
    uint64_t listed = 0;
    for (const auto& [query, times] : place_.InDoubtCounts()) listed += times;
    const FakeOpenAiStats stats = server_->stats();
    EXPECT_EQ(stats.answered_by_prompt.size(), serve_.answers.size());
    EXPECT_LE(stats.answered, serve_.answers.size() + listed);
    if (stats.answered > serve_.answers.size()) return;
    EXPECT_EQ(place_.ResultNumber("/usage/prompt_tokens"), stats.prompt_tokens);
    EXPECT_EQ(place_.ResultNumber("/usage/completion_tokens"),
              stats.completion_tokens);
  }

  // Files of the journal, the results and all output that hold `text`.
  std::vector<std::string> FilesWith(const std::string& text) const {
    std::vector<std::string> found;
    size_t searched = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(place_.Path("."))) {
      if (!entry.is_regular_file()) continue;
      ++searched;
      std::ifstream file(entry.path(), std::ios::binary);
      std::ostringstream bytes;
      bytes << file.rdbuf();
      if (bytes.str().find(text) != std::string::npos) {
        found.push_back(entry.path().string());
      }
    }
    EXPECT_GT(searched, 3u);
    return found;
  }

  static std::string CommandLineOf(const RunnerProcess& runner) {
    std::ifstream file(absl::StrCat("/proc/", runner.pid(), "/cmdline"),
                       std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
  }
};

TEST_F(HttpTest, FaultsAndAKillCostNothingAndDoNotShow) {
  const std::string expected = FaultlessResults();
  serve_.fault_rate = 0.3;
  serve_.faults_in_row_max = 2;
  serve_.api_key = kKey;
  Serve(kPassingFaults);
  const std::vector<std::string> key = {"--api-key", kKey, "--verbose"};

  RunnerProcess runner = place_.Start(key);
  ASSERT_TRUE(server_->WaitForCalls(kQuestions / 3));
  EXPECT_THAT(CommandLineOf(runner),
              AllOf(HasSubstr("--api-key"), Not(HasSubstr(kKey))));
  ASSERT_TRUE(runner.Kill9()) << runner.err();
  EXPECT_EQ(place_.Run(key), 0) << place_.err();

  EXPECT_EQ(place_.ResultsWithoutTiming(), expected);
  EXPECT_GT(server_->stats().calls, static_cast<uint64_t>(kQuestions));
  ExpectPaidOnceButInDoubt();
  EXPECT_THAT(FilesWith(kKey), IsEmpty());
  // The search finds what is there.
  EXPECT_THAT(FilesWith("q17"), Not(IsEmpty()));
}

TEST_F(HttpTest, StallsAreAskedAgain) {
  Ask(8);
  const std::string expected = FaultlessResults();
  serve_.faults_in_row_max = 1;
  Serve({Fault::kStall, Fault::kStallHeader});
  EXPECT_EQ(place_.Run({"--timeout", "1s", "--max-retries", "20"}), 0)
      << place_.err();
  EXPECT_EQ(place_.ResultsWithoutTiming(), expected);
}

TEST_F(HttpTest, NullContentIsAnAnswerAndAWrongOne) {
  Ask(12);
  Serve({Fault::kNullContent});
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(place_.ResultNumber("/completed"), 12);
  EXPECT_EQ(place_.ResultNumber("/metrics/exact_match/mean"), 0);
  EXPECT_THAT(place_.Read("results.jsonl"), HasSubstr("\"output\":null"));
}

TEST_F(HttpTest, PermanentErrorsAreAskedOnce) {
  Ask(12);
  serve_.api_key = "another";
  Serve();
  EXPECT_EQ(place_.Run({"--api-key", kKey}), 3) << place_.err();
  EXPECT_EQ(server_->stats().calls, 12u);
  EXPECT_EQ(place_.ResultNumber("/failed"), 12);
  EXPECT_THAT(FilesWith(kKey), IsEmpty());
}

TEST_F(HttpTest, FewerAtOnceWhenTheServerTakesNoMore) {
  Ask(60);
  serve_.concurrency_max = 4;
  serve_.latency = absl::Milliseconds(5);
  Serve();
  place_.options["workers"] = "32";
  EXPECT_EQ(place_.Run({"--max-retries", "50"}), 0) << place_.err();
  EXPECT_EQ(server_->stats().answered, 60u);
  EXPECT_GT(server_->stats().faults["too-many"], 0u);
}

TEST_F(HttpTest, KeepsTheRate) {
  Ask(40);
  Serve();
  const absl::Time begin = absl::Now();
  EXPECT_EQ(place_.Run({"--rate-limit", "1800/min"}), 0) << place_.err();
  // 39 intervals of 1/30 s, but for what may be caught up.
  EXPECT_GT(absl::Now() - begin, absl::Milliseconds(1200));
}

TEST_F(HttpTest, TheTimeOfAllAttemptsIsBounded) {
  Ask(3);
  Serve({Fault::kServerError});
  EXPECT_EQ(place_.Run({"--max-retries", "1000", "--total-timeout", "1s"}), 3)
      << place_.err();
  EXPECT_GT(server_->stats().calls, 3u);
}

TEST_F(HttpTest, RequestIsIdentityAddressAndKeyAreNot) {
  serve_.latency = absl::Milliseconds(20);
  Serve();
  RunnerProcess runner = place_.Start({"--temperature", "0.5"});
  ASSERT_TRUE(server_->WaitForCalls(20));
  runner.Signal(SIGINT);
  ASSERT_EQ(runner.WaitExit(), 130) << runner.err();

  const uint64_t calls = server_->stats().calls;
  EXPECT_EQ(place_.Run({"--temperature", "1"}), 13);
  EXPECT_THAT(place_.err(), HasSubstr("request.temperature"));
  EXPECT_EQ(place_.Run({"--temperature", "0.5", "--system-prompt", "s"}), 13);
  EXPECT_THAT(place_.err(), HasSubstr("system_prompt"));
  EXPECT_EQ(server_->stats().calls, calls);

  Serve();  // Another address.
  EXPECT_EQ(place_.Run({"--temperature", "0.5", "--api-key", kKey}), 0)
      << place_.err();
  EXPECT_EQ(server_->stats().calls, kQuestions - calls);
}

TEST_F(HttpTest, PromptsComeFromTheTemplateAndSeedsAreSent) {
  Ask(5);
  for (auto& [prompt, answer] : FakeOpenAiOptions(serve_).answers) {
    serve_.answers[absl::StrCat("What is ", prompt, "?")] = answer;
    serve_.answers.erase(prompt);
  }
  Serve();
  EXPECT_EQ(place_.Run({"--prompt-template", "What is {{nothing}}?"}), 2);
  EXPECT_THAT(place_.err(), HasSubstr("no field `nothing`"));
  EXPECT_EQ(server_->stats().calls, 0u);

  EXPECT_EQ(
      place_.Run({"--prompt-template", "What is {{input}}?", "--seed", "7"}), 0)
      << place_.err();
  EXPECT_THAT(server_->bodies(), Each(HasSubstr("\"seed\":")));
  EXPECT_EQ(server_->stats().answered, 5u);
}

}  // namespace
}  // namespace runner
