// Counts what is done and shows it: for bench-runner, and for a C++ program
// with a loop of its own.
//
//   runner::ProgressDisplay display(
//       runner::ProgressDisplay::Options::ForProcess());
//   runner::ProgressTracker tracker(display);
//   runner::Progress start;
//   start.title = "mrl-sts";
//   start.total = 150;
//   start.done = start.resumed = 90;
//   tracker.Begin(start);
//   tracker.Completed({/*run=*/1, /*index=*/0, "q91"}, /*cost=*/0.002);
//   tracker.End();
#ifndef RUNNER_DISPLAY_PROGRESS_TRACKER_H_
#define RUNNER_DISPLAY_PROGRESS_TRACKER_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "runner/base/query.h"
#include "runner/display/progress_display.h"
#include "runner/display/progress_format.h"

namespace runner {

// Thread-safe. What is shown, and how often, is the display's business: call it
// for every query.
class ProgressTracker {
 public:
  // `display` is borrowed and outlives it.
  explicit ProgressTracker(ProgressDisplay& display) : display_(display) {}

  // The session's rate and time run from here.
  void Begin(const Progress& start) ABSL_LOCKS_EXCLUDED(mutex_);
  // `cost` in dollars; nothing when unknown.
  void Completed(const QueryKey& key, absl::optional<double> cost)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Failed(const QueryKey& key) ABSL_LOCKS_EXCLUDED(mutex_);
  // Dollars that no Completed says: of an attempt that failed, say.
  void Spent(double dollars) ABSL_LOCKS_EXCLUDED(mutex_);
  void End() { display_.Finish(); }

  Progress progress() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Advance(const QueryKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  ProgressDisplay& display_;
  mutable absl::Mutex mutex_;
  Progress progress_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace runner

#endif  // RUNNER_DISPLAY_PROGRESS_TRACKER_H_
