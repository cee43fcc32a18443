#include "runner/study/finished_queue.h"

#include <cstddef>

namespace runner {
namespace {

size_t TextBytes(const EvaluationResult& result) {
  return (result.output.has_value() ? result.output->size() : 0) +
         result.reasoning.size() + result.metadata_json.size();
}

}  // namespace

size_t FinishedQueue::NextToTake() const {
  size_t next = 0;
  while (next < waiting_.size()) {
    const EvaluationResult& result = waiting_[next].result;
    if (result.state_json.empty() || turns_.count(result.slot) == 0) break;
    ++next;
  }
  return next;
}

bool FinishedQueue::CanTake() const { return NextToTake() < waiting_.size(); }

std::vector<Finished> FinishedQueue::Take(size_t count_max) {
  std::vector<Finished> taken;
  size_t next = NextToTake();
  for (size_t bytes = 0; taken.size() < count_max && next < waiting_.size();) {
    const EvaluationResult& result = waiting_[next].result;
    const bool alone = !result.state_json.empty();
    bytes += TextBytes(result);
    if (!taken.empty() && (alone || bytes > kTakenBytesMax)) break;
    if (alone) turns_[result.slot] = result.state_number;
    taken.push_back(std::move(waiting_[next]));
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(next));
    if (alone) break;
  }
  return taken;
}

void FinishedQueue::EndTurn(const EvaluationResult& result) {
  const auto turn = turns_.find(result.slot);
  if (turn != turns_.end() && !result.state_json.empty() &&
      turn->second == result.state_number) {
    turns_.erase(turn);
  }
}

}  // namespace runner
