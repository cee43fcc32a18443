#include "runner/study/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runner/storage/journal_test_fixture.h"

namespace runner {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class BatchesTest : public JournalTest {
 protected:
  BatchesTest() : journal_(Create("a")) {
    for (uint32_t i = 0; i < 10; ++i) plan_.rows.push_back({i, i});
  }

  Batches Divide(uint32_t size, uint32_t first = 1) {
    return Batches(WorkSource(*journal_, plan_), size, first);
  }

  // What a batch of each size holds, until the end.
  static std::vector<std::vector<uint32_t>> Indices(Batches& batches) {
    std::vector<std::vector<uint32_t>> indices;
    while (batches.Next().has_value()) {
      for (BatchRecord& begun : batches.TakeBegun()) {
        indices.push_back(std::move(begun.indices));
      }
    }
    return indices;
  }

  const std::unique_ptr<BenchmarkJournal> journal_;
  RunPlan plan_;
};

TEST_F(BatchesTest, WhatIsLeftIsDividedInOrder) {
  AnswerAndScore(*journal_, 1, 1);
  AnswerAndScore(*journal_, 1, 5);
  Batches batches = Divide(3);
  EXPECT_THAT(Indices(batches),
              ElementsAre(ElementsAre(0, 2, 3), ElementsAre(4, 6, 7),
                          ElementsAre(8, 9)));
}

TEST_F(BatchesTest, WhatFailedForGoodIsSetAsideUnlessItIsAskedAgain) {
  for (const uint32_t run : {1, 2}) {  // Only run 1 is asked for.
    Start(*journal_, run, 1);
    EvaluationResult refused = Failure("refused");
    refused.error->retryable = false;
    EXPECT_EQ(journal_->RecordError(Request(run, 1), refused, /*final=*/true),
              absl::OkStatus());
  }
  Fail(*journal_, 1, 2, "timeout");  // Asked again.
  EXPECT_EQ(CountSetAside(*journal_, plan_), 1u);
  plan_.only_failed = true;
  EXPECT_EQ(CountSetAside(*journal_, plan_), 0u);
  plan_.only_failed = false;
  plan_.rows.clear();
  EXPECT_EQ(CountSetAside(*journal_, plan_), 0u);
}

TEST_F(BatchesTest, ABatchIsOfOneRun) {
  plan_.runs = 2;
  Batches batches = Divide(8);
  std::vector<std::string> begun;
  while (batches.Next().has_value()) {
    for (const BatchRecord& record : batches.TakeBegun()) {
      begun.push_back(absl::StrCat(record.number, " of run ", record.run, ": ",
                                   record.indices.size()));
    }
  }
  EXPECT_THAT(begun, ElementsAre("1 of run 1: 8", "2 of run 1: 2",
                                 "3 of run 2: 8", "4 of run 2: 2"));
  EXPECT_EQ(BenchmarkRun::CountRemaining(*journal_, plan_).to_ask, 20u);
  plan_.batch_size = 8;
  EXPECT_EQ(BenchmarkRun::CountRemaining(*journal_, plan_).batches, 4u);
}

TEST_F(BatchesTest, ABatchEndsWithItsLastQueryWhicheverThatIs) {
  Batches batches = Divide(2, /*first=*/7);
  const WorkItem a = *batches.Next(), b = *batches.Next(), c = *batches.Next();
  EXPECT_EQ(a.batch, 7u);
  EXPECT_EQ(c.batch, 8u);
  EXPECT_FALSE(batches.Ended(c, 0).has_value());
  EXPECT_FALSE(batches.Ended(b, 3).has_value());
  const absl::optional<BatchRecord> ended = batches.Ended(a, 1);
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->number, 7u);
  EXPECT_EQ(ended->status, BatchStatus::kCompleted);
  EXPECT_THAT(ended->slots, ElementsAre(1, 3));
}

TEST_F(BatchesTest, NumbersGoOnBehindTheHighestThatEnded) {
  BatchProgress progress;
  progress.completed = 4;
  progress.open = {3, 5};
  const BatchRange range = NextBatches(progress, 3);
  EXPECT_EQ(RedistributionText(range, 4),
            "Redistributing remaining work across 4 workers; resuming from "
            "batch 5 of 7");
  ASSERT_EQ(RecordPlan(progress, range, *journal_), absl::OkStatus());
  EXPECT_THAT(journal_->batches().open, IsEmpty());
}

TEST_F(BatchesTest, OnlyWhatChangedIsSpokenOf) {
  EXPECT_FALSE(IsRedistributed(*journal_, {1, 3}, 4)) << "the first session";
  SessionInfo session;
  session.workers = 4;
  ASSERT_EQ(journal_->BeginSession(session), absl::OkStatus());
  EXPECT_FALSE(IsRedistributed(*journal_, {1, 3}, 4)) << "nothing was begun";
  EXPECT_TRUE(IsRedistributed(*journal_, {1, 3}, 2));
  EXPECT_TRUE(IsRedistributed(*journal_, {2, 3}, 4));
}

TEST_F(BatchesTest, NumbersThatAreUsedUpBeginAnew) {
  BatchProgress progress;
  progress.completed = 0xffffffff;
  EXPECT_EQ(NextBatches(progress, 2).first, 1u);
  EXPECT_EQ(NextBatches(progress, 2).total, 2u);
}

}  // namespace
}  // namespace runner
