#include "runner/study/creation_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

namespace runner {
namespace {

using ::testing::HasSubstr;

class SilentConsole final : public Console {
 public:
  void Say(absl::string_view) override {}
  void Detail(absl::string_view) override {}
  void Error(absl::string_view) override {}
  void BeginProgress(const Progress&) override {}
  void Scored(const QueryKey&) override {}
  void Failed(const QueryKey&) override {}
  void Spent(double) override {}
  void EndProgress() override {}
};

TEST(CreationLockTest, WhoWaitsTooLongIsToldForWhom) {
  journal::FileSystem& fs = *journal::FileSystem::Posix();
  SilentConsole console;
  CreationLockOptions options;
  options.journal_dir = testing::TempDir() + "/creation_lock_test";
  options.wait_max = absl::ZeroDuration();
  std::unique_ptr<journal::FileLock> first, second;
  EXPECT_FALSE(TakeCreationLock(fs, options, console, &first).has_value());
  ASSERT_NE(first, nullptr);
  const absl::optional<Refusal> refusal =
      TakeCreationLock(fs, options, console, &second);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->exit_code, kExitLocked);
  EXPECT_THAT(refusal->message, HasSubstr(absl::StrCat(getpid())));
  EXPECT_EQ(second, nullptr);
  first.reset();
  EXPECT_FALSE(TakeCreationLock(fs, options, console, &second).has_value());
  EXPECT_NE(second, nullptr);
}

}  // namespace
}  // namespace runner
