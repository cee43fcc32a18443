// A real disk that is full: a small tmpfs, mounted by the test in a mount
// namespace of its own, so that nothing of it is seen, or left, outside.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/journal_damage.h"
#include "tests/mounted_disk.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

constexpr int kQuestions = 300;
// Of each question and so of each answer: what is journaled of 300 is more
// than the space that the journal has taken ahead.
constexpr int kPromptBytes = 8 << 10;
constexpr uint64_t kDiskBytes = 48 << 20;
// The most that has been asked when the disk becomes full.
constexpr int kAskedBeforeMax = 40;

class DiskFull : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(EnterMountNamespace(), "")
        << "a mount namespace is needed: run this test as root, or where user "
           "namespaces are allowed";
  }

  // What is asked from question `first` on is answered when LetGo() was called:
  // so a run cannot end before its disk is full.
  static void HoldFrom(Workplace& place, size_t first) {
    place.worker_flags.push_back(absl::StrCat("--hold=", first, ":go"));
  }
  static void LetGo(const Workplace& place) { place.Write("go", ""); }

  // The worker answers with the question itself.
  static void Prepare(Workplace& place, int questions) {
    std::string rows;
    for (int i = 1; i <= questions; ++i) {
      const std::string text =
          absl::StrCat(i, ":", std::string(kPromptBytes, 'a' + i % 26));
      absl::StrAppend(&rows, "{\"id\":\"q", i, "\",\"input\":\"", text,
                      "\",\"target\":\"", i % 10 == 0 ? "wrong" : text,
                      "\"}\n");
    }
    place.Write("questions.jsonl", rows);
    place.worker_flags = {"--log=calls.log"};
    place.options["workers"] = "4";
    // Nobody makes space while the run waits for it.
    place.options["drain-timeout"] = "200ms";
  }

  static std::string Uninterrupted(int questions) {
    Workplace quiet;
    Prepare(quiet, questions);
    EXPECT_EQ(quiet.Run(), 0) << quiet.err();
    return quiet.ResultsWithoutTiming();
  }

  static void ExpectSaysSo(RunnerProcess& runner) {
    EXPECT_EQ(runner.WaitExit(), 1);
    const std::string said = runner.err();
    EXPECT_TRUE(absl::StrContains(said, "disk is full") ||
                absl::StrContains(said, "No space left on device"))
        << said;
    EXPECT_TRUE(absl::StrContains(said, "run the same command again")) << said;
  }
  static void ExpectRunSaysSo(const Workplace& place) {
    RunnerProcess runner = place.Start();
    ExpectSaysSo(runner);
  }
};

TEST_F(DiskFull, RunEndsClearlyAndGoesOnWhenThereIsSpace) {
  const unsigned seed = std::random_device()();
  const size_t asked_before = 1 + std::mt19937(seed)() % kAskedBeforeMax;
  SCOPED_TRACE(absl::StrCat("full after ", asked_before, " questions"));
  Workplace place;
  Prepare(place, kQuestions);
  const auto disk = MountedDisk::Tmpfs(place.Path("journals"), kDiskBytes);

  HoldFrom(place, asked_before);
  RunnerProcess runner = place.Start();
  ASSERT_TRUE(place.WaitForCalls(asked_before, runner)) << runner.err();
  disk->Fill();
  LetGo(place);
  ExpectSaysSo(runner);
  EXPECT_LT(place.CallCounts().size(), static_cast<size_t>(kQuestions));
  EXPECT_TRUE(place.EverybodyIsGone());

  disk->Free();
  ASSERT_EQ(place.Run(), 0) << place.err();
  place.ExpectAskedOnceButInDoubt(kQuestions);
  EXPECT_EQ(place.ResultsWithoutTiming(), Uninterrupted(kQuestions));
  EXPECT_EQ(Inspect({"verify", place.JournalDirectory()}).exit_code, 0);
}

TEST_F(DiskFull, StillFullIsSaidAgainAndLosesNothing) {
  Workplace place;
  Prepare(place, kQuestions);
  const auto disk = MountedDisk::Tmpfs(place.Path("journals"), kDiskBytes);
  HoldFrom(place, 20);
  RunnerProcess runner = place.Start();
  ASSERT_TRUE(place.WaitForCalls(20, runner)) << runner.err();
  disk->Fill();
  LetGo(place);
  ExpectSaysSo(runner);
  const size_t asked = place.Calls().size();
  ExpectRunSaysSo(place);
  EXPECT_EQ(place.Calls().size(), asked) << "asked without room for the answer";
  disk->Free();
  ASSERT_EQ(place.Run(), 0) << place.err();
  place.ExpectAskedOnceButInDoubt(kQuestions);
}

TEST_F(DiskFull, SpaceMadeWhileItWaitsKeepsWhatWasAnswered) {
  Workplace place;
  Prepare(place, kQuestions);
  place.options["drain-timeout"] = "60s";
  const auto disk = MountedDisk::Tmpfs(place.Path("journals"), kDiskBytes);
  HoldFrom(place, 20);
  RunnerProcess runner = place.Start();
  ASSERT_TRUE(place.WaitForCalls(20, runner)) << runner.err();
  disk->Fill();
  LetGo(place);
  ASSERT_TRUE(place.WaitForMessage("disk is full", runner)) << runner.err();
  disk->Free();
  ExpectSaysSo(runner);
  ASSERT_EQ(place.Run(), 0) << place.err();
  place.ExpectAskedOnceButInDoubt(kQuestions);
  EXPECT_EQ(place.Calls().size(), static_cast<size_t>(kQuestions))
      << "an answer that was there was thrown away";
}

// Sizes at which different steps of a journal's creation fail.
class TooSmall : public DiskFull, public ::testing::WithParamInterface<int> {};

TEST_P(TooSmall, FromTheStartIsSaidBeforeAnythingIsAsked) {
  constexpr int kFew = 20;
  Workplace place;
  Prepare(place, kFew);
  const auto disk =
      MountedDisk::Tmpfs(place.Path("journals"), GetParam() << 10);
  ExpectRunSaysSo(place);
  EXPECT_EQ(place.Calls().size(), 0u);
  disk->Resize(kDiskBytes);
  ASSERT_EQ(place.Run(), 0) << place.err();
  EXPECT_EQ(place.Calls().size(), static_cast<size_t>(kFew));
  EXPECT_EQ(place.ResultsWithoutTiming(), Uninterrupted(kFew));
}

INSTANTIATE_TEST_SUITE_P(KiB, TooSmall, ::testing::Values(4, 8, 16, 60));

TEST_F(DiskFull, ResultsThatDoNotFitAreWrittenByTheSameCommandLater) {
  constexpr int kFew = 20;
  Workplace place;
  Prepare(place, kFew);
  const auto disk = MountedDisk::Tmpfs(place.Path("out"), 1 << 20);
  disk->Fill();
  place.options["results"] = "out/results.json";
  ExpectRunSaysSo(place);
  EXPECT_EQ(place.Calls().size(), static_cast<size_t>(kFew));
  EXPECT_FALSE(place.Exists("out/results.json"));
  disk->Free();
  ASSERT_EQ(place.Run(), 0) << place.err();
  EXPECT_EQ(place.Calls().size(), static_cast<size_t>(kFew));
  EXPECT_TRUE(place.Exists("out/results.json"));
  EXPECT_TRUE(place.Exists("out/results.jsonl"));
}

}  // namespace
}  // namespace runner
