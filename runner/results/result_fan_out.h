// Results for several sinks, each on a thread of its own.
#ifndef RUNNER_RESULTS_RESULT_FAN_OUT_H_
#define RUNNER_RESULTS_RESULT_FAN_OUT_H_

#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "runner/results/result_sink.h"
#include "runner/storage/result_store.h"

namespace runner {

// Of the results that wait, until the slowest sink has them; one result more
// where it alone is larger.
inline constexpr size_t kWaitingBytesMax = 1 << 20;
// How much of them is handed over at once.
inline constexpr size_t kResultBatchBytes = 64 << 10;
inline constexpr size_t kResultBatchMax = 64;

// Every sink is given every result, in the order of the calls. Used from one
// thread.
//
//   ResultFanOut fan_out({&lines, &table});
//   for (...) if (absl::Status s = fan_out.Add(result); !s.ok()) return s;
//   return fan_out.Finish();
class ResultFanOut {
 public:
  // Borrows the sinks, which must outlive it. Starts the threads.
  explicit ResultFanOut(const std::vector<ResultSink*>& sinks);
  // Where Finish was not called the sinks are not finished either: what they
  // were not given yet they never are. Ends the threads.
  ~ResultFanOut();

  ResultFanOut(const ResultFanOut&) = delete;
  ResultFanOut& operator=(const ResultFanOut&) = delete;

  // Waits for room. The error of the first sink that failed, whenever that was:
  // then nothing goes on.
  absl::Status Add(QueryResult&& result);

  // Finishes the sinks, beside each other, and ends the threads.
  absl::Status Finish();

 private:
  struct Batch {
    std::vector<QueryResult> results;
    size_t bytes = 0;
  };
  struct Lane {
    ResultSink* sink = nullptr;
    size_t taken = 0;  // Of all batches there ever were.
  };

  void Drain(Lane& lane);
  // Null: there is no more for it.
  const Batch* NextFor(const Lane& lane);
  void Took(Lane& lane);
  void Fail(const absl::Status& status);
  bool stopped();
  absl::Status HandOver();
  // Of those that wait, those that all sinks have.
  size_t TakenByAll() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Join();

  Batch open_;  // Not handed over yet.

  absl::Mutex mutex_;
  std::vector<Lane> lanes_ ABSL_GUARDED_BY(mutex_);
  // Those that some sink still needs, and those that the next Add() forgets:
  // memory that one thread takes and another gives back is slow.
  std::deque<Batch> waiting_ ABSL_GUARDED_BY(mutex_);
  size_t forgotten_ ABSL_GUARDED_BY(mutex_) = 0;  // How many came before those.
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;   // No batch comes any more.
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;  // By an error, or given up.
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);

  std::vector<std::thread> threads_;  // Last: they use all of the above.
};

}  // namespace runner

#endif  // RUNNER_RESULTS_RESULT_FAN_OUT_H_
