#include "runner/storage/result_store.h"

#include "absl/strings/match.h"
#include "runner/storage/journal_test_fixture.h"

namespace runner {
namespace {

class ResultStoreTest : public JournalTest {
 protected:
  std::unique_ptr<ResultStore> Load(const std::string& name,
                                    const std::string& scoring = "scoring") {
    auto results = ResultStore::Load(Path(name), scoring, {});
    EXPECT_TRUE(results.ok()) << results.status();
    return results.ok() ? *std::move(results) : nullptr;
  }

  // "run/id=output" or "run/id!error", in the order in which they are visited.
  static std::vector<std::string> Visited(ResultStore& results, uint32_t runs,
                                          const std::vector<uint32_t>& order) {
    std::vector<std::string> lines;
    const absl::Status status =
        results.ForEach(runs, order, [&lines](const QueryResult& result) {
          const std::string end = result.failed
                                      ? "!" + result.error_type
                                      : "=" + result.output.value_or("null");
          lines.push_back(
              absl::StrCat(result.key.run, "/", result.key.id, end));
          return absl::OkStatus();
        });
    EXPECT_EQ(status, absl::OkStatus());
    // One by one they are the same.
    size_t read = 0;
    for (uint32_t run = 1; run <= runs; ++run) {
      for (const uint32_t index : order) {
        const auto result = results.Read(run, index);
        EXPECT_TRUE(result.ok()) << result.status();
        if (!result.ok() || !result->has_value()) continue;
        EXPECT_EQ((*result)->key.run, run);
        EXPECT_EQ((*result)->key.index, index);
        ++read;
      }
    }
    EXPECT_EQ(read, lines.size());
    return lines;
  }

  using Lines = std::vector<std::string>;
};

TEST_F(ResultStoreTest, VisitsInTheOrderAskedFor) {
  const auto journal = Create("a");
  AnswerAndScore(*journal, 2, 0, "third");
  Fail(*journal, 1, 1, "timeout");
  AnswerAndScore(*journal, 1, 0, "second");
  EXPECT_EQ(Visited(*Load("a"), 2, {1, 0, 5}),
            (Lines{"1/q1!timeout", "1/q0=second", "2/q0=third"}));
  EXPECT_EQ(Visited(*Load("a"), 1, {0}), (Lines{"1/q0=second"}));
}

TEST_F(ResultStoreTest, AnAnswerReplacesAFailureNeverTheOtherWay) {
  const auto journal = Create("a");
  Fail(*journal, 1, 0, "timeout");
  AnswerAndScore(*journal, 1, 0, "yes");
  AnswerAndScore(*journal, 1, 1, "old");
  AnswerAndScore(*journal, 1, 1, "new");
  Fail(*journal, 1, 1, "timeout");
  const auto results = Load("a");
  EXPECT_EQ(Visited(*results, 1, {0, 1}), (Lines{"1/q0=yes", "1/q1=new"}));
  EXPECT_EQ(results->history().latencies_ms, (std::vector<float>{5, 5}));
}

TEST_F(ResultStoreTest, WhatIsNotScoredOrMayBeRetriedIsPassedOver) {
  const auto journal = Create("a");
  Answer(*journal, 1, 0);
  Fail(*journal, 1, 1, "timeout", /*final=*/false);
  Start(*journal, 1, 2);
  EXPECT_TRUE(Visited(*Load("a"), 1, {0, 1, 2}).empty());
}

TEST_F(ResultStoreTest, OnlyTheScoringAskedForCounts) {
  AnswerAndScore(*Create("a"), 1, 0);
  EXPECT_TRUE(Visited(*Load("a", "other"), 1, {0}).empty());
  EXPECT_EQ(Visited(*Load("a", ""), 1, {0}).size(), 1u);
}

TEST_F(ResultStoreTest, ResultsHaveAllTheirParts) {
  const auto journal = Create("a");
  EvaluationResult answer = Output("out");
  answer.usage = {.prompt_tokens = 3,
                  .completion_tokens = 4,
                  .cached_tokens = 0,
                  .reasoning_tokens = 0,
                  .metered = true};
  answer.cost = 0.5;
  Start(*journal, 1, 0);
  Start(*journal, 1, 0);
  ASSERT_EQ(journal->RecordResponse(Request(1, 0), answer), absl::OkStatus());
  ASSERT_EQ(
      journal->RecordScore(Request(1, 0).key, {{"exact", 0.25}}, true, "x"),
      absl::OkStatus());
  const absl::Status visited =
      Load("a")->ForEach(1, {0}, [](const QueryResult& result) {
        EXPECT_EQ(result.scores, (NamedValues{{"exact", 0.25}}));
        EXPECT_TRUE(result.unparsed);
        EXPECT_EQ(result.extracted, "x");
        EXPECT_EQ(result.usage.prompt_tokens, 3u);
        EXPECT_EQ(result.cost, 0.5);
        EXPECT_EQ(result.attempts, 2u);
        EXPECT_EQ(result.latency, absl::Milliseconds(5));
        return absl::CancelledError("stop");
      });
  EXPECT_EQ(visited, absl::CancelledError("stop"));
}

TEST_F(ResultStoreTest, HistorySpansSessionsAndCrashes) {
  auto journal = Create("a");
  ASSERT_EQ(journal->BeginSession({}), absl::OkStatus());
  Answer(*journal, 1, 0);
  Start(*journal, 1, 1);
  CopyLive("a", "crashed");
  journal = Resume("crashed");
  ASSERT_EQ(journal->BeginSession({}), absl::OkStatus());
  ASSERT_EQ(journal->RecordInDoubt(journal->open_queries()), absl::OkStatus());
  ASSERT_EQ(journal->EndSession(SessionStop::kCompleted, 0, 0, ""),
            absl::OkStatus());
  ASSERT_EQ(journal->Close(), absl::OkStatus());
  const auto results = Load("crashed");
  const ResultStore::History& history = results->history();
  EXPECT_EQ(history.sessions, 2u);
  EXPECT_EQ(history.attempts, 2u);
  EXPECT_EQ(history.in_doubt, 1u);
  EXPECT_GT(history.elapsed, absl::ZeroDuration());
  EXPECT_GE(history.updated, history.started);
}

TEST_F(ResultStoreTest, WhatFailedAttemptsCostIsHistory) {
  const auto journal = Create("a");
  EXPECT_EQ(Load("a")->history().retried_cost, absl::nullopt);
  EvaluationResult failed = FailedResult("timeout", "m", true);
  failed.cost = 0.25;
  for (int i = 0; i < 2; ++i) {
    Start(*journal, 1, 0);
    ASSERT_EQ(journal->RecordError(Request(1, 0), failed, /*final=*/false),
              absl::OkStatus());
  }
  EXPECT_EQ(Load("a")->history().retried_cost, 0.5);
}

TEST_F(ResultStoreTest, PoisonIsGoneAround) {
  AnswerAndScore(*Create("a"), 1, 0);
  CopyLive("a", "poisoned");
  AppendRaw("poisoned", 6, "not a FlatBuffer");
  EXPECT_EQ(Load("poisoned")->history().latencies_ms.size(), 1u);
}

TEST_F(ResultStoreTest, DamageIsAnErrorThatSaysWhere) {
  AnswerAndScore(*Create("a"), 1, 0);
  DamageFirstRecord("a");
  const absl::Status damage = ResultStore::Load(Path("a"), "", {}).status();
  EXPECT_EQ(journal::KindOf(damage), journal::ErrorKind::kDamage);
  EXPECT_TRUE(absl::StrContains(damage.message(), "0000000001.seg")) << damage;
}

TEST_F(ResultStoreTest, ASnapshotTakesThePlaceOfTheLogBeforeItIsLoaded) {
  {
    const auto journal = Create("a");
    AnswerAndScore(*journal, 1, 1, "first");
    Fail(*journal, 1, 2, "timeout");
    AnswerAndScore(*journal, 1, 0, "second");
  }
  Compact("a");
  EXPECT_EQ(Visited(*Load("a"), 1, {0, 1, 2}),
            (Lines{"1/q0=second", "1/q1=first", "1/q2!timeout"}));
}

TEST_F(ResultStoreTest, ASnapshotTakesThePlaceOfTheLogUnderAnIndex) {
  {
    const auto journal = Create("a");
    AnswerAndScore(*journal, 1, 1, "first");
    Fail(*journal, 1, 2, "timeout");
    AnswerAndScore(*journal, 1, 0, "second");
  }
  const auto results = Load("a");
  Compact("a");
  EXPECT_EQ(Visited(*results, 1, {0, 1, 2}),
            (Lines{"1/q0=second", "1/q1=first", "1/q2!timeout"}));
}

}  // namespace
}  // namespace runner
