#include "runner/results/result_fan_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"

namespace runner {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

class Sink final : public ResultSink {
 public:
  absl::Status Append(const QueryResult& result) override {
    if (gate != nullptr) gate->WaitForNotificationWithTimeout(kPatience);
    if (indices.size() == fails_at) return failure;
    indices.push_back(result.key.index);
    return absl::OkStatus();
  }
  absl::Status Finish() override {
    finished = true;
    return fails_to_finish ? failure : absl::OkStatus();
  }

  absl::Notification* gate = nullptr;
  size_t fails_at = SIZE_MAX;
  bool fails_to_finish = false;
  absl::Status failure = absl::ResourceExhaustedError("the disk is full");
  std::vector<uint32_t> indices;
  bool finished = false;
};

QueryResult Result(uint32_t index) {
  QueryResult result;
  result.key = {1, index, absl::StrCat("q", index), 0};
  result.output = std::string(1000, 'x');
  return result;
}

// Until there is an error.
absl::Status AddMany(ResultFanOut& fan_out, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    absl::Status status = fan_out.Add(Result(i));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

constexpr uint32_t kMany = 10 * kWaitingBytesMax / 1000;

TEST(ResultFanOutTest, EverySinkHasEveryResultInOrder) {
  Sink a, b;
  ResultFanOut fan_out({&a, &b});
  EXPECT_EQ(AddMany(fan_out, kMany), absl::OkStatus());
  EXPECT_EQ(fan_out.Finish(), absl::OkStatus());
  ASSERT_EQ(a.indices.size(), kMany);
  for (uint32_t i = 0; i < kMany; ++i) ASSERT_EQ(a.indices[i], i);
  EXPECT_EQ(b.indices, a.indices);
  EXPECT_TRUE(a.finished && b.finished);
}

TEST(ResultFanOutTest, WithoutResultsSinksAreFinished) {
  Sink a;
  ResultFanOut fan_out({&a});
  EXPECT_EQ(fan_out.Finish(), absl::OkStatus());
  EXPECT_TRUE(a.finished);
}

TEST(ResultFanOutTest, TheSlowestSinkHoldsTheOthersBack) {
  absl::Notification gate, ahead;
  Sink fast, slow;
  slow.gate = &gate;
  ResultFanOut fan_out({&fast, &slow});
  std::atomic<size_t> added = 0;
  std::thread producer([&] {
    for (uint32_t i = 0; i < kMany; ++i) {
      EXPECT_EQ(fan_out.Add(Result(i)), absl::OkStatus());
      added += 1000;
      if (added > 2 * kWaitingBytesMax) ahead.Notify();
      if (ahead.HasBeenNotified()) return;
    }
  });
  // That it never comes takes a moment to believe.
  EXPECT_FALSE(ahead.WaitForNotificationWithTimeout(absl::Milliseconds(200)));
  gate.Notify();
  producer.join();
  EXPECT_EQ(fan_out.Finish(), absl::OkStatus());
  EXPECT_EQ(slow.indices, fast.indices);
}

TEST(ResultFanOutTest, AResultLargerThanTheBoundPassesAlone) {
  Sink a;
  ResultFanOut fan_out({&a});
  for (uint32_t i = 0; i < 3; ++i) {
    QueryResult large = Result(i);
    large.output = std::string(kWaitingBytesMax + 1, 'x');
    EXPECT_EQ(fan_out.Add(std::move(large)), absl::OkStatus());
  }
  EXPECT_EQ(fan_out.Finish(), absl::OkStatus());
  EXPECT_EQ(a.indices.size(), 3u);
}

TEST(ResultFanOutTest, AFailureEndsEverything) {
  Sink good, bad;
  bad.fails_at = 100;
  ResultFanOut fan_out({&good, &bad});
  EXPECT_EQ(AddMany(fan_out, kMany), bad.failure);
  EXPECT_EQ(fan_out.Finish(), bad.failure);
  EXPECT_FALSE(good.finished || bad.finished);
}

TEST(ResultFanOutTest, AFailureOfTheLastResultOrAtTheEndIsTheError) {
  Sink late, end;
  late.fails_at = 9;
  end.fails_to_finish = true;
  for (Sink* sink : {&late, &end}) {
    ResultFanOut fan_out({sink});
    EXPECT_EQ(AddMany(fan_out, 10), absl::OkStatus());
    EXPECT_EQ(fan_out.Finish(), sink->failure);
  }
}

TEST(ResultFanOutTest, GivenUpNothingIsFinished) {
  Sink a, b;
  {
    ResultFanOut fan_out({&a, &b});
    EXPECT_EQ(AddMany(fan_out, kMany), absl::OkStatus());
  }
  EXPECT_FALSE(a.finished || b.finished);
}

}  // namespace
}  // namespace runner
