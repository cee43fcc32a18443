// journalctl-bench watch: what it shows of a run while it goes on.
#include <unistd.h>

#include "journal/cipher.h"
#include "runner/storage/record_codec.h"
#include "tools/journalctl_bench_fixture.h"
#include "tools/recent_rate.h"
#include "tools/watch_text.h"

namespace inspector {
namespace {

using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kHostile[] =
    "\x1b]0;owned\x07 \xe2\x80\xae\nnext \x9b"
    "31m";

std::string ErrorBody(uint32_t index, const std::string& type,
                      const std::string& message) {
  runner::AttemptErrorRecord error;
  error.key = {1, index, absl::StrCat("q", index)};
  error.attempt = 1;
  error.at = JournalBuilder::StartTime() + absl::Seconds(index);
  error.type = type;
  error.message = message;
  error.final = true;
  return runner::Encode(error);
}

class WatchCommandTest : public JournalctlBenchTest {
 protected:
  static void Fail(JournalBuilder& builder, uint32_t index,
                   const std::string& type, const std::string& message) {
    builder.Start(index);
    builder.AppendRaw(static_cast<uint16_t>(runner::RecordType::kAttemptError),
                      ErrorBody(index, type, message));
  }

  std::vector<nlohmann::json> Looks() const {
    std::vector<nlohmann::json> looks;
    for (const std::string& line : Lines()) {
      looks.push_back(nlohmann::json::parse(line));
    }
    return looks;
  }
};

TEST_F(WatchCommandTest, ShowsARunUntilItsEnd) {
  JournalBuilder builder(journal_, 3);
  builder.Finish(0);
  while_waiting_ = {[&] { builder.Finish(1); },
                    [&] { Fail(builder, 2, "timeout", "too slow"); },
                    [&] {
                      builder.Complete();
                      builder.Close();
                    }};
  EXPECT_EQ(Run({"watch", journal_}), 0) << err_;
  const std::string writer = absl::StrCat("running, pid ", getpid());
  EXPECT_THAT(
      Lines(),
      ElementsAre(
          AllOf(HasSubstr(" Processed 1/3 queries (33.3%), run 1/1, "),
                HasSubstr(writer)),
          AllOf(HasSubstr(" Processed 2/3 queries"), HasSubstr(writer)),
          AllOf(HasSubstr(" Processed 3/3 queries"), HasSubstr(", 1 failed"),
                HasSubstr("last error timeout"), HasSubstr(writer)),
          AllOf(HasSubstr(" Processed 3/3 queries"), HasSubstr("complete"))));
}

TEST_F(WatchCommandTest, AsJsonALineForEachLook) {
  JournalBuilder builder(journal_, 4);
  Fail(builder, 0, "timeout", "one");
  Fail(builder, 1, "http", "two");
  while_waiting_ = {[&] { Fail(builder, 2, "timeout", "three"); },
                    [&] { builder.Snapshot(); }, [&] { builder.Close(); }};
  EXPECT_EQ(Run({"watch", journal_, "--json"}), 0) << err_;
  const std::vector<nlohmann::json> looks = Looks();
  ASSERT_THAT(looks, SizeIs(4));
  EXPECT_EQ(looks[0]["done"], 2);
  EXPECT_EQ(looks[0]["pid"], getpid());
  EXPECT_EQ(looks[0]["errors"][0]["type"], "http");
  EXPECT_EQ(looks[1]["errors"][0]["type"], "timeout") << "the newest first";
  EXPECT_EQ(looks[1]["errors"][0]["count"], 2);
  EXPECT_EQ(looks[1]["errors"][0]["message"], "three");
  EXPECT_EQ(looks[1]["snapshot"], nullptr);
  EXPECT_EQ(looks[2]["snapshot"]["file"], "0000000001.manifest");
  EXPECT_EQ(looks[3]["status"], "interrupted");
  EXPECT_EQ(looks[3]["pid"], nullptr);
}

TEST_F(WatchCommandTest, AScreenIsDrawnInItsOwnPlace) {
  JournalBuilder builder(journal_, 3);
  Fail(builder, 0, kHostile, kHostile);
  while_waiting_ = {[&] { builder.Finish(1); }};
  style_.terminal = style_.moves = true;
  style_.columns = 60;
  EXPECT_EQ(Run({"watch", journal_}), 0) << err_;
  const std::vector<std::string> looks = absl::StrSplit(out_, "\x1b[J");
  ASSERT_THAT(looks, SizeIs(3));
  EXPECT_THAT(looks[0], AllOf(HasSubstr("1/3"), HasSubstr("ERROR"),
                              HasSubstr("no snapshot yet")));
  EXPECT_THAT(looks[1], AllOf(StartsWith("\x1b[5F"), HasSubstr("2/3")));
  EXPECT_THAT(out_, AllOf(Not(HasSubstr("\x1b]")), Not(HasSubstr("\x9b")),
                          Not(HasSubstr("\xe2\x80\xae"))));
}

TEST_F(WatchCommandTest, WhatNobodyWritesIsShownOnce) {
  WriteFinished();
  EXPECT_EQ(Run({"watch", journal_}), 0) << err_;
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("3/3 queries (100.0%)")));
  EXPECT_EQ(Run({"watch", root_ + "/nothing"}), 2);
  EXPECT_EQ(Run({"watch", journal_, "--interval", "1ms"}), 2);
  EXPECT_EQ(Run({"watch", journal_, "--interval", "soon"}), 2);
}

TEST_F(WatchCommandTest, ATornTailIsSaidAsInfoDoes) {
  JournalBuilder builder(journal_, 2);
  builder.Finish(0);
  builder.Kill();
  Overwrite(segment(), EndOffset(), "bjF1 and no more");
  const int exit_code = Run({"info", journal_});
  EXPECT_EQ(Run({"watch", journal_}), exit_code);
  EXPECT_EQ(exit_code, 10);
  EXPECT_THAT(err_, HasSubstr("nothing acknowledged is lost"));
}

TEST_F(WatchCommandTest, DamageThatComesEndsIt) {
  JournalBuilder builder(journal_, 3);
  while_waiting_ = {[&] {
                      const journal::Lsn lsn = builder.Start(0);
                      builder.Finish(1);
                      FlipBit(segment(), OffsetOf(lsn) + 60);
                    },
                    [&] { builder.Close(); }};  // Confirms what is damaged.
  EXPECT_EQ(Run({"watch", journal_, "--json"}), 11);
  EXPECT_THAT(err_, AllOf(HasSubstr("0000000001.seg"),
                          HasSubstr("next: journalctl-bench verify")));
}

TEST_F(WatchCommandTest, AnEncryptedRunNeedsItsKey) {
  WriteBytes(root_ + "/key", journal::NewKeyHex());
  const auto cipher = journal::Cipher::FromFile(root_ + "/key");
  ASSERT_TRUE(cipher.ok());
  JournalBuilder builder(journal_, 1, 1, JournalBuilder::StartTime(),
                         cipher->get());
  EXPECT_EQ(Run({"watch", journal_}), 2);
  EXPECT_THAT(err_, HasSubstr("--encryption-key-file"));
  EXPECT_EQ(Run({"watch", journal_, "--encryption-key-file", root_ + "/key"}),
            0);
  EXPECT_THAT(out_, HasSubstr("Processed 0/1 queries"));
}

TEST(WatchScreenTest, FitsTheScreen) {
  WatchedRun run;
  run.progress.title = std::string(300, 'x');
  for (int i = 0; i < 50; ++i) {
    run.errors.push_back({absl::StrCat("type", i),
                          1,
                          1,
                          absl::Now(),
                          {},
                          std::string(300, 'm')});
  }
  for (const size_t rows : {1, 2, 3, 4, 5, 24}) {
    const std::vector<std::string> lines =
        WatchScreen(run, {}, {.columns = 40, .rows = rows, .utf8 = false});
    EXPECT_THAT(lines, SizeIs(rows == 1   ? 1
                              : rows == 5 ? 3  // No head without a row.
                                          : rows - 1));
    EXPECT_THAT(lines, Each(SizeIs(testing::Le(39))));
  }
}

TEST(RecentRateTest, IsThatOfTheLastMinuteOrOfTheLastTwentyEvents) {
  const absl::Time start = absl::FromUnixSeconds(1'000'000);
  RecentRate rate;
  EXPECT_EQ(rate.PerSecond(start), 0);
  rate.Begin(start);
  for (int i = 0; i < 100; ++i) rate.Add(start + absl::Seconds(i));
  EXPECT_THAT(rate.PerSecond(start + absl::Seconds(100)), DoubleNear(1, 0.05));
  // A minute of ten a second makes the others forgotten.
  for (int i = 0; i < 700; ++i) {
    rate.Add(start + absl::Seconds(100 + i / 10));
  }
  EXPECT_THAT(rate.PerSecond(start + absl::Seconds(170)), DoubleNear(10, 0.5));
  EXPECT_LT(rate.PerSecond(start + absl::Seconds(300)), 4) << "it stands still";
  rate.Begin(start);
  for (int i = 1; i <= 50; ++i) rate.Add(start + absl::Minutes(i));
  EXPECT_THAT(rate.PerSecond(start + absl::Minutes(50)),
              DoubleNear(1.0 / 60, 0.002));
}

}  // namespace
}  // namespace inspector
