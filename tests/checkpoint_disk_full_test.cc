// The library for programs with a loop of their own, on a real disk that is
// full.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "runner/checkpoint/checkpoint_manager.h"
#include "tests/journal_damage.h"
#include "tests/mounted_disk.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using ::testing::HasSubstr;

constexpr int kQueries = 300;
// All results together need more than the space that a journal takes ahead.
constexpr size_t kOutputBytes = 16 << 10;
constexpr uint64_t kDiskBytes = 48 << 20;

std::string Id(int number) { return absl::StrCat("q", number); }

CheckpointResult ResultOf(int number) {
  CheckpointResult result;
  result.output = absl::StrCat(
      number, ":",
      std::string(kOutputBytes, static_cast<char>('a' + number % 26)));
  result.scores = {{"right", number % 2}};
  return result;
}

class CheckpointOnAFullDisk : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(EnterMountNamespace(), "")
        << "a mount namespace is needed: run this test as root, or where user "
           "namespaces are allowed";
    disk_ = MountedDisk::Tmpfs(place_.Path("journals"), kDiskBytes);
  }

  std::unique_ptr<CheckpointManager> Load() {
    CheckpointOptions options;
    options.journal_dir = place_.Path("journals");
    options.benchmark_id = "made-up";
    for (int i = 1; i <= kQueries; ++i) options.query_ids.push_back(Id(i));
    auto loaded = CheckpointManager::LoadOrCreate(options);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.ok() ? *std::move(loaded) : nullptr;
  }

  // Until the disk is full: the first query that was not kept.
  int UpdateUntilFull(CheckpointManager& checkpoint, int first) {
    for (int i = first; i <= kQueries; ++i) {
      const absl::Status s = checkpoint.Update(1, Id(i), ResultOf(i));
      if (s.ok()) continue;
      EXPECT_EQ(journal::KindOf(s), journal::ErrorKind::kNoSpace) << s;
      return i;
    }
    ADD_FAILURE() << "the disk was never full";
    return kQueries;
  }

  // [first, last], each as it was given.
  static void ExpectKept(CheckpointManager& checkpoint, int first, int last) {
    for (int i = first; i <= last; ++i) {
      EXPECT_TRUE(checkpoint.IsQueryCompleted(1, Id(i))) << i;
      const auto kept = checkpoint.GetCompletedResult(1, Id(i));
      ASSERT_TRUE(kept.ok() && kept->has_value()) << i << kept.status();
      EXPECT_EQ((*kept)->output, ResultOf(i).output) << i;
    }
  }

  Workplace place_;
  std::unique_ptr<MountedDisk> disk_;
};

TEST_F(CheckpointOnAFullDisk, SaysSoLosesNothingAndGoesOnWhenThereIsSpace) {
  const auto checkpoint = Load();
  ASSERT_TRUE(checkpoint->Update(1, Id(1), ResultOf(1)).ok());
  disk_->Fill();
  const int full = UpdateUntilFull(*checkpoint, 2);
  EXPECT_FALSE(checkpoint->IsQueryCompleted(1, Id(full)));
  EXPECT_EQ(checkpoint->Save(), absl::OkStatus());
  ExpectKept(*checkpoint, 1, full - 1);
  EXPECT_EQ(UpdateUntilFull(*checkpoint, full), full) << "still full";

  disk_->Free();
  for (int i = full; i <= kQueries; ++i) {
    ASSERT_EQ(checkpoint->Update(1, Id(i), ResultOf(i)), absl::OkStatus()) << i;
  }
  EXPECT_EQ(checkpoint->CompleteRun(1), absl::OkStatus());
  EXPECT_EQ(checkpoint->Close(), absl::OkStatus());
  ExpectKept(*Load(), 1, kQueries);
}

TEST_F(CheckpointOnAFullDisk, CanBeClosedAndIsGoneOnWithLater) {
  auto checkpoint = Load();
  disk_->Fill();
  const int full = UpdateUntilFull(*checkpoint, 1);
  EXPECT_EQ(checkpoint->Close(), absl::OkStatus());
  disk_->Free();
  checkpoint = Load();
  EXPECT_TRUE(checkpoint->loaded());
  EXPECT_EQ(checkpoint->GetStats().completed, static_cast<uint64_t>(full - 1));
  ExpectKept(*checkpoint, 1, full - 1);
  for (int i = full; i <= kQueries; ++i) {
    ASSERT_EQ(checkpoint->Update(1, Id(i), ResultOf(i)), absl::OkStatus()) << i;
  }
  EXPECT_EQ(checkpoint->CompleteRun(1), absl::OkStatus());
  EXPECT_EQ(Inspect({"verify", checkpoint->directory()}).exit_code, 0);
}

// A program that gives up where the disk is full, and the same one again.
TEST_F(CheckpointOnAFullDisk, AProgramEndsAndTheSameOneEndsItsWork) {
  constexpr char kManyQueries[] = "6000";
  const std::string program =
      std::filesystem::absolute("runner/checkpoint/own_loop_example");
  const std::vector<std::string> words = {program, "journals", kManyQueries,
                                          "1"};
  disk_->Resize(3 << 20);
  RunnerProcess full(words, place_.Path(""));
  EXPECT_EQ(full.WaitExit(), 1);
  EXPECT_THAT(full.err(), HasSubstr("no space for"));

  disk_->Resize(kDiskBytes);
  RunnerProcess again(words, place_.Path(""));
  EXPECT_EQ(again.WaitExit(), 0) << again.err();
  EXPECT_THAT(again.err(), testing::Not(HasSubstr("] 0 of 6000 are done")));
  RunnerProcess anew({program, "journals/anew", kManyQueries, "1"},
                     place_.Path(""));
  EXPECT_EQ(anew.WaitExit(), 0) << anew.err();
  EXPECT_EQ(again.out(), anew.out());
}

}  // namespace
}  // namespace runner
