// Parts of a benchmark: shards and their merge, selections that widen, studies
// of several datasets, models and methods.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr int kQuestions = 120;

class PartsTest : public testing::Test {
 protected:
  PartsTest() {
    place_.options["workers"] = "4";
    place_.WriteDataset(kQuestions);
  }

  void ExpectEachAskedOnce(size_t queries) {
    const auto calls = place_.CallCounts();
    EXPECT_THAT(calls, SizeIs(queries));
    EXPECT_THAT(calls, Each(Pair(testing::_, 1)));
  }

  Workplace place_;
};

// ---------------------------------------------------------------------------
// Shards

class ShardsTest : public PartsTest {
 protected:
  // Words that make a run one of shard `i` of 4, in shards/.
  static std::vector<std::string> Shard(int i) {
    return {"--shard", absl::StrCat(i, "/4"), "--journal-dir", "shards"};
  }
  void RunShards(const std::vector<int>& shards) {
    place_.options.erase("results");
    for (const int i : shards) {
      ASSERT_EQ(place_.Run(Shard(i)), 0) << place_.err();
    }
  }
  // The directory of shard `i`.
  std::string Journal(int i) const {
    const std::string ending = absl::StrCat("_s", i, "of4");
    for (const auto& entry :
         std::filesystem::directory_iterator(place_.Path("shards"))) {
      const std::string name = entry.path().filename().string();
      if (name.size() > ending.size() &&
          name.compare(name.size() - ending.size(), ending.size(), ending) ==
              0 &&
          !entry.is_symlink()) {
        return absl::StrCat("shards/", name);
      }
    }
    ADD_FAILURE() << "no journal of shard " << i;
    return "";
  }
  int Merge(std::vector<std::string> inputs) {
    inputs.insert(inputs.begin(), "merge");
    inputs.insert(inputs.end(), {"--output", "journals/whole"});
    return place_.RunProgram(inputs);
  }
  void ExpectRefused(const std::vector<std::string>& inputs, int exit_code,
                     const std::vector<std::string>& names) {
    EXPECT_EQ(Merge(inputs), exit_code) << place_.err();
    for (const std::string& name : names) {
      EXPECT_THAT(place_.err(), HasSubstr(name));
    }
    EXPECT_FALSE(place_.Exists("journals/whole"));
    EXPECT_FALSE(place_.Exists("journals/.whole.merging"));
  }
  std::string UnshardedResults() {
    Workplace other;
    other.options = place_.options;
    other.options["results"] = "results.json";
    other.WriteDataset(kQuestions);
    EXPECT_EQ(other.Run(), 0) << other.err();
    return other.ResultsWithoutTiming();
  }
};

TEST_F(ShardsTest, MergedTheyAreTheUnsharded) {
  place_.options["runs"] = "2";
  const std::string expected = UnshardedResults();
  RunShards({1, 2, 4});
  place_.worker_flags.push_back("--slow=10");
  const size_t calls = place_.Calls().size();
  RunnerProcess third = place_.Start(Shard(3));
  ASSERT_TRUE(place_.WaitForCalls(calls + 10, third)) << third.err();
  ASSERT_TRUE(third.Kill9());
  place_.worker_flags.pop_back();
  RunShards({3});
  ASSERT_EQ(Merge({"shards"}), 0) << place_.err();
  place_.ExpectAskedOnceButInDoubt(2 * kQuestions);

  const size_t asked = place_.Calls().size();
  const std::vector<std::string> records = place_.Records("whole");
  place_.options["results"] = "results.json";
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("complete since"));
  EXPECT_EQ(place_.ResultsWithoutTiming(), expected);
  EXPECT_EQ(place_.Calls().size(), asked);
  EXPECT_TRUE(place_.Records("whole") == records) << "records were added";
}

// Where a dataset lies differs from machine to machine, and so may its order.
TEST_F(ShardsTest, ShardsMayHaveTheirRowsInAnotherOrder) {
  const std::string expected = UnshardedResults();
  const std::string rows = place_.Read("questions.jsonl");
  RunShards({1, 2});
  std::vector<std::string> lines =
      absl::StrSplit(rows, '\n', absl::SkipEmpty());
  std::reverse(lines.begin(), lines.end());
  place_.Write("questions.jsonl", absl::StrJoin(lines, "\n"));
  RunShards({3, 4});
  ASSERT_EQ(Merge({"shards"}), 0) << place_.err();
  place_.Write("questions.jsonl", rows);
  place_.options["results"] = "results.json";
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(place_.ResultsWithoutTiming(), expected);
  ExpectEachAskedOnce(kQuestions);
}

TEST_F(ShardsTest, TheMergedJournalIsExtendedLikeAnyOther) {
  RunShards({1, 2, 3, 4});
  ASSERT_EQ(Merge({"shards"}), 0) << place_.err();
  place_.Write("questions.jsonl",
               place_.Read("questions.jsonl") + Workplace::Question(500));
  place_.options["runs"] = "2";
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  ExpectEachAskedOnce(2 * (kQuestions + 1));
}

TEST_F(ShardsTest, AJournalIsCountedOnceHoweverOftenItIsNamed) {
  RunShards({1, 2, 3, 4});
  EXPECT_EQ(Merge({Journal(1), "shards", "./" + Journal(1) + "/"}), 0)
      << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("120 queries completed"));
}

TEST_F(ShardsTest, WhatIsNotAWholeIsRefusedByName) {
  RunShards({1, 2, 4});
  ExpectRefused({"shards"}, 2, {"A shard is missing: 3/4"});
  ExpectRefused({"nowhere"}, 2, {"nowhere"});
  ExpectRefused({Journal(1)}, 2, {"missing: 2/4, 3/4, 4/4"});

  place_.worker_flags.push_back("--slow=10");
  const size_t calls = place_.Calls().size();
  RunnerProcess third = place_.Start(Shard(3));
  ASSERT_TRUE(place_.WaitForCalls(calls + 10, third)) << third.err();
  third.Signal(SIGINT);
  ASSERT_EQ(third.WaitExit(), 130) << third.err();
  place_.worker_flags.pop_back();
  ExpectRefused({"shards"}, 2, {Journal(3), "shard 3/4, is unfinished"});

  RunShards({3});
  std::filesystem::copy(place_.Path(Journal(2)), place_.Path("shards/copy"));
  ExpectRefused({"shards"}, 2,
                {"Shard 2/4 is there twice", Journal(2), "shards/copy"});
  std::filesystem::remove_all(place_.Path("shards/copy"));
  ASSERT_EQ(place_.Run({"--shard", "1/3", "--journal-dir", "shards"}), 0);
  ExpectRefused({"shards"}, 2, {"shard 1/3", "overlaps", "shard 1/4"});
}

TEST_F(ShardsTest, WhatBelongsElsewhereIsRefusedByName) {
  RunShards({1, 2, 3});
  const auto run_last = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {"--shard", "4/4", "--journal-dir",
                                      "other", "--overwrite"};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_EQ(place_.Run(words), 0) << place_.err();
  };
  run_last({"--seed", "7"});
  ExpectRefused({"shards", "other"}, 13,
                {"another configuration", "seed: 0 -> 7"});
  std::filesystem::remove_all(place_.Path("other"));
  run_last({"--num-samples", "50"});
  ExpectRefused({"shards", "other"}, 13,
                {"another selection", "num_samples: (not set) -> 50"});
  std::filesystem::remove_all(place_.Path("other"));
  place_.Write("questions.jsonl",
               place_.Read("questions.jsonl") + Workplace::Question(500));
  run_last({});
  ExpectRefused({"shards", "other"}, 13,
                {"another dataset", "it has 121 rows"});
  ASSERT_EQ(place_.Run({"--journal-dir", "unsharded"}), 0);
  ExpectRefused({"shards", "unsharded/latest"}, 2, {"not a shard"});
}

TEST_F(ShardsTest, NothingIsOverwrittenAndNothingIsLeftHalf) {
  RunShards({1, 2, 3, 4});
  // What a merge that was killed leaves, and the next one removes.
  std::filesystem::create_directories(
      place_.Path("journals/.whole.merging/parts"));
  place_.Write("journals/.whole.merging/00000001.seg", "half");
  ASSERT_EQ(Merge({"shards"}), 0) << place_.err();
  EXPECT_FALSE(place_.Exists("journals/.whole.merging"));
  const std::vector<std::string> records = place_.Records("whole");
  EXPECT_EQ(Merge({"shards"}), 2);
  EXPECT_THAT(place_.err(), HasSubstr("journals/whole is there already"));
  EXPECT_TRUE(place_.Records("whole") == records);
}

TEST_F(ShardsTest, ClustersCountTheShards) {
  RunShards({2});
  const std::vector<std::string> slurm = {"--shard", "slurm/4", "--journal-dir",
                                          "shards"};
  place_.run_under = {"env", "SLURM_ARRAY_TASK_ID=2", "JOB_COMPLETION_INDEX=1"};
  EXPECT_EQ(place_.Run(slurm), 0);
  EXPECT_THAT(place_.err(), HasSubstr("complete since"));
  EXPECT_EQ(place_.Run({"--shard", "k8s/4", "--journal-dir", "shards"}), 0);
  EXPECT_THAT(place_.err(), HasSubstr("complete since"));
  place_.run_under = {"env", "SLURM_ARRAY_TASK_ID=0"};
  EXPECT_EQ(place_.Run(slurm), 2);
  EXPECT_THAT(place_.err(), HasSubstr("--array=1-4"));
}

TEST_F(ShardsTest, AShardsJournalTakesNothingElse) {
  RunShards({1});
  const size_t calls = place_.Calls().size();
  EXPECT_EQ(place_.Run({"--resume-from", Journal(1)}), 13);
  EXPECT_THAT(place_.err(), HasSubstr("is of shard 1/4, and no shard is"));
  EXPECT_EQ(place_.Run({"--resume-from", Journal(1), "--shard", "2/4"}), 13);
  EXPECT_EQ(place_.Calls().size(), calls);
  EXPECT_EQ(place_.RunProgram({"resume", Journal(1)}), 0) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("complete since"));
}

TEST_F(ShardsTest, ResultsOfShardsHaveNamesOfTheirOwn) {
  place_.options["results"] = "r.json";
  EXPECT_EQ(place_.Run(Shard(1)), 2);
  EXPECT_THAT(place_.err(), HasSubstr("--results must contain {shard}"));
  place_.options["results"] = "r_{shard}.json";
  EXPECT_EQ(place_.Run(Shard(1)), 0);
  EXPECT_TRUE(place_.Exists("r_1of4.json"));
}

// ---------------------------------------------------------------------------
// Selections

TEST_F(PartsTest, WiderSelectionsAskNothingTwice) {
  place_.options["num-samples"] = "20";
  EXPECT_EQ(place_.Run({"--shuffle"}), 0) << place_.err();
  ExpectEachAskedOnce(20);
  place_.options["num-samples"] = "50";
  EXPECT_EQ(place_.Run({"--shuffle"}), 0) << place_.err();
  ExpectEachAskedOnce(50);
  place_.options.erase("num-samples");
  EXPECT_EQ(place_.Run({"--runs", "2"}), 0) << place_.err();
  ExpectEachAskedOnce(2 * kQuestions);
  EXPECT_THAT(place_.Journals(), SizeIs(1));
}

TEST_F(PartsTest, ANarrowerSelectionIsAViewOfWhatIsThere) {
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_EQ(place_.Run({"--sample-id", "q1,q2?"}), 0) << place_.err();
  ExpectEachAskedOnce(kQuestions);
  EXPECT_EQ(place_.ResultNumber("/n"), 11);
  const std::string lines = place_.Read("results.jsonl");
  EXPECT_THAT(lines, AllOf(HasSubstr("\"q29\""), Not(HasSubstr("\"q3\""))));
}

TEST_F(PartsTest, AnIdThatIsNotThereIsAMistake) {
  EXPECT_EQ(place_.Run({"--sample-id", "q1,x*"}), 2);
  EXPECT_THAT(place_.err(), HasSubstr("no id matches `x*`"));
  EXPECT_TRUE(place_.Calls().empty());
}

// ---------------------------------------------------------------------------
// Studies

class StudyTest : public PartsTest {
 protected:
  StudyTest() {
    place_.options["num-samples"] = "10";
    place_.options.erase("dataset");
    place_.options["datasets"] = "questions.jsonl,more.csv";
    place_.options["models"] = "x,y";
    place_.options["methods"] = "p,q";
    place_.options["results"] = "{dataset}_{model}_{method}.json";
    std::string csv = "id,input,target\n";
    for (int i = 1; i <= 20; ++i) {
      absl::StrAppend(&csv, "c", i, ",", i, " * 2,", 2 * i, "\n");
    }
    place_.Write("more.csv", csv);
  }
};

TEST_F(StudyTest, IsDatasetsTimesModelsTimesMethods) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_THAT(place_.Journals(), SizeIs(8));
  EXPECT_THAT(place_.Calls(), SizeIs(80));
  for (const char* cell : {"questions/x/p", "questions/y/q", "more/x/q"}) {
    EXPECT_THAT(place_.out(), HasSubstr(cell));
  }
  EXPECT_TRUE(place_.Exists("more_y_p.json"));
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_THAT(place_.Calls(), SizeIs(80));
}

// Of which each is what it would be alone.
TEST_F(StudyTest, ABenchmarkOfAStudyGoesOnAlone) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  place_.options.erase("datasets");
  place_.options.erase("models");
  place_.options.erase("methods");
  place_.options["dataset"] = "more.csv";
  ASSERT_EQ(place_.Run({"--model", "y", "--method", "p"}), 0) << place_.err();
  EXPECT_THAT(place_.err(), HasSubstr("complete since"));
  EXPECT_THAT(place_.Calls(), SizeIs(80));
}

TEST_F(StudyTest, NamesMustTellItsBenchmarksApart) {
  for (const char* results : {"{model}_{method}.json", "{dataset}_{model}.json",
                              "{dataset}_{method}.json", "r.json"}) {
    place_.options["results"] = results;
    EXPECT_EQ(place_.Run(), 2);
    EXPECT_THAT(place_.err(), HasSubstr("--results must contain {"));
  }
  place_.options["results"] = "{run_id}.json";
  place_.options["benchmark-id"] = "{dataset}_{model}";
  EXPECT_EQ(place_.Run(), 2);
  EXPECT_THAT(place_.err(), HasSubstr("--benchmark-id must contain {method}"));
  place_.options.erase("benchmark-id");
  std::filesystem::create_directory(place_.Path("other"));
  place_.Write("other/more.jsonl", Workplace::Question(1));
  place_.options["datasets"] = "other/more.jsonl,more.csv";
  EXPECT_EQ(place_.Run(), 2);
  EXPECT_THAT(place_.err(), HasSubstr("have the same name"));
  EXPECT_TRUE(place_.Calls().empty());
}

// Every tenth target of the one dataset is wrong, none of the other.
TEST_F(StudyTest, AnyBenchmarkMayBeBelowTheMinimum) {
  EXPECT_EQ(place_.Run({"--min-score", "0.95"}), 100) << place_.err();
  place_.options["datasets"] = "more.csv";
  EXPECT_EQ(place_.Run({"--min-score", "0.95"}), 0) << place_.err();
}

}  // namespace
}  // namespace runner
