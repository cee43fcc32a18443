#include "runner/study/finished_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace runner {
namespace {

Finished Of(uint32_t slot, uint64_t number) {
  Finished finished;
  finished.result.slot = slot;
  finished.result.state_number = number;
  if (number > 0) finished.result.state_json = "{}";
  return finished;
}

// Takes what may be taken: "slot.number".
std::vector<std::string> TakeAll(FinishedQueue& queue) {
  std::vector<std::string> taken;
  while (queue.CanTake()) {
    const EvaluationResult result = queue.Take()->result;
    taken.push_back(std::to_string(result.slot) + "." +
                    std::to_string(result.state_number));
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
  EXPECT_FALSE(queue.Take().has_value());
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

}  // namespace
}  // namespace runner
