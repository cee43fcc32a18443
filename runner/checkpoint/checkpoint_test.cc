#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "journal/error.h"
#include "runner/checkpoint/checkpoint_list.h"
#include "runner/checkpoint/checkpoint_manager.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

using journal::ErrorKind;
using journal::KindOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

CheckpointResult Answer(absl::string_view output, double score = 1) {
  CheckpointResult result;
  result.output = std::string(output);
  result.scores = {{"right", score}};
  result.reasoning = "because";
  result.metadata_json = R"({"page":7})";
  result.usage = {.prompt_tokens = 10, .completion_tokens = 2, .metered = true};
  result.cost = 0.5;
  result.latency = absl::Milliseconds(20);
  return result;
}

CheckpointResult Failure() {
  CheckpointResult result;
  result.error_type = "timeout";
  result.error_message = "no answer within 60 s";
  return result;
}

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() {
    std::string path = absl::StrCat(::testing::TempDir(), "/checkpointXXXXXX");
    root_ = mkdtemp(path.data());
    options_.journal_dir = absl::StrCat(root_, "/journals");
    options_.benchmark_id = "sts";
    options_.config_json = R"({"model":"a"})";
    options_.query_ids = {"q1", "q2", "q2", "q3"};
    options_.runs = 2;
  }
  ~CheckpointTest() override {
    checkpoint_.reset();
    fs::remove_all(root_);
  }

  // As a new program would, after the last one has ended.
  CheckpointManager& Load() {
    checkpoint_.reset();
    auto loaded = CheckpointManager::LoadOrCreate(options_);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    checkpoint_ = *std::move(loaded);
    return *checkpoint_;
  }
  absl::Status LoadStatus() {
    checkpoint_.reset();
    return CheckpointManager::LoadOrCreate(options_).status();
  }
  void AnswerRun(uint32_t run) {
    for (const char* id : {"q1", "q2", "q3"}) {
      ASSERT_TRUE(checkpoint_->Update(run, id, Answer(id)).ok());
    }
    ASSERT_TRUE(checkpoint_->Update(run, "q2", Answer("second", 0), 1).ok());
  }
  // A whole benchmark, begun, answered and closed.
  void Finish() {
    Load();
    for (uint32_t run = 1; run <= options_.runs; ++run) {
      AnswerRun(run);
      ASSERT_TRUE(checkpoint_->CompleteRun(run).ok());
    }
    checkpoint_.reset();
  }
  CheckpointResult Kept(uint32_t run, absl::string_view id,
                        uint32_t occurrence = 0) {
    auto result = checkpoint_->GetCompletedResult(run, id, occurrence);
    EXPECT_TRUE(result.ok()) << result.status();
    EXPECT_TRUE(result.ok() && result->has_value());
    return result.ok() && result->has_value() ? **result : CheckpointResult();
  }

  std::string root_;
  CheckpointOptions options_;
  std::unique_ptr<CheckpointManager> checkpoint_;
};

TEST_F(CheckpointTest, WhatWasKeptIsThereForTheNextProgram) {
  EXPECT_FALSE(Load().loaded());
  ASSERT_TRUE(checkpoint_->Update(2, "q1", Answer("forty-two", 0.25)).ok());
  EXPECT_TRUE(Load().loaded());
  EXPECT_TRUE(checkpoint_->IsQueryCompleted(2, "q1"));
  EXPECT_FALSE(checkpoint_->IsQueryCompleted(1, "q1"));
  const CheckpointResult kept = Kept(2, "q1");
  EXPECT_EQ(kept.output, "forty-two");
  EXPECT_THAT(kept.scores, ElementsAre(std::make_pair("right", 0.25)));
  EXPECT_EQ(kept.reasoning, "because");
  EXPECT_EQ(kept.metadata_json, R"({"page":7})");
  EXPECT_EQ(kept.usage.prompt_tokens, 10);
  EXPECT_EQ(kept.cost, 0.5);
  EXPECT_EQ(kept.latency, absl::Milliseconds(20));
}

TEST_F(CheckpointTest, EqualIdsAreToldApart) {
  Load();
  ASSERT_TRUE(checkpoint_->Update(1, "q2", Answer("second"), 1).ok());
  EXPECT_FALSE(checkpoint_->IsQueryCompleted(1, "q2"));
  EXPECT_TRUE(checkpoint_->IsQueryCompleted(1, "q2", 1));
  ASSERT_TRUE(checkpoint_->Update(1, "q2", Answer("first")).ok());
  EXPECT_EQ(Kept(1, "q2").output, "first");
  EXPECT_EQ(Kept(1, "q2", 1).output, "second");
}

TEST_F(CheckpointTest, AFailedQueryIsAskedAgainByTheNextProgram) {
  Load();
  ASSERT_TRUE(checkpoint_->Update(1, "q1", Failure()).ok());
  EXPECT_FALSE(checkpoint_->IsQueryCompleted(1, "q1"));
  EXPECT_EQ(Load().GetStats().failed, 1);
  EXPECT_EQ(Kept(1, "q1").error_message, "no answer within 60 s");
  ASSERT_TRUE(checkpoint_->Update(1, "q1", Answer("at last")).ok());
  EXPECT_EQ(Kept(1, "q1").output, "at last");
  EXPECT_EQ(checkpoint_->GetStats().failed, 0);
}

TEST_F(CheckpointTest, ANewerResultReplacesTheOldOne) {
  Load();
  ASSERT_TRUE(checkpoint_->Update(1, "q1", Answer("old")).ok());
  EXPECT_EQ(Kept(1, "q1").output, "old");
  ASSERT_TRUE(checkpoint_->Update(1, "q1", Answer("new", 0)).ok());
  EXPECT_EQ(Kept(1, "q1").output, "new");
  EXPECT_EQ(checkpoint_->GetStats().completed, 1);
}

TEST_F(CheckpointTest, WhatIsTooLargeLeavesNoAttempt) {
  Load();
  const CheckpointResult huge = Answer(std::string(17 << 20, 'x'));
  EXPECT_EQ(KindOf(checkpoint_->Update(1, "q1", huge)),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(checkpoint_->GetStats().attempts, 0);
  ASSERT_TRUE(checkpoint_->BeginQuery(1, "q1").ok());
  EXPECT_FALSE(checkpoint_->Update(1, "q1", huge).ok());
  ASSERT_TRUE(checkpoint_->Update(1, "q1", Failure()).ok());
  EXPECT_EQ(checkpoint_->GetStats().attempts, 1);
  EXPECT_EQ(Load().GetStats().in_doubt, 0);
}

TEST_F(CheckpointTest, WhatIsNotAskedForIsRefused) {
  Load();
  for (const uint32_t run : {0, 3}) {
    EXPECT_EQ(KindOf(checkpoint_->Update(run, "q1", Answer("x"))),
              ErrorKind::kInvalidArgument);
  }
  EXPECT_EQ(KindOf(checkpoint_->Update(1, "q9", Answer("x"))),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(KindOf(checkpoint_->BeginQuery(1, "q1", 1)),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(KindOf(checkpoint_->GetCompletedResult(1, "q9").status()),
            ErrorKind::kInvalidArgument);
  EXPECT_FALSE(checkpoint_->IsQueryCompleted(3, "q1"));
  EXPECT_EQ(checkpoint_->GetStats().attempts, 0);
}

TEST_F(CheckpointTest, OptionsThatCannotBeAreRefused) {
  const CheckpointOptions good = options_;
  for (const char* config : {"", "[1]", "{\"a\":", "7"}) {
    options_.config_json = config;
    EXPECT_EQ(LoadStatus().code(), absl::StatusCode::kInvalidArgument);
  }
  options_ = good;
  options_.query_ids.clear();
  EXPECT_EQ(KindOf(LoadStatus()), ErrorKind::kInvalidArgument);
  options_ = good;
  options_.runs = 0;
  EXPECT_EQ(KindOf(LoadStatus()), ErrorKind::kInvalidArgument);
  EXPECT_FALSE(fs::exists(options_.journal_dir));
}

TEST_F(CheckpointTest, OneProgramAtATimeHasIt) {
  Load();
  const absl::Status second =
      CheckpointManager::LoadOrCreate(options_).status();
  EXPECT_EQ(KindOf(second), ErrorKind::kLocked);
  EXPECT_THAT(std::string(second.message()),
              ::testing::HasSubstr(absl::StrCat(getpid())));
}

TEST_F(CheckpointTest, AnotherConfigurationIsAnotherBenchmark) {
  Load();
  ASSERT_TRUE(checkpoint_->Update(1, "q1", Answer("of a")).ok());
  const std::string of_a = checkpoint_->directory();
  options_.config_json = R"({"model":"b"})";
  EXPECT_FALSE(Load().IsQueryCompleted(1, "q1"));
  options_.config_json = R"({ "model" : "a" })";
  EXPECT_TRUE(Load().IsQueryCompleted(1, "q1"));
  EXPECT_EQ(checkpoint_->directory(), of_a);
  options_.seed = 1;
  EXPECT_FALSE(Load().IsQueryCompleted(1, "q1"));
}

TEST_F(CheckpointTest, MoreQueriesAndRunsExtendWhatIsFinished) {
  Finish();
  options_.query_ids = {"q0", "q3", "q2", "q2", "q1"};
  options_.runs = 3;
  EXPECT_TRUE(Load().loaded());
  const CheckpointStats stats = checkpoint_->GetStats();
  EXPECT_EQ(stats.total, 15);
  EXPECT_EQ(stats.resumed, 8);
  EXPECT_FALSE(checkpoint_->IsQueryCompleted(1, "q0"));
  EXPECT_TRUE(checkpoint_->IsQueryCompleted(2, "q1"));
}

TEST_F(CheckpointTest, ARunEndsWhenEachQueryHasAResult) {
  Load();
  EXPECT_EQ(KindOf(checkpoint_->CompleteRun(1)), ErrorKind::kInvalidArgument);
  AnswerRun(1);
  EXPECT_TRUE(checkpoint_->CompleteRun(1).ok());
  EXPECT_EQ(KindOf(checkpoint_->CompleteRun(2)), ErrorKind::kInvalidArgument);
  EXPECT_EQ(KindOf(checkpoint_->CompleteRun(3)), ErrorKind::kInvalidArgument);
}

TEST_F(CheckpointTest, WhatWasInFlightIsInDoubt) {
  Load();
  ASSERT_TRUE(checkpoint_->BeginQuery(1, "q1").ok());
  EXPECT_EQ(Load().GetStats().in_doubt, 1);
  EXPECT_FALSE(checkpoint_->IsQueryCompleted(1, "q1"));
  ASSERT_TRUE(checkpoint_->BeginQuery(1, "q1").ok());
  ASSERT_TRUE(checkpoint_->Update(1, "q1", Answer("x")).ok());
  EXPECT_EQ(checkpoint_->GetStats().attempts, 2);
}

TEST_F(CheckpointTest, SeedsDependOnWhatIsAskedAlone) {
  Load();
  const uint64_t seed = checkpoint_->SeedOf(2, "q1");
  EXPECT_NE(seed, checkpoint_->SeedOf(1, "q1"));
  EXPECT_NE(seed, checkpoint_->SeedOf(2, "q2"));
  EXPECT_EQ(seed, Load().SeedOf(2, "q1"));
}

TEST_F(CheckpointTest, NothingIsKeptAfterClose) {
  Load();
  EXPECT_TRUE(checkpoint_->Save().ok());
  EXPECT_TRUE(checkpoint_->Close().ok());
  EXPECT_EQ(KindOf(checkpoint_->Update(1, "q1", Answer("x"))),
            ErrorKind::kClosed);
  EXPECT_TRUE(checkpoint_->Close().ok());
}

TEST_F(CheckpointTest, ClearRemovesIt) {
  Load();
  ASSERT_TRUE(checkpoint_->Update(1, "q1", Answer("x")).ok());
  const std::string directory = checkpoint_->directory();
  EXPECT_TRUE(checkpoint_->Clear().ok());
  EXPECT_FALSE(fs::exists(directory));
  EXPECT_FALSE(fs::is_symlink(options_.journal_dir + "/latest"));
  EXPECT_FALSE(Load().loaded());
}

TEST_F(CheckpointTest, TheNewestIsListedFirst) {
  Finish();
  options_.benchmark_id = "other";
  Load();
  const auto list = ListCheckpoints(options_.journal_dir);
  ASSERT_TRUE(list.ok());
  ASSERT_THAT(*list, SizeIs(2));
  EXPECT_EQ((*list)[0].benchmark_id, "other");
  EXPECT_FALSE((*list)[0].complete);
  EXPECT_EQ((*list)[1].completed, 8);
  EXPECT_TRUE((*list)[1].complete);
  EXPECT_EQ((*FindLatest(options_.journal_dir))->benchmark_id, "other");
  EXPECT_EQ((*FindLatest(options_.journal_dir, "sts"))->total, 8);
  EXPECT_FALSE(FindLatest(options_.journal_dir, "none")->has_value());
  EXPECT_THAT(*ListCheckpoints(absl::StrCat(root_, "/nowhere")), IsEmpty());
}

TEST_F(CheckpointTest, ValidateSeesAChangedByte) {
  Finish();
  const std::string directory = (*FindLatest(options_.journal_dir))->directory;
  EXPECT_TRUE(Validate(directory).ok());
  std::fstream segment(absl::StrCat(directory, "/0000000001.seg"),
                       std::ios::in | std::ios::out | std::ios::binary);
  segment.seekp(9000).put('!');
  segment.close();
  EXPECT_EQ(KindOf(Validate(directory)), ErrorKind::kDamage);
  EXPECT_EQ(KindOf(LoadStatus()), ErrorKind::kDamage);
  EXPECT_EQ(KindOf(Validate(root_)), ErrorKind::kNotFound);
}

TEST_F(CheckpointTest, CleanupKeepsTheNewestOfEachBenchmark) {
  Finish();
  options_.no_resume = true;
  Finish();
  const std::string newest = (*FindLatest(options_.journal_dir))->directory;
  Load();  // Unfinished, and open.
  EXPECT_THAT(*Cleanup(options_.journal_dir, 1, {.dry_run = true}), SizeIs(2));
  EXPECT_THAT(*Cleanup(options_.journal_dir, 2), SizeIs(1));
  EXPECT_THAT(*Cleanup(options_.journal_dir, 1), ElementsAre(newest));
  EXPECT_THAT(*Cleanup(options_.journal_dir, 0), IsEmpty());
  EXPECT_THAT(*Cleanup(options_.journal_dir, 0, {.unfinished = true}),
              IsEmpty());
  EXPECT_THAT(*ListCheckpoints(options_.journal_dir), SizeIs(1));
}

}  // namespace
}  // namespace runner
