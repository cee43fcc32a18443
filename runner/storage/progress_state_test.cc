#include "runner/storage/progress_state.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "journal/error.h"
#include "runner/storage/record_codec.h"

namespace runner {
namespace {

constexpr uint32_t kRows = 21;
constexpr char kScoring[] = "scoring";

// Records as the engine would hand them on.
class History {
 public:
  template <typename Record>
  History& Add(const Record& record) {
    return AddBytes(TypeNumber(record), Encode(record));
  }

  History& AddBytes(uint16_t type, std::string body) {
    records_.push_back({type, std::move(body)});
    return *this;
  }

  History& Begin(uint32_t rows = kRows) {
    BenchmarkInfo info;
    info.scoring_hash = kScoring;
    info.queries = rows;
    DatasetRowsRecord list;
    list.rows.resize(rows);
    return Add(info).Add(list);
  }

  History& Start(uint32_t run, uint32_t index) {
    AttemptStartRecord record;
    record.key = {.run = run, .index = index, .id = "q"};
    return Add(record);
  }

  History& Answer(uint32_t run, uint32_t index, uint64_t tokens = 0) {
    ResponseRecord record;
    record.key = {.run = run, .index = index, .id = "q"};
    record.usage.prompt_tokens = tokens;
    record.usage.metered = tokens > 0;
    record.cost = 0.5;
    return Add(record);
  }

  History& Score(uint32_t run, uint32_t index,
                 const std::string& hash = kScoring) {
    ScoreRecord record;
    record.key = {.run = run, .index = index, .id = "q"};
    record.scoring_hash = hash;
    return Add(record);
  }

  History& Fail(uint32_t run, uint32_t index, bool final = true,
                bool retryable = true) {
    AttemptErrorRecord record;
    record.key = {.run = run, .index = index, .id = "q"};
    record.final = final;
    record.retryable = retryable;
    return Add(record);
  }

  History& Doubt(uint32_t run, uint32_t index) {
    InDoubtRecord record;
    record.starts.emplace_back().key = {.run = run, .index = index, .id = "q"};
    return Add(record);
  }

  History& Select(uint32_t runs, uint64_t queries) {
    SelectionRecord record;
    record.runs = runs;
    record.queries = queries;
    return Add(record);
  }

  History& Complete(int exit_code) {
    CompleteRecord record;
    record.exit_code = exit_code;
    record.at = absl::FromUnixSeconds(77);
    return Add(record);
  }

  History& ScoreBy(const std::string& hash) {
    ScoringRecord record;
    record.scoring_json = "{}";
    record.scoring_hash = hash;
    return Add(record);
  }

  History& EndRun(uint32_t run) {
    RunEndRecord record;
    record.run = run;
    return Add(record);
  }

  History& State(uint32_t slot) {
    return Add(WorkerStateRecord{slot, 7, "{}", {}, absl::UnixEpoch()});
  }

  History& Batch(uint32_t number, BatchStatus status, uint32_t count = 0) {
    BatchRecord record;
    record.number = number;
    record.status = status;
    record.count = count;
    return Add(record);
  }

  void FoldInto(ProgressState& state, size_t begin, size_t end) const {
    for (size_t i = begin; i < end; ++i) {
      journal::Record record;
      record.lsn = i + 1;
      record.type = records_[i].type;
      record.body = records_[i].body;
      state.Fold(record);
    }
  }

  void FoldInto(ProgressState& state) const { FoldInto(state, 0, size()); }
  size_t size() const { return records_.size(); }

 private:
  struct Raw {
    uint16_t type;
    std::string body;
  };
  std::vector<Raw> records_;
};

// Folded, saved, and read back.
std::unique_ptr<ProgressState> Restored(const History& history) {
  ProgressState folded;
  history.FoldInto(folded);
  auto restored = std::make_unique<ProgressState>();
  EXPECT_EQ(restored->Restore(folded.Save()), absl::OkStatus());
  return restored;
}

class ProgressStateTest : public ::testing::Test {
 protected:
  // Folds what was added to `history` since the last call.
  ProgressState& Folded() {
    history.FoldInto(state_, folded_, history.size());
    folded_ = history.size();
    return state_;
  }

  OpenQuery OnlyOpen() {
    const std::vector<OpenQuery> open = Folded().open_queries();
    EXPECT_EQ(open.size(), 1u);
    return open.empty() ? OpenQuery() : open[0];
  }

  History history;

 private:
  ProgressState state_;
  size_t folded_ = 0;
};

TEST_F(ProgressStateTest, AnAttemptGoesFromStartToScore) {
  history.Begin().Start(1, 3);
  EXPECT_TRUE(OnlyOpen().in_flight);
  EXPECT_FALSE(Folded().IsDone(1, 3));
  history.Answer(1, 3, 7);
  EXPECT_TRUE(OnlyOpen().unscored);
  EXPECT_FALSE(OnlyOpen().in_flight);
  EXPECT_EQ(OnlyOpen().lsn, 4u);
  EXPECT_TRUE(Folded().IsDone(1, 3));
  history.Score(1, 3);
  EXPECT_TRUE(Folded().open_queries().empty());
  EXPECT_EQ(Folded().totals().completed, 1u);
  EXPECT_EQ(Folded().totals().prompt_tokens, 7u);
  EXPECT_EQ(Folded().totals().cost, 0.5);
}

TEST_F(ProgressStateTest, FailureStandsUntilItsRetrySucceeds) {
  history.Begin().Start(1, 0).Fail(1, 0);
  EXPECT_TRUE(OnlyOpen().failed && OnlyOpen().retryable);
  EXPECT_EQ(Folded().totals().failed, 1u);
  history.Start(1, 0).Fail(1, 0, /*final=*/false);
  EXPECT_TRUE(OnlyOpen().failed);
  EXPECT_FALSE(OnlyOpen().in_flight);
  EXPECT_EQ(OnlyOpen().attempts, 2u);
  EXPECT_FALSE(Folded().IsDone(1, 0));
  history.Start(1, 0).Answer(1, 0).Score(1, 0);
  EXPECT_EQ(Folded().totals().failed, 0u);
  EXPECT_TRUE(Folded().open_queries().empty());
}

TEST_F(ProgressStateTest, NonFinalErrorLeavesItToBeAsked) {
  history.Begin().Start(1, 0).Fail(1, 0, /*final=*/false);
  EXPECT_FALSE(OnlyOpen().failed || OnlyOpen().in_flight);
  EXPECT_EQ(OnlyOpen().attempts, 1u);
  EXPECT_EQ(Folded().totals().failed, 0u);
}

TEST_F(ProgressStateTest, InDoubtIsNoLongerInFlight) {
  history.Begin().Start(1, 5).Doubt(1, 5);
  EXPECT_FALSE(OnlyOpen().in_flight);
  EXPECT_EQ(Folded().totals().in_doubt, 1u);
  history.Doubt(1, 5);
  EXPECT_EQ(Folded().totals().in_doubt, 1u);
  EXPECT_EQ(Folded().odd_records().poison, 0u);
}

TEST_F(ProgressStateTest, ScoresOfOtherRulesDoNotComplete) {
  history.Begin().Start(1, 0).Answer(1, 0).Score(1, 0, "other");
  EXPECT_EQ(Folded().totals().completed, 0u);
  EXPECT_TRUE(OnlyOpen().unscored);
}

TEST_F(ProgressStateTest, ASecondAnswerMustBeScoredAnew) {
  history.Begin().Answer(1, 0).Score(1, 0).Answer(1, 0);
  EXPECT_EQ(Folded().totals().completed, 0u);
  EXPECT_TRUE(OnlyOpen().unscored);
  history.Fail(1, 0).Score(1, 0);
  EXPECT_EQ(Folded().totals().completed, 1u);
  EXPECT_EQ(Folded().totals().failed, 0u);
  EXPECT_TRUE(Folded().open_queries().empty());
}

TEST_F(ProgressStateTest, SessionsAndTheirTimeAddUp) {
  SessionEndRecord end;
  end.elapsed = absl::Seconds(90);
  history.Begin().Add(SessionRecord()).Add(end).Add(SessionRecord());
  EXPECT_TRUE(Folded().session_open());
  history.Add(end);
  EXPECT_FALSE(Folded().session_open());
  EXPECT_EQ(Folded().totals().sessions, 2u);
  EXPECT_EQ(Folded().totals().elapsed, absl::Seconds(180));
}

SessionRecord SessionAt(int64_t seconds) {
  SessionRecord session;
  session.started = absl::FromUnixSeconds(seconds);
  return session;
}

AttemptStartRecord StartAt(int64_t seconds) {
  AttemptStartRecord start;
  start.key = {.run = 1, .index = 0, .id = "q"};
  start.at = absl::FromUnixSeconds(seconds);
  return start;
}

TEST_F(ProgressStateTest, ASessionThatDiedCountsUpToItsLastRecord) {
  SessionEndRecord end;
  end.elapsed = absl::Seconds(5);
  history.Begin().Add(SessionAt(1000)).Add(StartAt(1030));
  EXPECT_EQ(Folded().totals().elapsed, absl::Seconds(30));
  history.Add(SessionAt(2000));
  EXPECT_EQ(Folded().totals().elapsed, absl::Seconds(30));
  history.Add(StartAt(2001)).Add(end);
  EXPECT_EQ(Folded().totals().elapsed, absl::Seconds(35));
}

TEST_F(ProgressStateTest, AClockThatJumpsMakesNoSessionLonger) {
  history.Begin().Add(SessionAt(1000)).Add(StartAt(80000)).Add(SessionAt(1010));
  EXPECT_EQ(Folded().totals().elapsed, absl::Seconds(10));
  history.Add(SessionAt(500)).Add(SessionAt(600));
  EXPECT_EQ(Folded().totals().elapsed, absl::Seconds(10));
}

// A clock that is set, or a record that lies.
TEST_F(ProgressStateTest, ALeapOfTheClockIsNoTimeThatWasSpent) {
  history.Begin().Add(SessionAt(1000)).Add(StartAt(1030));
  AttemptStartRecord never = StartAt(0);
  never.at = absl::FromUnixNanos(std::numeric_limits<int64_t>::max());
  history.Add(never);
  EXPECT_EQ(Folded().totals().elapsed, absl::Seconds(30));
  history.Add(StartAt(1040)).Add(StartAt(1045));
  EXPECT_EQ(Folded().totals().elapsed, absl::Seconds(35));
}

// It is not forgotten by a session that dies, or that only scores.
TEST_F(ProgressStateTest, ALimitStandsUntilALaterSessionAsks) {
  LimitRecord limit;
  limit.name = "max-failures";
  history.Begin().Add(SessionAt(1)).Add(limit).Start(1, 0);
  EXPECT_EQ(Folded().limit_lsn(), 4u);
  history.Add(SessionAt(2)).Answer(1, 0).Score(1, 0);
  EXPECT_EQ(Folded().limit_lsn(), 4u);
  history.Start(1, 1);
  EXPECT_EQ(Folded().limit_lsn(), 0u);
}

TEST_F(ProgressStateTest, ALimitOnCostTakesNoPlaceOfOneOnFailures) {
  LimitRecord failures;
  failures.name = "max-failures%";
  LimitRecord cost;
  cost.name = "max-cost";
  history.Begin().Add(SessionAt(1)).Add(cost);
  EXPECT_EQ(Folded().limit_lsn(), 0u);
  history.Add(failures).Add(SessionAt(2)).Add(cost);
  EXPECT_EQ(Folded().limit_lsn(), 5u);
}

TEST_F(ProgressStateTest, ALimitReachedByTheLastOfAllStopsNothing) {
  LimitRecord limit;
  limit.name = "max-failures";
  history.Begin(1).Add(SessionAt(1)).Fail(1, 0).Add(limit).Complete(3);
  EXPECT_EQ(Folded().limit_lsn(), 0u);
}

TEST_F(ProgressStateTest, ACostThatNoneCanBeIsUnknown) {
  ResponseRecord response;
  response.key = {.run = 1, .index = 0, .id = "q"};
  response.cost = -3.0;
  history.Begin(2).Answer(1, 1).Add(response);
  EXPECT_EQ(Folded().totals().cost, 0.5);
  EXPECT_EQ(Folded().totals().unpriced, 1u);
}

TEST_F(ProgressStateTest, CallsOfUnknownUsageAndCostAreCounted) {
  ResponseRecord silent;
  silent.key = {.run = 1, .index = 1, .id = "q"};
  history.Begin(2).Answer(1, 0, /*tokens=*/7).Add(silent);
  EXPECT_EQ(Folded().totals().metered, 1u);
  EXPECT_EQ(Folded().totals().unmetered, 1u);
  EXPECT_EQ(Folded().totals().unpriced, 1u);
}

TEST_F(ProgressStateTest, CompleteStandsUntilThereIsMoreToDo) {
  history.Begin(2).Answer(1, 0).Score(1, 0).Fail(1, 1).Complete(3);
  EXPECT_TRUE(Folded().complete());
  EXPECT_EQ(Folded().complete_exit_code(), 3);
  EXPECT_EQ(Folded().complete_time(), absl::FromUnixSeconds(77));
  history.Add(SessionRecord()).Add(SessionEndRecord()).Select(1, 2);
  EXPECT_TRUE(Folded().complete());
  history.Select(2, 2);
  EXPECT_FALSE(Folded().complete());
  history.Complete(0).Start(1, 1);
  EXPECT_FALSE(Folded().complete());
}

TEST_F(ProgressStateTest, RowsMustBeContiguous) {
  DatasetRowsRecord more;
  more.first_index = 2;
  more.rows.resize(3);
  history.Begin(2).Add(more).Add(more).Start(1, 4).Start(1, 5);
  EXPECT_EQ(Folded().rows(), 5u);
  EXPECT_EQ(Folded().dataset_lsns().size(), 2u);
  EXPECT_EQ(Folded().odd_records().poison, 2u);
  EXPECT_EQ(OnlyOpen().index, 4u);
}

TEST_F(ProgressStateTest, WhatIsNotThereIsPoison) {
  history.Start(1, 0).Begin().Start(0, 0).Start(1, kRows).Score(1, 1);
  history.AddBytes(6, "rubbish").Begin();
  EXPECT_EQ(Folded().odd_records().poison, 7u);
  EXPECT_EQ(Folded().odd_records().first_poison_lsn, 1u);
  EXPECT_EQ(Folded().rows(), kRows);
  EXPECT_TRUE(Folded().open_queries().empty());
}

TEST_F(ProgressStateTest, HugeRunNumbersCostNothing) {
  history.Begin();
  const uint32_t huge = std::numeric_limits<uint32_t>::max();
  history.Answer(huge, kRows - 1).Score(huge, kRows - 1).Answer(huge, huge);
  EXPECT_EQ(Folded().totals().completed, 1u);
  EXPECT_EQ(Folded().odd_records().poison, 1u);
  EXPECT_LT(Folded().Save().size(), 1000u);
}

TEST_F(ProgressStateTest, UnknownTypesAreRemembered) {
  history.Begin().AddBytes(99, "x").AddBytes(100, "y");
  EXPECT_EQ(Folded().odd_records().unknown_type, 99);
  EXPECT_EQ(Folded().odd_records().unknown_lsn, 3u);
  EXPECT_EQ(Folded().odd_records().poison, 0u);
}

// A random step, mostly sensible, sometimes odd.
void AddRandomStep(std::mt19937& random, History& history) {
  const uint32_t run = 1 + random() % 3;
  const uint32_t index = random() % (kRows + random() % 2);
  SessionEndRecord end;
  end.elapsed = absl::Milliseconds(random() % 1000);
  switch (random() % 19) {
    case 0:
      history.Add(SessionRecord());
      return;
    case 1:
      history.Add(end);
      return;
    case 2:
      history.Complete(random() % 4);
      return;
    case 3:
      history.Select(run, kRows);
      return;
    case 4:
      history.EndRun(run);
      return;
    case 17:
      history.State(random() % 5);
      return;
    case 18:
      history.Batch(1 + random() % 9,
                    static_cast<BatchStatus>(1 + random() % 4));
      return;
    case 16:
      history.ScoreBy(random() % 2 ? kScoring : "other");
      return;
    case 5:
      history.AddBytes(random() % 20, std::string(random() % 40, 'x'));
      return;
    case 6:
      history.Doubt(run, index);
      return;
    case 7:
    case 8:
      history.Fail(run, index, random() % 2, random() % 2);
      return;
    case 9:
    case 10:
    case 11:
      history.Score(run, index);
      return;
    case 12:
    case 13:
      history.Answer(run, index, random() % 3);
      return;
    default:
      history.Start(run, index);
  }
}

TEST(ProgressState, OtherScoringUndoesScoresAndNothingElse) {
  History history;
  history.Begin();
  for (uint32_t i = 0; i < 3; ++i) history.Start(1, i).Answer(1, i);
  history.Score(1, 0).Score(1, 1).Complete(0).ScoreBy("other");
  ProgressState state;
  history.FoldInto(state);
  EXPECT_EQ(state.totals().completed, 0u);
  EXPECT_FALSE(state.complete());
  EXPECT_NE(state.newest_scoring_lsn(), 0u);
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(state.IsDone(1, i));
    EXPECT_TRUE(state.NeedsScore(1, i));
  }
  const size_t changed = history.size();
  history.Score(1, 0).Score(1, 1, "other").Score(1, 2, "other");
  history.FoldInto(state, changed, history.size());
  EXPECT_TRUE(state.NeedsScore(1, 0));  // By the old rules.
  EXPECT_FALSE(state.NeedsScore(1, 1));
  EXPECT_FALSE(state.NeedsScore(1, 2));
  EXPECT_EQ(state.totals().completed, 2u);
}

TEST(ProgressState, TheSameScoringChangesNothing) {
  History history;
  history.Begin().Start(1, 0).Answer(1, 0).Score(1, 0).Complete(0);
  history.ScoreBy(kScoring);
  ProgressState state;
  history.FoldInto(state);
  EXPECT_EQ(state.totals().completed, 1u);
  EXPECT_TRUE(state.complete());
}

TEST(ProgressState, TheNewestStateOfEachSlotIsKnown) {
  History history;
  history.Begin().State(0).State(3).State(0);
  EXPECT_EQ(Restored(history)->worker_state_lsns(),
            (std::map<uint32_t, journal::Lsn>{{0, 5}, {3, 4}}));
}

TEST(ProgressState, SlotsBeyondTheLimitArePoison) {
  History history;
  history.Begin().State(kWorkerStatesMax);
  const auto state = Restored(history);
  EXPECT_TRUE(state->worker_state_lsns().empty());
  EXPECT_EQ(state->odd_records().poison, 1u);
}

TEST(ProgressState, BatchesAreOpenUntilTheyEnd) {
  History history;
  history.Begin().Batch(1, BatchStatus::kPending, 9);
  for (uint32_t number = 1; number <= 5; ++number) {
    history.Batch(number, BatchStatus::kRunning);
  }
  history.Batch(4, BatchStatus::kCompleted).Batch(1, BatchStatus::kCompleted);
  history.Batch(2, BatchStatus::kRegrouped);
  const BatchProgress batches = Restored(history)->batches();
  EXPECT_EQ(batches.completed, 4u);
  EXPECT_EQ(batches.open, (std::vector<uint32_t>{3, 5}));
}

TEST(ProgressState, TheNewestSessionsWorkersAreKnown) {
  SessionRecord session;
  session.workers = 8;
  History history;
  history.Begin().Add(session);
  EXPECT_EQ(Restored(history)->session_workers(), 8u);
}

OverrideRecord Override(const std::string& key) {
  OverrideRecord record;
  record.key = key;
  return record;
}

TEST(ProgressState, AnAcceptedChangeMixesWhatWasAskedBefore) {
  History history;
  history.Begin().Add(Override(kIdentityOverride)).Start(1, 0);
  ProgressState state;
  history.FoldInto(state);
  EXPECT_EQ(state.newest_identity_lsn(), 3u);
  EXPECT_FALSE(state.mixed_config());
  history.Add(Override("workers")).Add(Override(kDatasetOverride));
  history.FoldInto(state, 4, history.size());
  EXPECT_EQ(state.newest_dataset_lsn(), 6u);
  EXPECT_EQ(state.newest_identity_lsn(), 3u);
  EXPECT_TRUE(state.mixed_config());
  ProgressState restored;
  ASSERT_EQ(restored.Restore(state.Save()), absl::OkStatus());
  EXPECT_TRUE(restored.mixed_config());
  EXPECT_EQ(restored.newest_dataset_lsn(), 6u);
  EXPECT_EQ(restored.Save(), state.Save());
}

TEST(ProgressState, TheNewestSessionIsKnown) {
  History history;
  history.Begin().Add(SessionRecord()).Start(1, 0).Add(SessionRecord());
  ProgressState state;
  history.FoldInto(state);
  EXPECT_EQ(state.newest_session_lsn(), 5u);
}

// Journals with one are folded anew.
TEST(ProgressState, StatesOfOtherVersionsAreNotRead) {
  const ProgressState state;
  EXPECT_TRUE(state.CanRestore(state.version()));
  EXPECT_FALSE(state.CanRestore(state.version() - 1));
  EXPECT_FALSE(state.CanRestore(state.version() + 1));
}

// What the rules say, by the shortest way: sets.
struct Model {
  std::set<std::pair<uint32_t, uint32_t>> answered, scored, failed, in_flight;
};

TEST(ProgressStateProperty, SavingAnywhereChangesNothing) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    History history;
    history.Begin();
    for (int i = 0; i < 150; ++i) AddRandomStep(random, history);
    ProgressState whole;
    history.FoldInto(whole);
    const std::string expected = whole.Save();
    for (size_t cut = 0; cut <= history.size(); cut += 1 + random() % 9) {
      ProgressState before;
      history.FoldInto(before, 0, cut);
      const std::string saved = before.Save();
      ProgressState after;
      ASSERT_TRUE(after.Restore(saved).ok()) << "seed " << seed;
      ASSERT_EQ(after.Save(), saved);
      history.FoldInto(after, cut, history.size());
      ASSERT_EQ(after.Save(), expected) << "seed " << seed << " cut " << cut;
    }
  }
}

TEST(ProgressStateProperty, AgreesWithSets) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    History history;
    history.Begin();
    Model model;
    for (int i = 0; i < 300; ++i) {
      const std::pair<uint32_t, uint32_t> key = {1 + random() % 2,
                                                 random() % kRows};
      switch (random() % 5) {
        case 0:
          history.Start(key.first, key.second);
          model.in_flight.insert(key);
          break;
        case 1:
          history.Answer(key.first, key.second);
          model.answered.insert(key);
          model.scored.erase(key);
          model.failed.erase(key);
          model.in_flight.erase(key);
          break;
        case 2:
          history.Score(key.first, key.second);
          if (model.answered.count(key) > 0) model.scored.insert(key);
          break;
        case 3:
          history.Fail(key.first, key.second);
          if (model.answered.count(key) == 0) model.failed.insert(key);
          model.in_flight.erase(key);
          break;
        default:
          history.Doubt(key.first, key.second);
          model.in_flight.erase(key);
      }
    }
    ProgressState state;
    history.FoldInto(state);
    Model folded;
    std::set<std::pair<uint32_t, uint32_t>> unscored;
    for (const OpenQuery& query : state.open_queries()) {
      const std::pair<uint32_t, uint32_t> key = {query.run, query.index};
      if (query.failed) folded.failed.insert(key);
      if (query.in_flight) folded.in_flight.insert(key);
      if (query.unscored) unscored.insert(key);
    }
    ASSERT_EQ(folded.failed, model.failed) << "seed " << seed;
    ASSERT_EQ(folded.in_flight, model.in_flight) << "seed " << seed;
    ASSERT_EQ(state.totals().completed, model.scored.size());
    ASSERT_EQ(unscored.size(), model.answered.size() - model.scored.size());
    for (uint32_t index = 0; index < kRows; ++index) {
      ASSERT_EQ(state.IsDone(1, index), model.answered.count({1, index}) > 0);
    }
  }
}

TEST(ProgressStateProperty, HostileStatesAreErrorsOrConsistent) {
  std::mt19937 random(1);
  History history;
  history.Begin();
  for (int i = 0; i < 200; ++i) AddRandomStep(random, history);
  ProgressState state;
  history.FoldInto(state);
  const std::string saved = state.Save();
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string bad =
        saved.substr(0, i % 9 ? saved.size() : random() % saved.size());
    for (int flips = 0; flips < 2 && !bad.empty(); ++flips) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    ProgressState victim;
    const absl::Status status = victim.Restore(bad);
    refused += !status.ok();
    if (!status.ok()) {
      EXPECT_EQ(journal::KindOf(status), journal::ErrorKind::kDamage);
      continue;
    }
    history.FoldInto(victim);  // Whatever was accepted can be worked on.
    ProgressState again;
    ASSERT_TRUE(again.Restore(victim.Save()).ok());
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace runner
