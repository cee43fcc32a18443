// What a study has spent and how far it came: its account, over all benchmarks
// and all sessions.
#ifndef RUNNER_STUDY_LEDGER_H_
#define RUNNER_STUDY_LEDGER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "journal/clock.h"
#include "runner/base/query.h"
#include "runner/storage/progress_state.h"

namespace runner {

// What attempts came to. Failed ones are in it, too: whoever was asked may send
// a bill for each.
struct Spending {
  double cost = 0;  // Dollars, of those whose cost is known.
  uint64_t prompt_tokens = 0;
  uint64_t completion_tokens = 0;
  uint64_t unmetered = 0;  // Attempts without a word on tokens.
  uint64_t unpriced = 0;   // Answers of which nobody knows the cost.
  uint64_t failed = 0;     // Queries, now.
  uint64_t answered = 0;   // Queries, now; scored or not.
  absl::Duration elapsed;

  uint64_t tokens() const;
  void Add(const Spending& other);
};

// Thread-safe. `clock` is borrowed.
class Ledger {
 public:
  explicit Ledger(journal::Clock* clock) : clock_(clock) {}

  // Between these two time runs, and counts for `benchmark`. To be called after
  // its journal began the session and before it ends it: so the account is
  // never ahead of what the journal will say, and a limit that was reached is
  // reached when it is read again.
  void BeginSession(size_t benchmark) ABSL_LOCKS_EXCLUDED(mutex_);
  void EndSession() ABSL_LOCKS_EXCLUDED(mutex_);

  // What the journal of `benchmark` says of earlier sessions takes the place of
  // all that was known of it. Benchmarks are numbered by whoever asks.
  void Carry(size_t benchmark, absl::string_view model,
             const ProgressTotals& totals) ABSL_LOCKS_EXCLUDED(mutex_);

  // An attempt has ended; a failed one is no answer.
  void AddAttempt(size_t benchmark, const Usage& usage,
                  const absl::optional<double>& cost, bool answered)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // How many queries of it have ended.
  void SetEnded(size_t benchmark, uint64_t answered, uint64_t failed)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Over all benchmarks and sessions, this one among them.
  Spending total() const ABSL_LOCKS_EXCLUDED(mutex_);
  // By model; "" for benchmarks without one.
  std::map<std::string, Spending> by_model() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Account {
    std::string model;
    Spending spending;
  };
  struct Session {
    size_t benchmark = 0;
    absl::Duration counted;  // Monotonic: up to here.
  };

  // Adds the time since the last count.
  void CountTime() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  journal::Clock* const clock_;
  mutable absl::Mutex mutex_;

  mutable absl::optional<Session> session_ ABSL_GUARDED_BY(mutex_);
  mutable std::map<size_t, Account> accounts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace runner

#endif  // RUNNER_STUDY_LEDGER_H_
