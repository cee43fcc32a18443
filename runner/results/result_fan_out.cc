#include "runner/results/result_fan_out.h"

#include <algorithm>
#include <utility>

namespace runner {

ResultFanOut::ResultFanOut(const std::vector<ResultSink*>& sinks) {
  absl::MutexLock lock(&mutex_);
  for (ResultSink* sink : sinks) lanes_.push_back({.sink = sink});
  // From here on the lanes stay where they are.
  for (Lane& lane : lanes_) {
    threads_.emplace_back([this, &lane] { Drain(lane); });
  }
}

ResultFanOut::~ResultFanOut() {
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  Join();
}

absl::Status ResultFanOut::Add(QueryResult&& result) {
  if (open_.results.empty()) open_.results.reserve(kResultBatchMax);
  open_.bytes += MemoryOf(result);
  open_.results.push_back(std::move(result));
  const bool full = open_.bytes >= kResultBatchBytes ||
                    open_.results.size() >= kResultBatchMax;
  return full ? HandOver() : absl::OkStatus();
}

absl::Status ResultFanOut::Finish() {
  const absl::Status status = HandOver();
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
  }
  Join();
  if (!status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  return failure_;
}

absl::Status ResultFanOut::HandOver() {
  std::vector<Batch> done;  // Freed without the lock.
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &ResultFanOut::HasRoom));
  if (!failure_.ok()) return failure_;
  for (size_t i = TakenByAll(); i > 0; --i) {
    done.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
    ++forgotten_;
  }
  waiting_.push_back(std::move(open_));
  open_ = Batch();
  return absl::OkStatus();
}

size_t ResultFanOut::TakenByAll() const {
  size_t taken = forgotten_ + waiting_.size();
  for (const Lane& lane : lanes_) taken = std::min(taken, lane.taken);
  return taken - forgotten_;
}

bool ResultFanOut::HasRoom() const {
  if (stopped_) return true;
  size_t bytes = 0;
  for (size_t i = TakenByAll(); i < waiting_.size(); ++i) {
    bytes += waiting_[i].bytes;
  }
  return bytes == 0 || bytes + open_.bytes <= kWaitingBytesMax;
}

void ResultFanOut::Join() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

// ---------------------------------------------------------------------------
// The threads of the sinks

void ResultFanOut::Drain(Lane& lane) {
  while (const Batch* batch = NextFor(lane)) {
    for (const QueryResult& result : batch->results) {
      const absl::Status status = lane.sink->Append(result);
      if (!status.ok()) return Fail(status);
    }
    Took(lane);
  }
  if (stopped()) return;
  const absl::Status status = lane.sink->Finish();
  if (!status.ok()) Fail(status);
}

const ResultFanOut::Batch* ResultFanOut::NextFor(const Lane& lane) {
  absl::MutexLock lock(&mutex_);
  const auto has_next = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return lane.taken < forgotten_ + waiting_.size();
  };
  const auto may_go_on = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopped_ || closed_ || has_next();
  };
  mutex_.Await(absl::Condition(&may_go_on));
  if (stopped_ || !has_next()) return nullptr;
  return &waiting_[lane.taken - forgotten_];
}

void ResultFanOut::Took(Lane& lane) {
  absl::MutexLock lock(&mutex_);
  ++lane.taken;
}

void ResultFanOut::Fail(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  if (failure_.ok()) failure_ = status;
  stopped_ = true;
}

bool ResultFanOut::stopped() {
  absl::MutexLock lock(&mutex_);
  return stopped_;
}

}  // namespace runner
