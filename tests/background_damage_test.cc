// Damage far behind in a large journal, of which opening reads the newest part
// alone: it is met while the run goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "runner/storage/benchmark_journal.h"
#include "tests/journal_damage.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Long answers, so that the engine keeps a state behind them (16 MiB), and then
// so many short ones that what is read behind is read long before their end.
constexpr int kLong = 40;
constexpr int kShort = 400;
constexpr size_t kLongBytes = 600 << 10;
constexpr char kShortTakesMs[] = "--slow=250";

class BackgroundDamageTest : public testing::Test {
 protected:
  BackgroundDamageTest() {
    std::mt19937 random(1);
    std::string rows;
    for (int i = 1; i <= kLong + kShort; ++i) {
      std::string text = absl::StrCat(i, ":");
      while (i <= kLong && text.size() < kLongBytes) {
        text += static_cast<char>('a' + random() % 26);
      }
      absl::StrAppend(&rows, "{\"id\":\"q", i, "\",\"input\":\"", text,
                      "\",\"target\":\"", text, "\"}\n");
    }
    place_.Write("questions.jsonl", rows);
    place_.worker_flags = {"--log=calls.log"};
    place_.options["workers"] = "1";
  }

  // Leaves a journal of the long answers, and looks as if it were so large that
  // it is not read as a whole: the file that makes it so is a hole.
  void AnswerTheLong() {
    place_.worker_flags.push_back(absl::StrCat("--hold=", kLong + 1, ":go"));
    RunnerProcess runner = place_.Start();
    ASSERT_TRUE(place_.WaitForCalls(kLong + 1, runner)) << runner.err();
    EXPECT_TRUE(runner.Kill9());
    place_.worker_flags.back() = kShortTakesMs;
    const std::string hole = place_.JournalDirectory() + "/hole";
    WriteFile(hole, "");
    std::filesystem::resize_file(hole, kVerifiedBytesMax);
  }

  // Flips a bit of an answer in the third segment; its LSN.
  uint64_t DamageAnAnswer() {
    const std::string path = place_.JournalDirectory() + "/0000000003.seg";
    for (const FramePlace& frame : FramesOf(path)) {
      if (frame.end - frame.offset < kLongBytes) continue;
      std::string segment = ReadFile(path);
      segment[frame.offset + kLongBytes / 2] ^= 1;
      WriteFile(path, segment);
      return frame.lsn;
    }
    ADD_FAILURE() << "no answer in " << path;
    return 0;
  }

  Workplace place_;
};

TEST_F(BackgroundDamageTest, EndsTheRunWith11AndKeepsWhatIsAnswered) {
  AnswerTheLong();
  const uint64_t lsn = DamageAnAnswer();
  const size_t before = place_.Calls().size();

  EXPECT_EQ(place_.Run(), 11) << place_.err();
  EXPECT_THAT(place_.err(), AllOf(HasSubstr("0000000003.seg"),
                                  HasSubstr(absl::StrCat("LSN ", lsn)),
                                  HasSubstr("journalctl-bench verify")));
  const size_t asked = place_.Calls().size();
  EXPECT_GT(asked, before) << "it was read as a whole before the run went on";
  EXPECT_LT(asked, static_cast<size_t>(kLong + kShort));
  EXPECT_EQ(Inspect({"verify", place_.JournalDirectory()}).exit_code, 11);

  // All that was answered is there still, but for the one answer.
  ASSERT_EQ(Inspect({"repair", place_.JournalDirectory()}).exit_code, 0);
  place_.worker_flags.pop_back();
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  std::map<QueryName, int> in_doubt = place_.InDoubtCounts();
  std::map<QueryName, int> calls = place_.CallCounts();
  int long_again = 0;
  for (int i = 1; i <= kLong; ++i) {
    long_again += calls[absl::StrCat("1/q", i, "/0")] - 1;
  }
  EXPECT_EQ(long_again, 1) << "the lost answer's query alone";
  for (const auto& [query, count] : calls) {
    EXPECT_LE(count, 1 + in_doubt[query]) << query;
  }
}

}  // namespace
}  // namespace runner
