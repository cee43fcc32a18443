#include "runner/study/finished_queue.h"

namespace runner {

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

absl::optional<Finished> FinishedQueue::Take() {
  const size_t next = NextToTake();
  if (next == waiting_.size()) return absl::nullopt;
  Finished taken = std::move(waiting_[next]);
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(next));
  if (!taken.result.state_json.empty()) {
    turns_[taken.result.slot] = taken.result.state_number;
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
