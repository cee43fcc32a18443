// A study as it is paid for: four models, two runs, all of GSM8K's test set,
// against a server that misbehaves, killed again and again; and the same in
// four shards. The recorded answers of four models are what the server says.
//
//   STUDY_SEED=N    repeats the instants of the kills of an earlier run
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "journal/testing/setting.h"
#include "runner/testing/fake_openai_server.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using Json = nlohmann::json;

constexpr size_t kQuestions = 1319;
constexpr int kRuns = 2;
constexpr int kKills = 10;
// Calls between two kills: ten of them end before the study can.
constexpr uint64_t kCallsBetweenKillsMax = 900;
// Dollars for a million tokens.
constexpr int kInputPrice = 3;
constexpr int kOutputPrice = 15;
const char* const kModels[] = {"6b_finetuning", "6b_verification",
                               "175b_finetuning", "175b_verification"};

// What a retry mends.
const std::vector<Fault> kFaults = {
    Fault::kRetrySeconds, Fault::kRetryFraction, Fault::kRetryMs,
    Fault::kRetryImfDate, Fault::kTooMany,       Fault::kServerError,
    Fault::kUnavailable,  Fault::kCutBody,       Fault::kCutChunks,
    Fault::kWrongJson,    Fault::kNotJson,       Fault::kEmptyBody,
    Fault::kNoChoices,    Fault::kErrorIn200,    Fault::kReset,
    Fault::kResetLate,    Fault::kGarbage,       Fault::kTrickle,
    Fault::kStall};

std::string DatasetPath() {
  const char* shared = getenv("BENCH_JOURNAL_SHARED");
  return absl::StrCat(shared == nullptr ? "(unset)" : shared,
                      "/data/gsm8k/example_model_solutions.jsonl");
}

class StudyTest : public testing::Test {
 protected:
  StudyTest()
      : seed_(journal::Setting("STUDY_SEED",
                               absl::ToUnixNanos(absl::Now()) % 1000000)),
        random_(seed_) {
    printf("STUDY_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  }

  void SetUp() override {
    std::ifstream file(DatasetPath());
    ASSERT_TRUE(file.good())
        << "no data at " << DatasetPath()
        << ": set BENCH_JOURNAL_SHARED to the folder that holds data/gsm8k";
    for (std::string line; std::getline(file, line);) {
      const Json row = Json::parse(line);
      prompts_.push_back(row["question"]);
      for (const char* model : kModels) {
        serve_.answers[FakeKey(model, prompts_.back())] = {
            row[model]["solution"].get<std::string>()};
      }
    }
    ASSERT_EQ(prompts_.size(), kQuestions);
    Prepare(place_);
  }

  static void Prepare(Workplace& place) {
    place.options = {{"models",
                      "6b_finetuning,6b_verification,175b_finetuning,"
                      "175b_verification"},
                     {"dataset", DatasetPath()},
                     {"input-field", "question"},
                     {"target-field", "ground_truth"},
                     {"extract-regex", "(?m)^A:\\s*(.+)$"},
                     {"scorer", "numeric"},
                     {"runs", absl::StrCat(kRuns)},
                     {"workers", "64"},
                     {"timeout", "5s"},
                     {"max-retries", "50"},
                     {"prices", "prices.yaml"},
                     {"results", "{model}.json"}};
    std::string prices;
    for (const char* model : kModels) {
      absl::StrAppend(&prices, model, ": {input: ", kInputPrice,
                      ", output: ", kOutputPrice, "}\n");
    }
    place.Write("prices.yaml", prices);
  }

  void Serve(double fault_rate) {
    serve_.faults = fault_rate > 0 ? kFaults : std::vector<Fault>();
    serve_.fault_rate = fault_rate;
    serve_.faults_in_row_max = 2;
    auto server = FakeOpenAiServer::Start(serve_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    place_.options["base-url"] = server_->base_url();
  }

  // What a study gives in which nothing goes wrong.
  std::vector<std::string> FaultlessResults() {
    Serve(0);
    Workplace other;
    Prepare(other);
    other.options["base-url"] = server_->base_url();
    EXPECT_EQ(other.Run(), 0) << other.err();
    EXPECT_EQ(server_->stats().answered, kQuestions * kRuns * 4);
    return ResultsIn(other);
  }
  static std::vector<std::string> ResultsIn(const Workplace& place) {
    std::vector<std::string> results;
    for (const char* model : kModels) {
      results.push_back(place.ResultsWithoutTiming(model));
    }
    return results;
  }

  // kill -9 after some more calls, if it has not ended before.
  void KillSoon(RunnerProcess& runner) {
    const uint64_t calls =
        server_->stats().calls + 1 + random_() % kCallsBetweenKillsMax;
    while (server_->stats().calls < calls &&
           !runner.EndsWithin(absl::Milliseconds(1))) {
    }
    EXPECT_TRUE(runner.Kill9()) << "ended before it was killed";
  }

  // The journal of `model` among those in `folder`.
  std::string JournalOf(const std::string& folder, const std::string& model,
                        const std::string& ending = "") const {
    const std::string part = absl::StrCat("_", model, "_");
    for (const auto& entry :
         std::filesystem::directory_iterator(place_.Path(folder))) {
      const std::string name = entry.path().filename().string();
      if (absl::StrContains(name, part) && absl::EndsWith(name, ending) &&
          !entry.is_symlink()) {
        return absl::StrCat(folder, "/", name);
      }
    }
    ADD_FAILURE() << "no journal of " << model << ending << " in " << folder;
    return "";
  }

  static double CostOf(uint64_t prompt_tokens, uint64_t completion_tokens) {
    return (prompt_tokens * kInputPrice + completion_tokens * kOutputPrice) /
           1e6;
  }

  // Each answer was paid once, but for those listed in doubt, and what the
  // results say was used and paid is what the server counted.
  void ExpectPaidOnceButInDoubt() {
    const FakeOpenAiStats stats = server_->stats();
    uint64_t prompt_tokens = 0, completion_tokens = 0;
    double cost = 0;
    for (const char* model : kModels) {
      SCOPED_TRACE(model);
      const Json results =
          Json::parse(place_.Read(absl::StrCat(model, ".json")));
      prompt_tokens += results["usage"]["prompt_tokens"].get<uint64_t>();
      completion_tokens +=
          results["usage"]["completion_tokens"].get<uint64_t>();
      cost += results["usage"]["cost"].get<double>();
      const auto listed = InDoubtById(model);
      const std::vector<std::string> ids = IdsInOrder(model);
      for (size_t i = 0; i < kQuestions; ++i) {
        const auto answered =
            stats.answered_by_prompt.find(FakeKey(model, prompts_[i]));
        ASSERT_NE(answered, stats.answered_by_prompt.end());
        const uint64_t extra = answered->second - kRuns;
        const auto in_doubt = listed.find(ids[i]);
        EXPECT_LE(extra, in_doubt == listed.end() ? 0 : in_doubt->second)
            << prompts_[i] << " was paid again unlisted";
        const FakeAnswer& answer = serve_.answers[FakeKey(model, prompts_[i])];
        prompt_tokens += extra * FakeTokens(prompts_[i]);
        completion_tokens += extra * FakeTokens(*answer.output);
        cost +=
            extra * CostOf(FakeTokens(prompts_[i]), FakeTokens(*answer.output));
      }
    }
    EXPECT_EQ(stats.prompt_tokens, prompt_tokens);
    EXPECT_EQ(stats.completion_tokens, completion_tokens);
    EXPECT_NEAR(CostOf(stats.prompt_tokens, stats.completion_tokens), cost,
                1e-6);
  }
  std::map<std::string, uint64_t> InDoubtById(const std::string& model) {
    std::map<std::string, uint64_t> listed;
    const std::string journal = JournalOf("journals", model);
    for (const auto& [query, times] : place_.InDoubtCounts(journal)) {
      // "run/id/occurrence"
      const size_t begin = query.find('/') + 1;
      listed[query.substr(begin, query.rfind('/') - begin)] += times;
    }
    return listed;
  }
  std::vector<std::string> IdsInOrder(const std::string& model) const {
    std::vector<std::string> ids;
    std::istringstream lines(place_.Read(absl::StrCat(model, ".jsonl")));
    for (std::string line; std::getline(lines, line);) {
      ids.push_back(Json::parse(line)["query_id"]);
    }
    EXPECT_EQ(ids.size(), kQuestions * kRuns);
    return ids;
  }

  static std::vector<std::string> Shard(int i) {
    return {"--shard", absl::StrCat(i, "/4"), "--journal-dir", "shards"};
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
  std::vector<std::string> prompts_;
  Workplace place_;
  FakeOpenAiOptions serve_;
  std::unique_ptr<FakeOpenAiServer> server_;
};

TEST_F(StudyTest, FaultsAndTenKillsCostNothingAndDoNotShow) {
  const std::vector<std::string> expected = FaultlessResults();
  Serve(0.06);
  for (int kill = 0; kill < kKills; ++kill) {
    RunnerProcess runner = place_.Start();
    KillSoon(runner);
  }
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(ResultsIn(place_), expected);
  ExpectPaidOnceButInDoubt();
}

TEST_F(StudyTest, ShardsOneOfThemKilledAreTheWholeOnceMerged) {
  const std::vector<std::string> expected = FaultlessResults();
  const std::string results = place_.options["results"];
  place_.options["results"] = "{model}-{shard}.json";
  for (int i = 1; i <= 4; ++i) {
    if (i == 3) {
      RunnerProcess killed = place_.Start(Shard(i));
      KillSoon(killed);
    }
    ASSERT_EQ(place_.Run(Shard(i)), 0) << place_.err();
  }
  for (const char* model : kModels) {
    std::vector<std::string> words = {"merge"};
    for (int i = 1; i <= 4; ++i) {
      words.push_back(JournalOf("shards", model, absl::StrCat("_s", i, "of4")));
    }
    words.insert(words.end(), {"--output", absl::StrCat("journals/", model)});
    ASSERT_EQ(place_.RunProgram(words), 0) << place_.err();
  }
  place_.options["results"] = results;
  const uint64_t calls = server_->stats().calls;
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(ResultsIn(place_), expected);
  EXPECT_EQ(server_->stats().calls, calls) << "something was asked again";
}

}  // namespace
}  // namespace runner
