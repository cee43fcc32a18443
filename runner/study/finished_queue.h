// What evaluators have answered and nobody has journaled yet.
#ifndef RUNNER_STUDY_FINISHED_QUEUE_H_
#define RUNNER_STUDY_FINISHED_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "runner/evaluators/evaluator.h"
#include "runner/study/work_source.h"

namespace runner {

// Which query, for the how-manieth time.
struct Turn {
  WorkItem item;
  uint32_t tries = 1;  // In this session.
  // Monotonic: when its time is up; set when the first try leaves.
  absl::Duration deadline = absl::InfiniteDuration();
};

// A query on its way.
struct Work {
  Turn turn;
  absl::Duration sent;  // Monotonic: when it left.
  EvaluationRequest request;
  absl::optional<std::string> target;
};

struct Finished {
  Work work;
  EvaluationResult result;
};

// Taken together at most, of texts, unless one alone has more. What the journal
// takes at once.
inline constexpr size_t kTakenBytesMax = 1 << 20;

// First in, first out, but that of a slot's results with a worker's state the
// next is not taken before the last is journaled: the state of a later answer
// must not be in the journal before an earlier answer is. Not thread-safe.
class FinishedQueue {
 public:
  void Add(Finished finished) { waiting_.push_back(std::move(finished)); }
  size_t size() const { return waiting_.size(); }
  bool CanTake() const;
  // What can be journaled together, in order, at most `count_max` and some
  // kTakenBytesMax: one with a state goes alone. Empty: not CanTake().
  std::vector<Finished> Take(size_t count_max);
  // A result that was taken is journaled, or never will be. May be called again
  // for the same.
  void EndTurn(const EvaluationResult& result);

 private:
  size_t NextToTake() const;  // size(): none.

  std::deque<Finished> waiting_;
  std::map<uint32_t, uint64_t> turns_;  // The states under way, by slot.
};

}  // namespace runner

#endif  // RUNNER_STUDY_FINISHED_QUEUE_H_
