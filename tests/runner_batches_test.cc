// Batches: labels in the journal over what is asked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "runner/storage/record_codec.h"
#include "tests/runner_fixture.h"
#include "tools/journalctl_bench.h"

namespace runner {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr uint32_t kQuestions = 60;

class BatchesTest : public testing::Test {
 protected:
  BatchesTest() {
    place_.options["workers"] = "4";
    place_.options["batch-size"] = "25";
    place_.WriteDataset(kQuestions);
  }

  std::vector<BatchRecord> Records(BatchStatus status) const {
    std::vector<BatchRecord> batches;
    for (const std::string& record : place_.Records(place_.Journals().at(0))) {
      const size_t type = record.find(':') + 1;
      const size_t body = record.find(':', type) + 1;
      if (record.compare(type, body - type, "10:") != 0) continue;
      const auto batch = Decode<BatchRecord>(record.substr(body));
      EXPECT_TRUE(batch.ok()) << batch.status();
      if (batch->status == status) batches.push_back(*batch);
    }
    return batches;
  }

  std::vector<uint32_t> Numbers(BatchStatus status) const {
    std::vector<uint32_t> numbers;
    for (const BatchRecord& batch : Records(status)) {
      numbers.push_back(batch.number);
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }

  // What `journalctl-bench info` says.
  std::string Info() const {
    std::ostringstream out;
    inspector::Context context{
        out, out, {}, [](absl::Duration) { return false; }, nullptr};
    EXPECT_EQ(inspector::RunJournalctlBench({"info", place_.JournalDirectory()},
                                            context),
              0)
        << out.str();
    return out.str();
  }

  // Answers some of batches of 5, and is killed. Returns how many were asked.
  size_t RunAndKill() {
    place_.options["batch-size"] = "5";
    place_.worker_flags.push_back("--hold=20:go");
    RunnerProcess runner = place_.Start();
    EXPECT_TRUE(place_.WaitForCalls(20, runner)) << runner.err();
    EXPECT_TRUE(runner.Kill9());
    place_.Write("go", "");
    return place_.Calls().size();
  }

  Workplace place_;
};

TEST_F(BatchesTest, EachIsPlannedBeginsAndEnds) {
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  const std::vector<BatchRecord> planned = Records(BatchStatus::kPending);
  ASSERT_THAT(planned, SizeIs(1));
  EXPECT_EQ(planned[0].number, 1u);
  EXPECT_EQ(planned[0].count, 3u);
  std::vector<uint32_t> asked;
  for (const BatchRecord& batch : Records(BatchStatus::kRunning)) {
    EXPECT_EQ(batch.indices.size(), batch.number == 3 ? 10u : 25u);
    asked.insert(asked.end(), batch.indices.begin(), batch.indices.end());
  }
  EXPECT_THAT(asked, SizeIs(kQuestions));
  EXPECT_THAT(Numbers(BatchStatus::kCompleted), testing::ElementsAre(1, 2, 3));
  for (const BatchRecord& batch : Records(BatchStatus::kCompleted)) {
    EXPECT_THAT(batch.slots, Not(IsEmpty()));
  }
  EXPECT_THAT(place_.err(), Not(HasSubstr("Redistributing")));
}

TEST_F(BatchesTest, AnotherSizeAfterAKillRegroupsWhatIsLeft) {
  RunAndKill();
  const std::vector<uint32_t> done = Numbers(BatchStatus::kCompleted);
  const uint32_t first = done.empty() ? 1 : done.back() + 1;
  place_.options["batch-size"] = "7";
  place_.options["workers"] = "2";
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  // What was changed comes before what comes of it.
  EXPECT_LT(place_.err().find("Configuration override: "),
            place_.err().find("Redistributing "));
  const std::vector<BatchRecord> planned = Records(BatchStatus::kPending);
  ASSERT_THAT(planned, SizeIs(2));
  EXPECT_EQ(planned[1].number, first);
  EXPECT_THAT(place_.err(),
              HasSubstr(absl::StrCat(
                  "Redistributing remaining work across 2 workers; resuming "
                  "from batch ",
                  first, " of ", first + planned[1].count - 1)));
  // Each number ends once, and the last one is that which was announced.
  const std::vector<uint32_t> numbers = Numbers(BatchStatus::kCompleted);
  EXPECT_EQ(std::set<uint32_t>(numbers.begin(), numbers.end()).size(),
            numbers.size());
  EXPECT_EQ(numbers.back(), first + planned[1].count - 1);
  place_.ExpectAskedOnceButInDoubt(kQuestions);
  EXPECT_THAT(Info(), HasSubstr(absl::StrCat("Batches      ", numbers.size(),
                                             " Completed\n")));
  EXPECT_THAT(Info(), Not(HasSubstr(" Pending")));
}

TEST_F(BatchesTest, WhatIsPlannedAndUnderWayCanBeSeen) {
  RunAndKill();
  const size_t done = Numbers(BatchStatus::kCompleted).size();
  const size_t begun = Numbers(BatchStatus::kRunning).size();
  EXPECT_THAT(Info(), HasSubstr(absl::StrCat(begun - done, " Running\n")));
  EXPECT_THAT(Info(),
              HasSubstr(absl::StrCat(kQuestions / 5 - begun, " Pending\n")));
}

// As fsyncs show that need nothing else: neither a number of results nor time.
// Batches that end together share one, so that here they end one by one.
TEST_F(BatchesTest, WhatABatchHoldsIsDurableAtItsEndIfAsked) {
  place_.options["checkpoint-interval"] = "1000000";
  place_.options["sync-interval"] = "1h";
  place_.options["batch-size"] = "2";
  place_.options["response-field"] = "target";  // Starts are not durable.
  place_.options["rate-limit"] = "50";
  const auto fsyncs = [&](const std::vector<std::string>& more) {
    place_.Write("strace.log", "");
    // A traced process cannot look for leaks.
    const char* asan = getenv("ASAN_OPTIONS");
    place_.run_under = {
        "env",
        absl::StrCat("ASAN_OPTIONS=", asan == nullptr ? "" : asan,
                     ":detect_leaks=0"),
        "strace",
        "-f",
        "-e",
        "trace=fsync,fdatasync",
        "-o",
        "strace.log",
        "--"};
    EXPECT_EQ(place_.Run(more), 0) << place_.err();
    const std::string log = place_.Read("strace.log");
    int calls = 0;  // A call that was interrupted is "resumed" without "(".
    for (size_t at = log.find("sync("); at != std::string::npos;
         at = log.find("sync(", at + 1)) {
      ++calls;
    }
    return calls;
  };
  const auto without = fsyncs({"--no-resume"});
  const auto with = fsyncs({"--no-resume", "--checkpoint-on-batch-complete"});
  EXPECT_GT(with, without);
}

}  // namespace
}  // namespace runner
