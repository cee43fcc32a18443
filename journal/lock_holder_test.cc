#include "journal/lock_holder.h"

#include <unistd.h>

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "gtest/gtest.h"

namespace journal {
namespace {

LockHolder Me() { return *ThisProcess(); }

std::string Stat(absl::string_view name, absl::string_view state = "S") {
  return absl::StrCat("77 (", name, ") ", state,
                      " 1 77 77 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 "
                      "345678 5000000 300 18446744073709551615\n");
}

TEST(LockHolderTest, ThisProcessIsAlive) {
  EXPECT_EQ(Me().pid, getpid());
  EXPECT_TRUE(IsAlive(Me()));
}

TEST(LockHolderTest, TextIsReadBack) {
  const absl::optional<LockHolder> read =
      ParseLockHolder(FormatLockHolder(Me()));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->pid, Me().pid);
  EXPECT_EQ(read->boot_id, Me().boot_id);
  EXPECT_EQ(read->start_time_ticks, Me().start_time_ticks);
}

TEST(LockHolderTest, PidGivenToAnotherProcessIsNotAlive) {
  LockHolder earlier = Me();
  earlier.start_time_ticks -= 1;
  EXPECT_FALSE(IsAlive(earlier));
}

TEST(LockHolderTest, ProcessOfAnEarlierBootIsNotAlive) {
  LockHolder earlier = Me();
  earlier.boot_id = "00000000-0000-0000-0000-000000000000";
  EXPECT_FALSE(IsAlive(earlier));
}

TEST(LockHolderTest, HalfWrittenTextIsNothing) {
  const std::string whole = FormatLockHolder(Me());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ParseLockHolder(whole.substr(0, size)).has_value()) << size;
  }
}

TEST(LockHolderTest, RestOfALongerTextIsIgnored) {
  const auto read = ParseLockHolder("pid=5 boot_id=b start_time=6\n567\n");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->start_time_ticks, 6u);
}

TEST(LockHolderTest, OtherTextIsNothing) {
  for (absl::string_view text :
       {"\n", "12\n", "pid=x boot_id=b start_time=6\n",
        "pid=-1 boot_id=b start_time=6\n", "pid=0 boot_id=b start_time=6\n",
        "pid=5 boot_id= start_time=6\n", "pid=5 boot_id=b start_time=\n",
        "boot_id=b pid=5 start_time=6\n", "pid=5 boot_id=b start_time=6 7\n",
        "pid=99999999999999999999 boot_id=b start_time=6\n"}) {
    EXPECT_FALSE(ParseLockHolder(text).has_value()) << text;
  }
}

TEST(LockHolderTest, StartTimeIsFoundWhateverTheProgramIsCalled) {
  for (absl::string_view name : {"bench", "a b", "(", ") S 1 2 3", ""}) {
    EXPECT_EQ(StartTimeOf(Stat(name)), 345678u) << name;
  }
}

TEST(LockHolderTest, EndedProcessHasNoStartTime) {
  EXPECT_TRUE(StartTimeOf(Stat("bench", "R")).has_value());
  EXPECT_FALSE(StartTimeOf(Stat("bench", "Z")).has_value());
  EXPECT_FALSE(StartTimeOf(Stat("bench", "X")).has_value());
}

TEST(LockHolderTest, CutStatHasNoStartTime) {
  EXPECT_FALSE(StartTimeOf("").has_value());
  EXPECT_FALSE(StartTimeOf("77 (bench").has_value());
  EXPECT_FALSE(StartTimeOf("77 (bench) S 1 77").has_value());
}

}  // namespace
}  // namespace journal
