// A real disk that is full: a small tmpfs, mounted by the test in a mount
// namespace of its own, so that nothing of it is seen, or left, outside.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/journal_damage.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

constexpr int kQuestions = 300;
// Of each question and so of each answer: what is journaled of 300 is more
// than the space that the journal has taken ahead.
constexpr int kPromptBytes = 8 << 10;
constexpr uint64_t kDiskBytes = 48 << 20;
// The most that has been asked when the disk becomes full.
constexpr int kAskedBeforeMax = 40;
constexpr size_t kBallastStep = 64 << 10;

// Enters a mount namespace of its own; as another user than root within a user
// namespace. Says why it cannot. Before the first thread starts.
std::string EnterMountNamespace() {
  const uid_t uid = getuid();
  const gid_t gid = getgid();
  if (unshare(CLONE_NEWNS) != 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
      return absl::StrCat("unshare: ", strerror(errno));
    }
    WriteFile("/proc/self/setgroups", "deny");
    WriteFile("/proc/self/uid_map", absl::StrCat("0 ", uid, " 1"));
    WriteFile("/proc/self/gid_map", absl::StrCat("0 ", gid, " 1"));
  }
  // In a chroot "/" is no mount point: then what is mounted below it is seen
  // outside as well, until it is unmounted.
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 &&
      errno != EINVAL) {
    return absl::StrCat("make mounts private: ", strerror(errno));
  }
  return "";
}

// A tmpfs; unmounted at the end.
class SmallDisk {
 public:
  SmallDisk(const std::string& path, uint64_t bytes) : path_(path) {
    fs::create_directories(path);
    Mount(bytes, 0);
  }
  ~SmallDisk() { umount2(path_.c_str(), MNT_DETACH); }

  void Resize(uint64_t bytes) { Mount(bytes, MS_REMOUNT); }

  // Writes a file until nothing more goes in.
  void Fill() {
    const std::string ballast = path_ + "/ballast";
    const int fd = open(ballast.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_GE(fd, 0) << strerror(errno);
    const std::string zeros(kBallastStep, '\0');
    // Less and less, so that no page is left.
    for (size_t step = kBallastStep; step > 0;) {
      if (write(fd, zeros.data(), step) <= 0) step /= 2;
    }
    EXPECT_EQ(errno, ENOSPC);
    close(fd);
  }
  void Free() { fs::remove(path_ + "/ballast"); }

 private:
  void Mount(uint64_t bytes, unsigned long flags) {
    const std::string data = absl::StrCat("size=", bytes);
    ASSERT_EQ(mount("tmpfs", path_.c_str(), "tmpfs", flags, data.c_str()), 0)
        << path_ << ": " << strerror(errno)
        << "; this test mounts a tmpfs: run it as root, or where user "
           "namespaces are allowed";
  }

  const std::string path_;
};

class DiskFull : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (namespace_error_ == nullptr) {
      namespace_error_ = new std::string(EnterMountNamespace());
    }
  }

  void SetUp() override {
    ASSERT_EQ(*namespace_error_, "")
        << "a mount namespace is needed: run this test as root, or where user "
           "namespaces are allowed";
  }

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

  static std::string* namespace_error_;
};

std::string* DiskFull::namespace_error_ = nullptr;

TEST_F(DiskFull, RunEndsClearlyAndGoesOnWhenThereIsSpace) {
  const unsigned seed = std::random_device()();
  const size_t asked_before = 1 + std::mt19937(seed)() % kAskedBeforeMax;
  SCOPED_TRACE(absl::StrCat("full after ", asked_before, " questions"));
  Workplace place;
  Prepare(place, kQuestions);
  SmallDisk disk(place.Path("journals"), kDiskBytes);

  RunnerProcess runner = place.Start();
  ASSERT_TRUE(place.WaitForCalls(asked_before, runner)) << runner.err();
  disk.Fill();
  ExpectSaysSo(runner);
  EXPECT_LT(place.CallCounts().size(), static_cast<size_t>(kQuestions));
  EXPECT_TRUE(place.EverybodyIsGone());

  disk.Free();
  ASSERT_EQ(place.Run(), 0) << place.err();
  place.ExpectAskedOnceButInDoubt(kQuestions);
  EXPECT_EQ(place.ResultsWithoutTiming(), Uninterrupted(kQuestions));
  EXPECT_EQ(Inspect({"verify", place.JournalDirectory()}).exit_code, 0);
}

TEST_F(DiskFull, StillFullIsSaidAgainAndLosesNothing) {
  Workplace place;
  Prepare(place, kQuestions);
  SmallDisk disk(place.Path("journals"), kDiskBytes);
  RunnerProcess runner = place.Start();
  ASSERT_TRUE(place.WaitForCalls(20, runner)) << runner.err();
  disk.Fill();
  ExpectSaysSo(runner);
  const size_t asked = place.Calls().size();
  ExpectRunSaysSo(place);
  EXPECT_EQ(place.Calls().size(), asked) << "asked without room for the answer";
  disk.Free();
  ASSERT_EQ(place.Run(), 0) << place.err();
  place.ExpectAskedOnceButInDoubt(kQuestions);
}

TEST_F(DiskFull, SpaceMadeWhileItWaitsKeepsWhatWasAnswered) {
  Workplace place;
  Prepare(place, kQuestions);
  place.options["drain-timeout"] = "60s";
  SmallDisk disk(place.Path("journals"), kDiskBytes);
  RunnerProcess runner = place.Start();
  ASSERT_TRUE(place.WaitForCalls(20, runner)) << runner.err();
  disk.Fill();
  ASSERT_TRUE(place.WaitForMessage("disk is full", runner)) << runner.err();
  disk.Free();
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
  SmallDisk disk(place.Path("journals"), GetParam() << 10);
  ExpectRunSaysSo(place);
  EXPECT_EQ(place.Calls().size(), 0u);
  disk.Resize(kDiskBytes);
  ASSERT_EQ(place.Run(), 0) << place.err();
  EXPECT_EQ(place.Calls().size(), static_cast<size_t>(kFew));
  EXPECT_EQ(place.ResultsWithoutTiming(), Uninterrupted(kFew));
}

INSTANTIATE_TEST_SUITE_P(KiB, TooSmall, ::testing::Values(4, 8, 16, 60));

TEST_F(DiskFull, ResultsThatDoNotFitAreWrittenByTheSameCommandLater) {
  constexpr int kFew = 20;
  Workplace place;
  Prepare(place, kFew);
  SmallDisk disk(place.Path("out"), 1 << 20);
  disk.Fill();
  place.options["results"] = "out/results.json";
  ExpectRunSaysSo(place);
  EXPECT_EQ(place.Calls().size(), static_cast<size_t>(kFew));
  EXPECT_FALSE(place.Exists("out/results.json"));
  disk.Free();
  ASSERT_EQ(place.Run(), 0) << place.err();
  EXPECT_EQ(place.Calls().size(), static_cast<size_t>(kFew));
  EXPECT_TRUE(place.Exists("out/results.json"));
  EXPECT_TRUE(place.Exists("out/results.jsonl"));
}

}  // namespace
}  // namespace runner
