#include "runner/study/finished_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace runner {
namespace {

constexpr size_t kMany = 100;

Finished Of(uint32_t slot, uint64_t number) {
  Finished finished;
  finished.result.slot = slot;
  finished.result.state_number = number;
  if (number > 0) finished.result.state_json = "{}";
  return finished;
}

Finished Long(size_t bytes) {
  Finished finished = Of(0, 0);
  finished.result.output = std::string(bytes, 'x');
  return finished;
}

// What is taken together: "slot.number".
std::vector<std::string> TakeSome(FinishedQueue& queue,
                                  size_t count_max = kMany) {
  std::vector<std::string> taken;
  for (const Finished& each : queue.Take(count_max)) {
    taken.push_back(std::to_string(each.result.slot) + "." +
                    std::to_string(each.result.state_number));
  }
  return taken;
}

// Takes what may be taken.
std::vector<std::string> TakeAll(FinishedQueue& queue) {
  std::vector<std::string> taken;
  while (queue.CanTake()) {
    for (const std::string& each : TakeSome(queue)) taken.push_back(each);
  }
  return taken;
}

using Taken = std::vector<std::string>;

TEST(FinishedQueue, AStateWaitsForTheOneBeforeItOfItsSlot) {
  FinishedQueue queue;
  queue.Add(Of(0, 1));
  queue.Add(Of(0, 2));
  queue.Add(Of(1, 1));
  EXPECT_EQ(TakeAll(queue), (Taken{"0.1", "1.1"}));
  EXPECT_EQ(TakeSome(queue), Taken{});
  queue.EndTurn(Of(1, 1).result);
  EXPECT_FALSE(queue.CanTake());
  queue.EndTurn(Of(0, 1).result);
  EXPECT_EQ(TakeAll(queue), Taken{"0.2"});
  queue.EndTurn(Of(0, 1).result);  // Again: the turn is another's.
  queue.Add(Of(0, 3));
  EXPECT_FALSE(queue.CanTake());
}

TEST(FinishedQueue, WithoutStatesNothingWaits) {
  FinishedQueue queue;
  queue.Add(Of(0, 1));
  queue.Add(Of(0, 0));
  queue.Add(Of(0, 0));
  EXPECT_EQ(TakeAll(queue), (Taken{"0.1", "0.0", "0.0"}));
  EXPECT_EQ(queue.size(), 0u);
}

TEST(FinishedQueue, ManyAreTakenTogetherAndAStateAlone) {
  FinishedQueue queue;
  for (const Finished& each : {Of(0, 0), Of(1, 0), Of(0, 1), Of(2, 0)}) {
    queue.Add(each);
  }
  EXPECT_EQ(TakeSome(queue, 1), Taken{"0.0"});
  EXPECT_EQ(TakeSome(queue), Taken{"1.0"});
  EXPECT_EQ(TakeSome(queue), Taken{"0.1"});
  EXPECT_EQ(TakeSome(queue), Taken{"2.0"});
}

TEST(FinishedQueue, WhatIsTakenTogetherIsBounded) {
  FinishedQueue queue;
  for (const size_t bytes : {2 * kTakenBytesMax, kTakenBytesMax / 2,
                             kTakenBytesMax / 2, size_t{1}}) {
    queue.Add(Long(bytes));
  }
  EXPECT_EQ(TakeSome(queue).size(), 1u);
  EXPECT_EQ(TakeSome(queue).size(), 2u);
  EXPECT_EQ(TakeSome(queue).size(), 1u);
}

}  // namespace
}  // namespace runner
