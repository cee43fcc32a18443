#include "runner/display/progress_tracker.h"

namespace runner {

void ProgressTracker::Begin(const Progress& start) {
  absl::MutexLock lock(&mutex_);
  progress_ = start;
  display_.Begin(progress_);
}

void ProgressTracker::Completed(const QueryKey& key,
                                absl::optional<double> cost) {
  absl::MutexLock lock(&mutex_);
  if (cost.has_value()) progress_.cost = progress_.cost.value_or(0) + *cost;
  Advance(key);
}

void ProgressTracker::Failed(const QueryKey& key) {
  absl::MutexLock lock(&mutex_);
  ++progress_.failed;
  Advance(key);
}

void ProgressTracker::Spent(double dollars) {
  absl::MutexLock lock(&mutex_);
  progress_.cost = progress_.cost.value_or(0) + dollars;
  display_.Update(progress_);
}

Progress ProgressTracker::progress() const {
  absl::MutexLock lock(&mutex_);
  return progress_;
}

void ProgressTracker::Advance(const QueryKey& key) {
  ++progress_.done;
  progress_.run = key.run;
  progress_.query_id = key.id;
  display_.Update(progress_);
}

}  // namespace runner
