// kill -9 at random instants, then the same command again: nothing is lost,
// nothing is asked twice unlisted, and the results are those of an
// uninterrupted run.
//
//   CRASH_SEED=N    repeats the instants of an earlier run
//   CRASH_KILLS=N   how many kills each, instead of 20
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "journal/testing/setting.h"
#include "tests/runner_fixture.h"

namespace runner {
namespace {

constexpr int kQuestions = 140;
constexpr int kKills = 20;
// Kills of one benchmark before it may come to its end.
constexpr int kKillsOfALifeMax = 5;
// A kill that comes after the end is none; so many may.
constexpr int kMissesPerKillMax = 10;

// How many queries may be under way, and thus in doubt after one crash, for
// each worker: two ready, one in flight, two answered and not yet journaled.
constexpr int kInDoubtPerWorkerMax = 5;

class CrashTest : public testing::TestWithParam<std::tuple<int, std::string>> {
 protected:
  CrashTest()
      : seed_(journal::Setting("CRASH_SEED",
                               absl::ToUnixNanos(absl::Now()) % 1000000)),
        random_(seed_) {
    printf("CRASH_SEED=%llu\n", static_cast<unsigned long long>(seed_));
    RecordProperty("seed", static_cast<int>(seed_));
  }

  int workers() const { return std::get<0>(GetParam()); }

  std::unique_ptr<Workplace> NewPlace() const {
    auto place = std::make_unique<Workplace>();
    place->options["workers"] = absl::StrCat(workers());
    place->options["sync"] = std::get<1>(GetParam());
    place->worker_flags.push_back(workers() == 1 ? "--slow=1" : "--slow=2");
    place->WriteDataset(kQuestions);
    return place;
  }

  // What an uninterrupted run gives, and how long it takes.
  void RunUninterrupted() {
    const auto place = NewPlace();
    const absl::Time start = absl::Now();
    ASSERT_EQ(place->Run(), 0) << place->err();
    duration_ = absl::Now() - start;
    ASSERT_EQ(place->Calls().size(), static_cast<size_t>(kQuestions));
    expected_ = place->ResultsWithoutTiming();
  }

  int Random(int max) {  // 0..max
    return std::uniform_int_distribution<int>(0, max)(random_);
  }
  absl::Duration Random(absl::Duration max) {
    return absl::Microseconds(
        Random(static_cast<int>(absl::ToInt64Microseconds(max))));
  }

  // Lets the run come to an instant anywhere in its life, or, since most of
  // that is waiting for workers to start, anywhere in its calls.
  void AwaitSomeInstant(const Workplace& place, RunnerProcess& runner) {
    if (Random(2) == 0) {
      runner.EndsWithin(Random(duration_));
      return;
    }
    const int before = static_cast<int>(place.Calls().size());
    const int calls = before + Random(std::max(0, kQuestions - before));
    place.WaitForCalls(static_cast<size_t>(calls), runner);
    runner.EndsWithin(Random(absl::Milliseconds(4)));
  }

  // One benchmark, killed up to `most` times and then finished by the same
  // command. Returns how many kills came before its end.
  int LiveAndDie(int most) {
    const auto place = NewPlace();
    int kills = 0;
    while (kills < most) {
      RunnerProcess runner = place->Start();
      AwaitSomeInstant(*place, runner);
      if (!runner.Kill9()) {
        EXPECT_EQ(runner.WaitExit(), 0) << runner.err();
        break;
      }
      ++kills;
      EXPECT_TRUE(place->EverybodyIsGone())
          << "outlived the runner: "
          << absl::StrJoin(place->LivingProcesses(), ", ");
    }
    EXPECT_EQ(place->Run(), 0) << place->err();
    ExpectAllAsked(*place, kills);
    EXPECT_EQ(place->ResultsWithoutTiming(), expected_);
    return kills;
  }

  void ExpectAllAsked(const Workplace& place, int kills) {
    place.ExpectAskedOnceButInDoubt(kQuestions);
    int listed = 0;
    for (const auto& [query, count] : place.InDoubtCounts()) listed += count;
    EXPECT_LE(listed, kills * kInDoubtPerWorkerMax * workers());
    in_doubt_ += listed;
    for (const auto& [query, count] : place.CallCounts()) {
      asked_again_ += count - 1;
    }
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
  absl::Duration duration_;
  std::string expected_;
  int in_doubt_ = 0;
  int asked_again_ = 0;
};

TEST_P(CrashTest, TheSameCommandGoesOn) {
  ASSERT_NO_FATAL_FAILURE(RunUninterrupted());
  const auto wanted =
      static_cast<int64_t>(journal::Setting("CRASH_KILLS", kKills));
  int64_t misses = 0;
  for (int64_t kills = 0; kills < wanted && !HasFailure();) {
    const int most = 1 + Random(kKillsOfALifeMax - 1);
    const int came =
        LiveAndDie(static_cast<int>(std::min<int64_t>(most, wanted - kills)));
    kills += came;
    misses += came == 0 ? 1 : 0;
    ASSERT_LE(misses, wanted * kMissesPerKillMax) << "kills come too late";
  }
  printf("torture: %lld kills, %d queries in doubt, of them asked before: %d\n",
         static_cast<long long>(wanted), in_doubt_, asked_again_);
  // Else no kill has met a query on its way, and nothing was tested.
  if (wanted >= kKills) {
    EXPECT_GT(asked_again_, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(
    WorkersAndSync, CrashTest,
    testing::Combine(testing::Values(1, 8, 32),
                     testing::Values("each", "batch", "none")),
    [](const testing::TestParamInfo<CrashTest::ParamType>& info) {
      return absl::StrCat("Workers", std::get<0>(info.param), "Sync",
                          std::get<1>(info.param));
    });

}  // namespace
}  // namespace runner
