// Opaque states of workers, handed back when a benchmark goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runner/storage/record_codec.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr int kQuestions = 60;

// The worker counts its answers; the count is its state.
class WorkerStateTest : public testing::Test {
 protected:
  WorkerStateTest() {
    place_.options["scorer"] = "contains";
    place_.WriteDataset(kQuestions);
    place_.worker_flags.push_back("--state");
  }

  // The counts that each slot gave, in order.
  std::map<uint32_t, std::vector<int>> Counts() const {
    std::map<uint32_t, std::vector<int>> counts;
    for (const std::string& record : place_.Records(place_.Journals().at(0))) {
      const size_t type = record.find(':') + 1;
      const size_t body = record.find(':', type) + 1;
      if (record.compare(type, body - type, "11:") != 0) continue;
      const auto state = Decode<WorkerStateRecord>(record.substr(body));
      EXPECT_TRUE(state.ok()) << state.status();
      int count = 0;
      EXPECT_EQ(sscanf(state->state_json.c_str(), "{\"answers\":%d}", &count),
                1);
      counts[state->slot].push_back(count);
    }
    return counts;
  }

  // No slot has begun anew, nor counted an answer that is lost.
  void ExpectEachSlotWentOn() const {
    const auto counts = Counts();
    EXPECT_THAT(counts, Not(IsEmpty()));
    for (const auto& [slot, given] : counts) {
      for (size_t i = 0; i < given.size(); ++i) {
        EXPECT_EQ(given[i], static_cast<int>(i) + 1) << "of slot " << slot;
      }
    }
  }

  Workplace place_;
};

TEST_F(WorkerStateTest, AKilledRunGoesOnFromTheNewestState) {
  place_.options["workers"] = "1";
  place_.worker_flags.push_back("--hold=20:go");
  {
    RunnerProcess runner = place_.Start();
    ASSERT_TRUE(place_.WaitForCalls(20, runner)) << runner.err();
    ASSERT_TRUE(runner.Kill9());
  }
  place_.Write("go", "");
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  ExpectEachSlotWentOn();
  EXPECT_THAT(Counts()[0], SizeIs(kQuestions));
}

TEST_F(WorkerStateTest, SlotsThatAreNoMoreKeepTheirStates) {
  place_.options["workers"] = "4";
  place_.options["num-samples"] = "20";
  place_.worker_flags.push_back("--slow=5");  // So that others are asked, too.
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  const size_t slots = Counts().size();
  place_.options["workers"] = "1";
  place_.options["num-samples"] = "25";
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  if (slots > 1) {
    EXPECT_THAT(place_.err(), HasSubstr("stay in the journal"));
  }
  place_.options["workers"] = "4";
  place_.options.erase("num-samples");
  ASSERT_EQ(place_.Run(), 0) << place_.err();
  EXPECT_THAT(place_.err(), Not(HasSubstr("stay in the journal")));
  ExpectEachSlotWentOn();
}

}  // namespace
}  // namespace runner
