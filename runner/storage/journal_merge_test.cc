#include "runner/storage/journal_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "journal/error.h"
#include "runner/storage/attempt_records.h"
#include "runner/storage/journal_locator.h"
#include "runner/storage/journal_test_fixture.h"
#include "runner/storage/result_store.h"

namespace runner {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kRows = 40;

// A benchmark of kRows queries in two shards, `a` and `b`.
class JournalMergeTest : public JournalTest {
 protected:
  static Shard ShardNumber(uint32_t index) { return {index, 2}; }

  // The rows of a shard.
  static std::vector<uint32_t> Part(uint32_t index) {
    std::vector<uint32_t> part;
    for (uint32_t i = 0; i < kRows; ++i) {
      if (IsInShard(ShardNumber(index), absl::StrCat("q", i), 0)) {
        part.push_back(i);
      }
    }
    return part;
  }

  // Its journal: all answered but the last, which failed.
  std::unique_ptr<BenchmarkJournal> BeginShard(
      const std::string& name, uint32_t index,
      const std::vector<OverrideRecord>& accepted = {}) {
    BenchmarkInfo info = Info();
    info.runs = 1;
    info.shard_index = index;
    info.shard_count = 2;
    auto journal = Create(name, info, kRows);
    EXPECT_EQ(journal->BeginSession({}), absl::OkStatus());
    EXPECT_EQ(journal->RecordOverrides(accepted), absl::OkStatus());
    std::vector<uint32_t> part = Part(index);
    Fail(*journal, 1, part.back(), "timeout");
    part.pop_back();
    for (const uint32_t row : part) {
      AnswerAndScore(*journal, 1, row, absl::StrCat("answer ", row));
    }
    return journal;
  }
  void FinishShard(BenchmarkJournal& journal) {
    EXPECT_EQ(journal.EndSession(SessionStop::kCompleted, 0, 3, ""),
              absl::OkStatus());
    EXPECT_EQ(journal.RecordComplete(3, "r"), absl::OkStatus());
    EXPECT_EQ(journal.Close(), absl::OkStatus());
  }

  absl::Status Merge(std::function<bool()> stopped = [] { return false; }) {
    MergeTarget target;
    target.directory = Path("whole");
    target.info = Info();
    target.info.runs = 1;
    target.selection.runs = 1;
    target.selection.queries = kRows;
    target.rows = Rows(kRows);
    std::vector<MergePart> parts = {{Path("a"), ShardNumber(1), Same()},
                                    {Path("b"), ShardNumber(2), Same()}};
    return MergeJournals(parts, target, {}, stopped, &totals_);
  }
  static std::vector<uint32_t> Same() {
    std::vector<uint32_t> same(kRows);
    for (uint32_t i = 0; i < kRows; ++i) same[i] = i;
    return same;
  }

  ProgressTotals totals_;
};

TEST_F(JournalMergeTest, HoldsWhatTheShardsHold) {
  FinishShard(*BeginShard("a", 1));
  FinishShard(*BeginShard("b", 2));
  ASSERT_EQ(Merge(), absl::OkStatus());
  EXPECT_EQ(totals_.completed, kRows - 2);
  EXPECT_EQ(totals_.failed, 2u);
  EXPECT_EQ(totals_.attempts, kRows);
  EXPECT_EQ(totals_.sessions, 2u);
  const auto whole = Resume("whole");
  EXPECT_TRUE(whole->complete());
  EXPECT_EQ(whole->complete_exit_code(), 3);
  EXPECT_EQ(whole->info().shard_count, 0u);
  EXPECT_EQ(whole->selection().queries, kRows);
  EXPECT_THAT(ReadFile("whole/errors.log"), HasSubstr("timeout"));
  ASSERT_EQ(whole->Close(), absl::OkStatus());

  auto store = ResultStore::Load(Path("whole"), "scoring", {});
  ASSERT_TRUE(store.ok()) << store.status();
  uint32_t next = 0;
  EXPECT_EQ((*store)->ForEach(1, Same(),
                              [&](const QueryResult& query) {
                                EXPECT_EQ(query.key.index, next++);
                                EXPECT_TRUE(query.failed ||
                                            query.output ==
                                                absl::StrCat("answer ",
                                                             query.key.index))
                                    << query.key.index;
                                return absl::OkStatus();
                              }),
            absl::OkStatus());
  EXPECT_EQ(next, kRows);
}

TEST_F(JournalMergeTest, AnAnswerMayBeAsLargeAsARecord) {
  const auto shard = BeginShard("a", 1);
  AnswerAndScore(*shard, 1, Part(1).front(), std::string(500 << 10, 'x'));
  AnswerAndScore(*shard, 1, Part(1).back(),
                 std::string(kRecordTextMax - 100, 'x'));
  FinishShard(*shard);
  FinishShard(*BeginShard("b", 2));
  ASSERT_EQ(Merge(), absl::OkStatus());
  EXPECT_EQ(totals_.completed, kRows - 1);
}

// One that was accepted before anything was asked mixes nothing.
TEST_F(JournalMergeTest, AChangeOfAShardDoesNotMixTheWhole) {
  FinishShard(*BeginShard("a", 1));
  FinishShard(*BeginShard(
      "b", 2,
      {{kDatasetOverride, "\"1\"", "\"2\"", ""}, {"workers", "1", "2", ""}}));
  ASSERT_FALSE(Resume("b")->now().mixed_config);
  ASSERT_EQ(Merge(), absl::OkStatus());
  EXPECT_FALSE(Resume("whole")->now().mixed_config);
}

TEST_F(JournalMergeTest, AnotherShardsQueryIsRefusedByName) {
  FinishShard(*BeginShard("a", 1));
  auto second = BeginShard("b", 2);
  const uint32_t foreign = Part(1).front();
  AnswerAndScore(*second, 1, foreign);
  FinishShard(*second);
  const absl::Status s = Merge();
  EXPECT_EQ(journal::KindOf(s), journal::ErrorKind::kInvalidArgument);
  EXPECT_THAT(std::string(s.message()),
              HasSubstr(absl::StrCat("`q", foreign,
                                     "`, which does not belong to shard 2/2")));
}

TEST_F(JournalMergeTest, WhatCannotBeReadIsNoPartOfIt) {
  FinishShard(*BeginShard("a", 1));
  FinishShard(*BeginShard("b", 2));
  AppendRaw("b", static_cast<uint16_t>(RecordType::kResponse), "rubbish");
  EXPECT_EQ(journal::KindOf(Merge()), journal::ErrorKind::kDamage);
  std::filesystem::remove_all(Path("whole"));
  std::filesystem::remove_all(Path("b"));
  FinishShard(*BeginShard("b", 2));
  AppendRaw("b", 999, "of the future");
  EXPECT_EQ(journal::KindOf(Merge()), journal::ErrorKind::kNewerVersion);
}

TEST_F(JournalMergeTest, AShardThatWentOnIsNoPartOfIt) {
  FinishShard(*BeginShard("a", 1));
  const auto second = BeginShard("b", 2);
  ASSERT_EQ(second->Sync(), absl::OkStatus());
  EXPECT_EQ(journal::KindOf(Merge()), journal::ErrorKind::kLocked);
  ASSERT_EQ(second->Close(), absl::OkStatus());
}

TEST_F(JournalMergeTest, ASignalEndsItUnfinished) {
  FinishShard(*BeginShard("a", 1));
  FinishShard(*BeginShard("b", 2));
  int asked = 0;
  EXPECT_TRUE(absl::IsCancelled(Merge([&] { return ++asked > 50; })));
  const auto found = LocateJournal({}, Path("whole"));
  ASSERT_TRUE(found.has_value());
  EXPECT_NE(found->condition, JournalCondition::kComplete);
}

}  // namespace
}  // namespace runner
