// What a study spends, and what stops it.
#include "runner/study/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/synchronization/notification.h"
#include "journal/testing/fake_clock.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/study/cost_summary.h"
#include "runner/study/limits.h"
#include "runner/study/metered_evaluator.h"
#include "runner/study/standing_limit.h"

namespace runner {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Usage Tokens(uint64_t prompt, uint64_t completion) {
  return {.prompt_tokens = prompt,
          .completion_tokens = completion,
          .metered = true};
}

class LedgerTest : public testing::Test {
 protected:
  absl::optional<LimitReached> Checked() const {
    return CheckLimits(limits_, ledger_.total());
  }

  journal::FakeClock clock_;
  Ledger ledger_{&clock_};
  RunLimits limits_;
};

TEST_F(LedgerTest, AddsWhatJournalsSayAndWhatIsSpentNow) {
  ledger_.Carry(0, "a", {.prompt_tokens = 10, .cost = 1});
  ledger_.Carry(1, "b", {.completion_tokens = 5, .cost = 2, .unpriced = 1});
  ledger_.AddAttempt(0, Tokens(3, 4), 0.5, /*answered=*/true);
  ledger_.AddAttempt(1, {}, {}, /*answered=*/true);
  ledger_.AddAttempt(1, {}, {}, /*answered=*/false);
  const Spending total = ledger_.total();
  EXPECT_EQ(total.cost, 3.5);
  EXPECT_EQ(total.tokens(), 22u);
  EXPECT_EQ(total.unmetered, 2u);
  EXPECT_EQ(total.unpriced, 2u);
  EXPECT_EQ(ledger_.by_model()["a"].cost, 1.5);
  EXPECT_EQ(ledger_.by_model()["b"].completion_tokens, 5u);
}

TEST_F(LedgerTest, WhatAJournalSaysReplacesWhatWasThoughtOfIt) {
  ledger_.Carry(0, "a", {.cost = 9});
  ledger_.Carry(0, "a", {.cost = 1});
  EXPECT_EQ(ledger_.total().cost, 1);
}

TEST_F(LedgerTest, TimeIsThatOfAllSessionsAndOfThisOne) {
  ledger_.Carry(0, "", {.elapsed = absl::Seconds(20)});
  ledger_.Carry(1, "", {.elapsed = absl::Seconds(10)});
  EXPECT_EQ(ledger_.total().elapsed, absl::Seconds(30));
  clock_.Advance(absl::Seconds(100));  // Nobody's.
  ledger_.BeginSession(1);
  clock_.Advance(absl::Seconds(5));
  EXPECT_EQ(ledger_.total().elapsed, absl::Seconds(35));
  clock_.Advance(absl::Seconds(5));
  ledger_.EndSession();
  clock_.Advance(absl::Seconds(100));
  EXPECT_EQ(ledger_.total().elapsed, absl::Seconds(40));
}

TEST_F(LedgerTest, SumsStayNumbers) {
  constexpr double kMost = std::numeric_limits<double>::max();
  ledger_.AddAttempt(0, Tokens(~uint64_t{0}, 9), kMost, true);
  ledger_.AddAttempt(0, Tokens(~uint64_t{0}, 9), kMost, true);
  EXPECT_EQ(ledger_.total().cost, kMost);
  EXPECT_EQ(ledger_.total().tokens(), ~uint64_t{0});
}

TEST_F(LedgerTest, ALimitIsReachedWhenItsValueIsThere) {
  limits_.cost = 1.5;
  ledger_.AddAttempt(0, {}, 1.49, true);
  EXPECT_FALSE(Checked().has_value());
  ledger_.AddAttempt(0, {}, 0.01, true);
  ASSERT_TRUE(Checked().has_value());
  EXPECT_EQ(Checked()->name, "max-cost");
  EXPECT_EQ(Checked()->text, "--max-cost $1.50: $1.50 spent");
}

TEST_F(LedgerTest, TheOrderOfAdditionForbidsNothingAndAllowsNothing) {
  limits_.cost = 1;
  for (int i = 0; i < 10; ++i) ledger_.AddAttempt(0, {}, 0.1, true);
  ASSERT_LT(ledger_.total().cost, 1);  // By the last digit.
  EXPECT_TRUE(Checked().has_value());
}

TEST_F(LedgerTest, TokensOfPromptsAndAnswersCount) {
  limits_.tokens = 10;
  ledger_.AddAttempt(0, Tokens(5, 4), {}, true);
  EXPECT_FALSE(Checked().has_value());
  ledger_.AddAttempt(0, Tokens(0, 2), {}, false);
  EXPECT_EQ(Checked()->text, "--max-tokens-total 10: 11 used");
}

TEST_F(LedgerTest, FailuresAreThoseThatStand) {
  limits_.failures.count = 2;
  ledger_.SetEnded(0, 50, 1);
  EXPECT_FALSE(Checked().has_value());
  ledger_.SetEnded(1, 0, 1);
  EXPECT_EQ(Checked()->text, "--max-failures 2: 2 of 52 queries failed");
  ledger_.SetEnded(0, 51, 0);
  EXPECT_FALSE(Checked().has_value());
}

TEST_F(LedgerTest, WhatWaitsForItsScoreHasNotFailed) {
  limits_.failures.percent = 60;
  ledger_.Carry(0, "", {.completed = 0, .answered = 75, .failed = 25});
  EXPECT_FALSE(Checked().has_value());
  ledger_.Carry(0, "", {.completed = 9, .answered = 9, .failed = 25});
  EXPECT_TRUE(Checked().has_value());
}

TEST_F(LedgerTest, TheFirstFailureIsNotAllOfThem) {
  limits_.failures.percent = 10;
  ledger_.SetEnded(0, 0, 1);
  EXPECT_FALSE(Checked().has_value());
  ledger_.SetEnded(0, kEndedForShareMin - 3, 2);
  EXPECT_FALSE(Checked().has_value());
  ledger_.SetEnded(0, kEndedForShareMin - 2, 2);
  EXPECT_EQ(Checked()->text,
            "--max-failures 10%: 2 of 20 queries failed (10.0%)");
  ledger_.SetEnded(0, 100, 2);
  EXPECT_FALSE(Checked().has_value());
}

TEST_F(LedgerTest, StopsOnceAndRemembers) {
  limits_.cost = 1;
  LimitWatch watch(limits_, &ledger_, &clock_);
  int stopped = 0;
  watch.Watch([&] { ++stopped; });
  watch.Check();
  EXPECT_EQ(stopped, 0);
  ledger_.AddAttempt(0, {}, 1, true);
  watch.Check();
  watch.Check();
  EXPECT_EQ(stopped, 1);
  watch.Unwatch();
  watch.Watch([&] { stopped += 10; });  // Reached already: at once.
  EXPECT_EQ(stopped, 11);
}

TEST_F(LedgerTest, TheTimeStopsWithoutAnybodyAsking) {
  limits_.duration = absl::Seconds(30);
  ledger_.Carry(0, "", {.elapsed = absl::Seconds(10)});
  ledger_.BeginSession(0);
  LimitWatch watch(limits_, &ledger_, &clock_);
  absl::Notification stopped;
  watch.Watch([&] { stopped.Notify(); });
  ASSERT_TRUE(clock_.AwaitWaiters(1));
  clock_.Advance(absl::Seconds(19));
  EXPECT_FALSE(stopped.HasBeenNotified());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(stopped.WaitForNotificationWithTimeout(absl::Seconds(60)));
  EXPECT_EQ(watch.reached()->name, kMaxDuration);
}

TEST_F(LedgerTest, UnwatchedBeforeTheTimeNobodyIsStopped) {
  limits_.duration = absl::Seconds(30);
  LimitWatch watch(limits_, &ledger_, &clock_);
  watch.Watch([] { FAIL(); });
  ASSERT_TRUE(clock_.AwaitWaiters(1));
  watch.Unwatch();
  clock_.Advance(absl::Hours(1));
}

TEST_F(LedgerTest, TheSummaryNamesModelsAndWhatIsUnknown) {
  EXPECT_THAT(CostSummary(ledger_), IsEmpty());
  EXPECT_THAT(SpendingEvent(ledger_), IsEmpty());
  ledger_.Carry(0, "a\n", {.cost = 1});
  EXPECT_THAT(CostSummary(ledger_),
              AllOf(HasSubstr("Cost: $1.00"), Not(HasSubstr("unknown"))));
  ledger_.Carry(1, "b", {.cost = 0.25, .unpriced = 3});
  EXPECT_THAT(CostSummary(ledger_),
              AllOf(HasSubstr("Cost: $1.25 ("), HasSubstr("b $0.25"),
                    HasSubstr("the cost of 3 answers is unknown"),
                    Not(HasSubstr("\n"))));
  EXPECT_THAT(SpendingEvent(ledger_), HasSubstr("\"cost\":1.25"));
}

TEST_F(LedgerTest, AFailureLimitStandsUntilALargerOne) {
  const std::string directory = testing::TempDir() + "/standing_limit";
  BenchmarkInfo info;
  info.benchmark_id = "b";
  info.queries = 1;
  auto journal = BenchmarkJournal::Create(directory, info, {RowInfo{"q", 0, 0}},
                                          BenchmarkJournal::Options());
  ASSERT_TRUE(journal.ok()) << journal.status();
  const auto stands = [&](double percent, uint64_t count) {
    RunLimits limits;
    limits.failures = {.count = count, .percent = percent};
    return StandingLimit(limits, **journal).has_value();
  };
  EXPECT_FALSE(stands(10, 0));
  limits_.failures.percent = 10;
  ledger_.SetEnded(0, 18, 2);
  ASSERT_EQ((*journal)->BeginSession({}), absl::OkStatus());
  ASSERT_EQ((*journal)->RecordLimit(RecordOf(*Checked())), absl::OkStatus());
  ASSERT_EQ((*journal)->EndSession(SessionStop::kLimit, 0, 15, ""),
            absl::OkStatus());
  EXPECT_TRUE(stands(10, 0));
  EXPECT_TRUE(stands(5, 0));
  EXPECT_FALSE(stands(11, 0));
  EXPECT_FALSE(stands(0, 0));
  EXPECT_FALSE(stands(0, 1));  // A count is no share.
  ASSERT_EQ((*journal)->BeginSession({}), absl::OkStatus());
  EXPECT_TRUE(stands(10, 0));
  EvaluationRequest request;
  request.key = {.run = 1, .index = 0, .id = "q"};
  ASSERT_EQ((*journal)->RecordStart(request, false), absl::OkStatus());
  EXPECT_FALSE(stands(10, 0));
}

// Gives one answer, whatever it is asked.
class OneAnswer final : public Evaluator {
 public:
  explicit OneAnswer(EvaluationResult answer) : answer_(std::move(answer)) {}
  void Start(EvaluationRequest, Done done) override { done(answer_); }
  int slots() const override { return 7; }
  bool may_be_billed() const override { return true; }
  void Stop() override {}

 private:
  const EvaluationResult answer_;
};

// What `answer` costs by `price`, and how often `ended` heard of it.
std::pair<absl::optional<double>, int> Metered(
    const EvaluationResult& answer, const absl::optional<ModelPrice>& price) {
  int heard = 0;
  absl::optional<double> cost;
  const std::unique_ptr<Evaluator> evaluator =
      NewMeteredEvaluator(std::make_unique<OneAnswer>(answer), price,
                          [&](const EvaluationResult& result) {
                            ++heard;
                            cost = result.cost;
                          });
  EXPECT_EQ(evaluator->slots(), 7);
  EXPECT_TRUE(evaluator->may_be_billed());
  evaluator->Start({}, [&](EvaluationResult result) {
    EXPECT_EQ(result.cost, heard > 0 ? cost : result.cost);
  });
  return {cost, heard};
}

TEST(MeteredEvaluator, PricesWhatNobodyElsePriced) {
  const ModelPrice price = {1e6, {}, 2e6};
  EvaluationResult answer;
  EXPECT_EQ(Metered(answer, price).first, absl::nullopt);
  answer.usage = Tokens(3, 4);
  EXPECT_EQ(Metered(answer, price).first, 11);
  EXPECT_EQ(Metered(answer, absl::nullopt).first, absl::nullopt);
  answer.cost = 0.5;
  EXPECT_EQ(Metered(answer, price).first, 0.5);
}

TEST(MeteredEvaluator, FailedAttemptsAreBilledThoseCutOffAreUnknown) {
  EvaluationResult failed = FailedResult("timeout", "m", true);
  failed.usage = Tokens(1, 0);
  EXPECT_EQ(Metered(failed, ModelPrice{1e6, {}, 0}),
            std::make_pair(absl::optional<double>(1), 1));
  const EvaluationResult cut_off = FailedResult(kStoppedError, "m", true);
  EXPECT_EQ(Metered(cut_off, ModelPrice{1e6, {}, 0}).second, 0);
}

}  // namespace
}  // namespace runner
