// Memory that runs short while a benchmark runs: the kernel's file is one of
// ours, mounted over it.
#include "runner/study/memory_pressure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/mounted_disk.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr size_t kQuestions = 60;

class MemoryPressureTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(EnterMountNamespace(), "");
    file_ = PressureSources::OfThisProcess().pressure_file;
    Stall("0.00");
    ASSERT_EQ(mount(place_.Path("pressure").c_str(), file_.c_str(), nullptr,
                    MS_BIND, nullptr),
              0)
        << file_ << ": " << strerror(errno);
    place_.options["workers"] = "4";
    place_.WriteDataset(kQuestions);
  }
  void TearDown() override { umount2(file_.c_str(), MNT_DETACH); }

  void Stall(const std::string& percent) {
    place_.Write("pressure", absl::StrCat("some avg10=", percent,
                                          " avg60=0.00 avg300=0.00 total=1\n"));
  }

  Workplace place_;
  std::string file_;
};

TEST_F(MemoryPressureTest, FlushesSaysSoOnceAndGoesOn) {
  place_.worker_flags.push_back("--hold=20:go");
  RunnerProcess runner = place_.Start();
  ASSERT_TRUE(place_.WaitForCalls(20, runner)) << runner.err();
  Stall("40.00");
  ASSERT_TRUE(place_.WaitForMessage("Memory runs short (40%", runner))
      << runner.err();
  EXPECT_THAT(runner.err(), HasSubstr("at most 2 under way for now"));
  place_.Write("go", "");
  EXPECT_EQ(runner.WaitExit(), 0) << runner.err();
  const std::string err = runner.err();
  EXPECT_EQ(err.find("Memory runs short"), err.rfind("Memory runs short"));
  place_.ExpectAskedOnceButInDoubt(kQuestions);
  // A record of type Checkpoint.
  bool recorded = false;
  for (const std::string& record : place_.Records(place_.Journals().at(0))) {
    recorded |= absl::StrContains(record.substr(0, 24), ":17:");
  }
  EXPECT_TRUE(recorded);
}

TEST_F(MemoryPressureTest, NoneIsNotSpokenOf) {
  EXPECT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_THAT(place_.err(), Not(HasSubstr("Memory")));
}

}  // namespace
}  // namespace runner
