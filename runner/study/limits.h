// Stops a study that has cost or lasted what it may.
#ifndef RUNNER_STUDY_LIMITS_H_
#define RUNNER_STUDY_LIMITS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "journal/clock.h"
#include "runner/config/run_limits.h"
#include "runner/study/ledger.h"

namespace runner {

// The only limit for whose sake what is under way is cut off.
inline constexpr absl::string_view kMaxDuration = "max-duration";

inline constexpr absl::string_view kMaxFailures = "max-failures";

// The same costs, added up in another order, may differ by their last digits.
inline constexpr double kCostRounding = 1e-9;

// A share of failures is looked at from so many ended queries on, so that the
// first failure is not 100%.
inline constexpr uint64_t kEndedForShareMin = 20;

// A limit that was reached.
struct LimitReached {
  absl::string_view name;  // "max-cost": the option's, without dashes.
  // In dollars, tokens, seconds, queries, or percent.
  double limit = 0;
  double value = 0;
  bool share = false;  // In percent.
  std::string text;    // "--max-cost $5.00: $5.02 spent".
};

// The first that is reached, in the order cost, tokens, time, failures; one is
// reached when its value is there, not only when it is passed.
absl::optional<LimitReached> CheckLimits(const RunLimits& limits,
                                         const Spending& spending);

// Watches over a ledger. A limit that was reached once stays so. Thread-safe,
// but for Watch and Unwatch, which are called in turns by one thread.
class LimitWatch {
 public:
  // `ledger` and `clock` are borrowed.
  LimitWatch(const RunLimits& limits, const Ledger* ledger,
             journal::Clock* clock)
      : limits_(limits), ledger_(ledger), clock_(clock) {}
  LimitWatch(const LimitWatch&) = delete;
  LimitWatch& operator=(const LimitWatch&) = delete;
  ~LimitWatch() { Unwatch(); }

  // From here on `stop` is called, once, by whichever thread finds a limit
  // reached: one that calls Check, or one of this class's for the time. At once
  // where it is reached already.
  void Watch(std::function<void()> stop) ABSL_LOCKS_EXCLUDED(mutex_);
  // When it returns, `stop` is called no more by a thread of this class's.
  void Unwatch() ABSL_LOCKS_EXCLUDED(mutex_);

  // After each change of the ledger.
  void Check() ABSL_LOCKS_EXCLUDED(mutex_);

  // As of the newest Check.
  absl::optional<LimitReached> reached() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void WaitForTheTime() ABSL_LOCKS_EXCLUDED(mutex_);

  const RunLimits limits_;
  const Ledger* const ledger_;
  journal::Clock* const clock_;

  mutable absl::Mutex mutex_;
  absl::CondVar unwatched_;
  std::function<void()> stop_ ABSL_GUARDED_BY(mutex_);  // Until it is called.
  bool watching_ ABSL_GUARDED_BY(mutex_) = false;
  absl::optional<LimitReached> reached_ ABSL_GUARDED_BY(mutex_);
  std::thread timer_;
};

}  // namespace runner

#endif  // RUNNER_STUDY_LIMITS_H_
