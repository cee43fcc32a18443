#include "runner/display/progress_display.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "runner/base/printable.h"

namespace runner {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

class FakeClock final : public journal::Clock {
 public:
  absl::Time Now() override { return start_ + passed_; }
  absl::Duration Monotonic() override { return passed_; }
  bool WaitWithTimeout(absl::CondVar*, absl::Mutex*, absl::Duration) override {
    return true;
  }
  void Advance(absl::Duration time) { passed_ += time; }

 private:
  const absl::Time start_ = absl::FromCivil(
      absl::CivilSecond(2026, 1, 2, 15, 30, 22), absl::UTCTimeZone());
  absl::Duration passed_;
};

Progress Sample() {
  Progress progress;
  progress.title = "gsm8k/gpt-4";
  progress.total = 10000;
  progress.done = 3240;
  progress.failed = 3;
  progress.run = 2;
  progress.runs = 5;
  progress.query_id = "q3241";
  progress.cost = 1.23;
  return progress;
}

TEST(FormatBarTest, IsTqdms) {
  BarStyle style;
  style.columns = 121;
  EXPECT_EQ(FormatBar(Sample(), absl::Minutes(15) + absl::Seconds(26), style),
            "gsm8k/gpt-4:  32%|███████▍               | 3,240/10,000 "
            "[15:26<32:12, 3.50 queries/s, run=2/5, q=q3241, failed=3, $1.23]");
}

TEST(FormatBarTest, ResumedQueriesCountNeitherForRateNorEta) {
  Progress progress = Sample();
  progress.resumed = 3140;  // 100 in 50 s; 6,760 are left.
  EXPECT_THAT(FormatBar(progress, absl::Seconds(50), {200}),
              HasSubstr(" 32%|"));
  EXPECT_THAT(FormatBar(progress, absl::Seconds(50), {200}),
              HasSubstr("[00:50<56:20, 2.00 queries/s"));
}

TEST(FormatBarTest, BeforeTheFirstAnswerNothingIsKnown) {
  Progress progress = Sample();
  progress.resumed = progress.done;
  progress.query_id = "";
  progress.cost.reset();
  EXPECT_THAT(FormatBar(progress, absl::Seconds(1), {200}),
              HasSubstr("[00:01<?, ? queries/s, run=2/5, failed=3]"));
}

TEST(FormatBarTest, NeverFillsTheLastColumn) {
  for (size_t columns = 0; columns < 200; ++columns) {
    const std::string bar =
        FormatBar(Sample(), absl::Hours(30), {columns, columns % 2 == 0});
    EXPECT_LT(DisplayWidth(bar), std::max<size_t>(columns, 2)) << bar;
  }
}

TEST(FormatBarTest, ANarrowTerminalLosesTheQueryFirst) {
  const std::string bar = FormatBar(Sample(), absl::Seconds(60), {90});
  EXPECT_THAT(bar, Not(HasSubstr("q=q3241")));
  EXPECT_THAT(bar, HasSubstr("failed=3"));
}

TEST(FormatBarTest, HundredPercentMeansAll) {
  Progress progress = Sample();
  progress.done = progress.total - 1;
  EXPECT_THAT(FormatBar(progress, absl::Seconds(9), {100}), HasSubstr(" 99%"));
  progress.done = progress.total;
  EXPECT_THAT(FormatBar(progress, absl::Seconds(9), {100}),
              HasSubstr("100%|█"));
  progress.total = progress.done = 0;
  EXPECT_THAT(FormatBar(progress, absl::Seconds(9), {100}), HasSubstr("100%"));
}

TEST(FormatBarTest, HostileIdsAreTamed) {
  Progress progress = Sample();
  progress.query_id = "\x1b[2J\n\xff" + std::string(1000, 'x');
  const std::string bar = FormatBar(progress, absl::Seconds(9), {200});
  EXPECT_THAT(bar, HasSubstr("q=\\x1b[2J\\n\\xffxxxxxxx,"));
}

TEST(FormatBarTest, ColorIsAddedNotCounted) {
  BarStyle style{117, true, false};
  const std::string plain = FormatBar(Sample(), absl::Seconds(9), style);
  style.color = true;
  const std::string color = FormatBar(Sample(), absl::Seconds(9), style);
  EXPECT_THAT(color, HasSubstr("\x1b[31mfailed=3\x1b[0m"));
  EXPECT_EQ(color.size(), plain.size() + 9);
}

TEST(FormatPlainProgressTest, ARateThatIsGivenGoesBeforeThatOfTheSession) {
  Progress progress;
  progress.total = 100;
  progress.done = 10;
  progress.rate = 0.5;
  EXPECT_THAT(FormatPlainProgress(progress, absl::Seconds(1)),
              HasSubstr("0.5 queries/s, eta 3:00"));
}

TEST(FormatPlainProgressTest, IsOneLine) {
  Progress progress;
  progress.total = 100;
  progress.done = 10;
  progress.failed = 2;
  progress.runs = 5;
  EXPECT_EQ(FormatPlainProgress(progress, absl::Milliseconds(2800)),
            "Processed 10/100 queries (10.0%), run 1/5, 3.6 queries/s, eta "
            "0:25, 2 failed");
}

TEST(FormatTest, Numbers) {
  EXPECT_EQ(WithThousands(0), "0");
  EXPECT_EQ(WithThousands(999), "999");
  EXPECT_EQ(WithThousands(1000), "1,000");
  EXPECT_EQ(WithThousands(1234567), "1,234,567");
  EXPECT_EQ(FormatDollars(1234.5), "$1,234.50");
  EXPECT_EQ(FormatDollars(0), "$0.00");
  EXPECT_EQ(FormatDollars(0.0012), "$0.0012");
  EXPECT_EQ(FormatClock(absl::Seconds(3723)), "1:02:03");
  EXPECT_EQ(FormatClock(-absl::Seconds(5)), "00:00");
}

TEST(PrintableTest, OnlyWhatIsHarmlessPasses) {
  EXPECT_EQ(Printable("naïve 漢字 🙂"), "naïve 漢字 🙂");
  EXPECT_EQ(Printable("\x1b[31m\r\n\t\x7f\xc2\x9b"),
            "\\x1b[31m\\r\\n\\t\\x7f\\u009b");
  EXPECT_EQ(Printable("a\xe2\x80\xae"
                      "b"),
            "a\\u202eb");
  EXPECT_EQ(Printable("\xed\xa0\x80\xc0\xaf\xe2\x82"),
            "\\xed\\xa0\\x80\\xc0\\xaf\\xe2\\x82");
}

TEST(PrintableTest, WidthsAndCuts) {
  EXPECT_EQ(DisplayWidth("a漢e\xcc\x81"), 4);
  EXPECT_EQ(CutToWidth("漢字", 3), "漢");
  EXPECT_EQ(Excerpt("abcdefgh", 6), "abc...");
  EXPECT_EQ(Excerpt("abcdef", 6), "abcdef");
}

TEST(FormatEventTest, IsJson) {
  FakeClock clock;
  Progress progress = Sample();
  progress.query_id = "a\"\n";
  EXPECT_EQ(
      FormatProgressEvent(progress, absl::Seconds(1620), clock.Now()),
      "{\"event\":\"progress\",\"time\":\"2026-01-02T15:30:22.000Z\","
      "\"benchmark\":\"gsm8k/gpt-4\",\"done\":3240,\"total\":10000,"
      "\"resumed\":0,\"failed\":3,\"run\":2,\"runs\":5,\"query\":\"a\\\"\\n\","
      "\"elapsed_seconds\":1620,\"rate\":2,\"eta_seconds\":3380,"
      "\"cost\":1.23}\n");
  EXPECT_EQ(FormatMessageEvent("info", "x\x1b", clock.Now()),
            "{\"event\":\"message\",\"time\":\"2026-01-02T15:30:22.000Z\","
            "\"level\":\"info\",\"text\":\"x\\u001b\"}\n");
}

TEST(ScoreTableTest, IsAligned) {
  ScoreRow good;
  good.label = "gsm8k/175b";
  good.scorer = "numeric";
  good.n = 1319;
  good.completed = 1319;
  good.mean = 0.5625;
  good.ci = {0.5356, 0.5891};
  good.stderr_of_mean = 0.0137;
  ScoreRow none;
  none.label = "漢";
  none.scorer = "numeric";
  EXPECT_EQ(FormatScoreTable({good, none}),
            "benchmark   scorer       n  errors   score      95% interval  "
            "stderr\n"
            "gsm8k/175b  numeric  1,319       0  0.5625  [0.5356, 0.5891]  "
            "0.0137\n"
            "漢          numeric      0       0       -                 -  "
            "     -\n");
  EXPECT_EQ(FormatScoreTable({}), "");
}

TEST(ScoreTableTest, FailuresShowBounds) {
  ScoreRow row;
  row.label = "b";
  row.scorer = "s";
  row.n = 10;
  row.completed = 9;
  row.failed = 1;
  row.unparsed = 2;
  row.mean = 0.5;
  row.bounds = {0.45, 0.55};
  const std::string table = FormatScoreTable({row});
  EXPECT_THAT(table, HasSubstr("  n err unparsed "));
  EXPECT_THAT(table, EndsWith("-      - [0.4500,0.5500]\n"));
}

TEST(ScoreTableTest, OneQueryDoesNotSpread) {
  ScoreRow row;
  row.label = "b";
  row.scorer = "s";
  row.n = row.completed = 1;
  row.mean = 1;
  EXPECT_THAT(FormatScoreTable({row}),
              EndsWith("\nb          s       1       0  1.0000             -"
                       "       -\n"));
}

TEST(ScoreTableTest, WhatIsNotDoneShows) {
  ScoreRow row;
  row.n = 150;
  row.completed = 10;
  row.mean = 1;
  EXPECT_THAT(FormatScoreTable({row}), HasSubstr("  n  done  errors"));
  EXPECT_THAT(FormatScoreTable({row}), HasSubstr(" 150    10       0  1.0000"));
  row.failed = 140;
  EXPECT_THAT(FormatScoreTable({row}), Not(HasSubstr("done")));
}

TEST(ScoreTableTest, AWideOneIsSetCloser) {
  ScoreRow row;
  row.label = "gsm8k/gpt-4";
  row.scorer = "exact_match";
  row.n = 1319;
  row.completed = 1200;
  row.failed = 9;
  row.mean = row.stderr_of_mean = 0.5;
  row.ci = row.bounds = {0.25, 0.75};
  EXPECT_EQ(
      FormatScoreTable({row}),
      "benchmark   scorer          n  done err  score    95% interval stderr"
      "          bounds\n"
      "gsm8k/gpt-4 exact_match 1,319 1,200   9 0.5000 [0.2500,0.7500] 0.5000"
      " [0.2500,0.7500]\n");
}

TEST(ScoreTableTest, SeveralRunsShowWhatPasses) {
  ScoreRow row;
  row.mean = 0.5;
  row.pass_k = 5;
  row.pass_at = 0.75;
  row.pass_hat = 0.25;
  const std::string table = FormatScoreTable({row, ScoreRow()});
  EXPECT_THAT(table, HasSubstr("stderr  pass@5  pass^5\n"));
  EXPECT_THAT(table, HasSubstr("0.7500  0.2500\n"));
  EXPECT_THAT(table, EndsWith("     -       -\n"));
  row.pass_k = 1;  // The score itself.
  EXPECT_THAT(FormatScoreTable({row}), Not(HasSubstr("pass")));
}

TEST(ScoreTableTest, OnATerminalItFitsInTwoBlocks) {
  ScoreRow row;
  row.label = "questions-with-a-long-name/gpt-4.1-mini";
  row.scorer = "exact_match";
  row.n = 1319;
  row.completed = 1310;
  row.failed = 9;
  row.mean = row.stderr_of_mean = row.pass_at = row.pass_hat = 0.5;
  row.pass_k = 5;
  row.ci = row.bounds = {0.25, 0.75};
  const std::string table = FormatScoreTable({row}, 70);
  for (const absl::string_view line : absl::StrSplit(table, '\n')) {
    EXPECT_LE(DisplayWidth(line), 70u) << line;
  }
  EXPECT_THAT(table, HasSubstr(" err  score    95% interval\n..."));
  EXPECT_THAT(table, HasSubstr("/gpt-4.1-mini exact_match 1,319   9 0.5000 "
                               "[0.2500,0.7500]\n\nbenchmark "));
  EXPECT_THAT(table, HasSubstr(" stderr pass@5 pass^5          bounds\n..."));
  EXPECT_THAT(table, EndsWith("gpt-4.1-mini exact_match 0.5000 0.5000 0.5000 "
                              "[0.2500,0.7500]\n"));
  // In a pipe, and where there is room.
  EXPECT_EQ(FormatScoreTable({row}), FormatScoreTable({row}, 122));
  EXPECT_THAT(FormatScoreTable({row}, 200), HasSubstr("  n  errors   score"));
}

TEST(FormatPercentTest, HundredMeansAll) {
  EXPECT_EQ(FormatPercent(2499, 2500), "99.9%");
  EXPECT_EQ(FormatPercent(2500, 2500), "100.0%");
  EXPECT_EQ(FormatPercent((uint64_t{1} << 63) - 1, uint64_t{1} << 63), "99.9%");
  EXPECT_EQ(FormatPercent(29, 100), "29.0%");
  EXPECT_EQ(FormatPercent(150, 100), "150.0%");
  EXPECT_EQ(FormatPercent(0, 0), "100.0%");
}

TEST(ProgressFormatTest, AStudysProgressIsShown) {
  Progress progress;
  progress.title = "[2/3] b";
  progress.total = 100;
  progress.done = 50;
  progress.study_total = 300;
  progress.study_before = 100;
  EXPECT_THAT(FormatBar(progress, absl::Seconds(1), {.columns = 200}),
              HasSubstr("failed=0, study=50%]"));
  EXPECT_THAT(FormatPlainProgress(progress, absl::Seconds(1)),
              EndsWith("0 failed, study 50.0%"));
  EXPECT_THAT(
      FormatProgressEvent(progress, absl::Seconds(1), absl::UnixEpoch()),
      HasSubstr(",\"study_done\":150,\"study_total\":300}"));
}

class ProgressDisplayTest : public testing::Test {
 protected:
  using Mode = ProgressDisplay::Mode;

  void Open(Mode mode) {
    display_.reset();
    ProgressDisplay::Options options;
    options.mode = mode;
    options.clock = &clock_;
    options.columns = [this] { return columns_; };
    options.err = [this](absl::string_view text) {
      absl::StrAppend(&err_, text);
    };
    options.out = [this](absl::string_view text) {
      absl::StrAppend(&out_, text);
    };
    options.log = [this](absl::string_view text) {
      absl::StrAppend(&log_, text);
    };
    display_ = std::make_unique<ProgressDisplay>(options);
    progress_.title = "b";
    progress_.total = 100;
    progress_.done = 0;
    display_->Begin(progress_);
  }

  void FinishQueries(uint64_t count, absl::Duration each) {
    for (uint64_t i = 0; i < count; ++i) {
      clock_.Advance(each);
      ++progress_.done;
      display_->Update(progress_);
    }
  }

  static size_t Count(const std::string& text, absl::string_view what) {
    const std::vector<std::string> parts = absl::StrSplit(text, what);
    return parts.size() - 1;
  }

  FakeClock clock_;
  size_t columns_ = 120;
  std::string err_, out_, log_;
  Progress progress_;
  std::unique_ptr<ProgressDisplay> display_;
};

TEST_F(ProgressDisplayTest, TheBarIsRedrawnTenTimesASecond) {
  Open(Mode::kBar);
  FinishQueries(100, absl::Milliseconds(10));
  EXPECT_EQ(Count(err_, "\r\x1b[K"), 1 + 10);
  EXPECT_THAT(err_, Not(HasSubstr("\n")));
  display_->Finish();
  EXPECT_THAT(err_, EndsWith("failed=0]\n"));
  display_.reset();
  EXPECT_EQ(Count(err_, "\n"), 1);
}

TEST_F(ProgressDisplayTest, MessagesStandAboveTheBar) {
  Open(Mode::kBar);
  err_.clear();
  display_->Message("Found journal: \x1b[2Jx\nmore");
  EXPECT_THAT(err_, StartsWith("\r\x1b[K[15:30:22] Found journal: "
                               "\\x1b[2Jx\n[15:30:22] more\nb:   0%|"));
}

TEST_F(ProgressDisplayTest, TheTerminalsWidthIsAskedEachTime) {
  Open(Mode::kBar);
  columns_ = 60;
  err_.clear();
  FinishQueries(1, absl::Seconds(1));
  EXPECT_LT(DisplayWidth(err_.substr(4)), 60);
}

TEST_F(ProgressDisplayTest, LinesComeEveryFiveSeconds) {
  Open(Mode::kLines);
  FinishQueries(100, absl::Milliseconds(110));  // 11 s.
  EXPECT_EQ(err_,
            "[15:30:27] Processed 46/100 queries (46.0%), run 1/1, 9.1 "
            "queries/s, eta 0:05, 0 failed\n"
            "[15:30:32] Processed 92/100 queries (92.0%), run 1/1, 9.1 "
            "queries/s, eta 0:00, 0 failed\n");
  display_->Finish();
  EXPECT_THAT(err_, EndsWith("Processed 100/100 queries (100.0%), run 1/1, 9.1 "
                             "queries/s, eta 0:00, 0 failed\n"));
}

TEST_F(ProgressDisplayTest, QuietShowsWhatIsWrongOnly) {
  Open(Mode::kQuiet);
  FinishQueries(100, absl::Seconds(1));
  display_->Message("all is well");
  display_->Print("table\n");
  display_->Finish();
  EXPECT_EQ(err_ + out_, "");
  display_->Message("disk full", MessageLevel::kError);
  EXPECT_EQ(err_, "[15:32:02] disk full\n");
  display_->Message("only with --verbose", MessageLevel::kVerbose);
  EXPECT_THAT(log_, MatchesRegex("....-..-.. 15:32:02 all is well\n"
                                 "....-..-.. 15:32:02 disk full\n"
                                 "....-..-.. 15:32:02 only with --verbose\n"));
}

TEST_F(ProgressDisplayTest, JsonGoesToStdoutAndNothingToStderr) {
  Open(Mode::kJson);
  FinishQueries(6, absl::Seconds(1));
  display_->Message("hello");
  display_->Finish();
  EXPECT_EQ(err_, "");
  EXPECT_EQ(Count(out_, "\"event\":\"progress\""), 2);
  EXPECT_EQ(Count(out_, "\"event\":\"message\""), 1);
  EXPECT_EQ(Count(out_, "\n"), 3);
}

TEST_F(ProgressDisplayTest, VerboseMessagesNeedTheOption) {
  Open(Mode::kLines);
  display_->Message("Skipping completed query: q1", MessageLevel::kVerbose);
  EXPECT_EQ(err_, "");
}

}  // namespace
}  // namespace runner
