// The first SIGINT, SIGTERM or SIGHUP asks the program to finish; the second
// ends it.
//
//   auto signals = SignalCatcher::Install([&](int) { run.BeginDrain(); });
//   …
//   if (signals->caught() != 0) return 128 + signals->caught();
#ifndef RUNNER_BASE_SIGNALS_H_
#define RUNNER_BASE_SIGNALS_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace runner {

// At most one at a time exists in a process. Thread-safe.
class SignalCatcher {
 public:
  // Takes the first signal's number; called once, on a thread of the catcher's,
  // so that it may lock, wake and print.
  using OnFirst = std::function<void(int signal)>;

  // The same signal so soon after the first is the same wish, sent twice:
  // timeout(1), for one, signals its child and then the group the child is in.
  static constexpr int64_t kSameWishMs = 10;

  // From here on the first signal is remembered and announced, and the second
  // ends the process at once with 128 + its number: no destructor runs, and
  // what is in the journal's files stays there. SIGHUP stays ignored if it is
  // ignored now (nohup). SIGPIPE is ignored. `on_first` may be empty.
  // Errors: FailedPrecondition if there is one already; ResourceExhausted.
  static absl::StatusOr<std::unique_ptr<SignalCatcher>> Install(
      OnFirst on_first);

  // Restores the dispositions that it found.
  virtual ~SignalCatcher() = default;

  // The first signal, 0 before it.
  virtual int caught() const = 0;

  // Waits for the first signal; false when `timeout` has passed without one.
  virtual bool WaitFor(absl::Duration timeout) const = 0;

  // Readable from the first signal on, for poll(). Not to be read from.
  virtual int fd() const = 0;
};

}  // namespace runner

#endif  // RUNNER_BASE_SIGNALS_H_
