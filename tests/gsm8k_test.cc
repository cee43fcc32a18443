// The recorded answers of four models to the GSM8K test set, scored by one
// command, give the file's own verdict for each of them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using Json = nlohmann::json;

constexpr size_t kQueries = 1319;
constexpr std::pair<const char*, int> kCorrect[] = {{"6b_finetuning", 286},
                                                    {"6b_verification", 515},
                                                    {"175b_finetuning", 458},
                                                    {"175b_verification", 742}};

std::string DatasetPath() {
  const char* shared = getenv("BENCH_JOURNAL_SHARED");
  return absl::StrCat(shared == nullptr ? "(unset)" : shared,
                      "/data/gsm8k/example_model_solutions.jsonl");
}

std::vector<Json> ReadLines(const std::string& path) {
  std::ifstream file(path);
  std::vector<Json> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(Json::parse(line));
  }
  return lines;
}

class Gsm8kTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(std::ifstream(DatasetPath()).good())
        << "no data at " << DatasetPath()
        << ": set BENCH_JOURNAL_SHARED to the folder that holds data/gsm8k";
    place_.options = {{"models",
                       "6b_finetuning,6b_verification,175b_finetuning,"
                       "175b_verification"},
                      {"dataset", DatasetPath()},
                      {"response-field", "{model}.solution"},
                      {"target-field", "ground_truth"},
                      {"extract-regex", "(?m)^A:\\s*(.+)$"},
                      {"scorer", "numeric"},
                      {"results", "{model}.json"}};
  }

  void ExpectTheFilesVerdicts() {
    const std::vector<Json> dataset = ReadLines(DatasetPath());
    ASSERT_EQ(dataset.size(), kQueries);
    for (const auto& [model, correct] : kCorrect) {
      SCOPED_TRACE(model);
      const Json results =
          Json::parse(place_.Read(absl::StrCat(model, ".json")));
      EXPECT_EQ(results["n"], kQueries);
      EXPECT_EQ(results["completed"], kQueries);
      EXPECT_EQ(results["failed"], 0);
      EXPECT_EQ(results["metrics"]["numeric"]["mean"].get<double>(),
                static_cast<double>(correct) / kQueries);
      ExpectLines(dataset, model);
    }
  }

  // Without an id in the dataset, lines are told by their order.
  void ExpectLines(const std::vector<Json>& dataset, const std::string& model) {
    const std::vector<Json> lines = ReadLines(place_.Path(model + ".jsonl"));
    ASSERT_EQ(lines.size(), kQueries);
    for (size_t i = 0; i < kQueries; ++i) {
      EXPECT_EQ(lines[i]["output"], dataset[i][model]["solution"]) << i + 1;
      EXPECT_EQ(lines[i]["scores"]["numeric"] == 1,
                dataset[i][model]["is_correct"].get<bool>())
          << "line " << i + 1;
    }
  }

  Workplace place_;
};

TEST_F(Gsm8kTest, FourModelsInOneCommandScoreAsTheFileSays) {
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  ExpectTheFilesVerdicts();
  EXPECT_EQ(place_.Journals().size(), 4u);
}

TEST_F(Gsm8kTest, KilledAndResumedTheyScoreTheSame) {
  for (const int journals : {1, 2, 4}) {
    RunnerProcess runner = place_.Start();
    while (place_.Journals().size() < static_cast<size_t>(journals) &&
           !runner.EndsWithin(absl::Milliseconds(1))) {
    }
    runner.Kill9();
  }
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  ExpectTheFilesVerdicts();
  EXPECT_EQ(place_.Journals().size(), 4u);
}

}  // namespace
}  // namespace runner
