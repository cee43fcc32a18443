// Nothing that a runner started survives it, not even when the runner is
// killed with SIGKILL.
//
// PR_SET_PDEATHSIG reaches a child but not the child's children. The guard
// does: a process of its own that holds one end of a pipe and nothing else.
//
//   runner ──fork──► guard            blocked in read() on the pipe
//     │ └──fork──► worker ──► grandchild
//     │              └─ before exec: writes "my group is g" into the pipe
//     ▼
//   dies (the pipe's last writing end closes)
//                    guard            reads the end of the pipe, kills every
//                                     group, then whatever still carries the
//                                     guard's mark in its environment, and goes
//
// The worker announces its own group, and does so before exec, so there is no
// instant at which a grandchild exists that the guard cannot find. The mark
// finds processes that left the group (setsid, a daemon), as long as they kept
// their environment.
#ifndef RUNNER_EVALUATORS_PROCESS_GUARD_H_
#define RUNNER_EVALUATORS_PROCESS_GUARD_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace runner {

// Thread-safe after Start.
class ProcessGuard {
 public:
  // How many groups a guard can hold at once.
  static constexpr int kGroupsMax = 8192;

  // Forks the guard. It keeps none of this process's descriptors (locks!),
  // belongs to a session of its own, and blocks every signal.
  // Errors: ResourceExhausted, Internal with errno's text.
  static absl::StatusOr<std::unique_ptr<ProcessGuard>> Start();

  ProcessGuard(const ProcessGuard&) = delete;
  ProcessGuard& operator=(const ProcessGuard&) = delete;

  // Ends the guard as the runner's death would: it kills what is left. Waits
  // until the guard itself is gone, within a bound.
  ~ProcessGuard();

  // "NAME=1", to be put into the environment of every child.
  const std::string& mark() const { return mark_; }

  // For the child, between fork and exec: announces its own process group.
  // Async-signal-safe.
  void AnnounceOwnGroup() const;

  // Takes a group out. REQUIRES: it was killed and its leader not yet reaped,
  // so that the number cannot belong to anyone else yet.
  void Forget(pid_t group) const;

  pid_t pid() const { return pid_; }  // For tests and messages.

 private:
  ProcessGuard(int fd, pid_t pid, std::string mark)
      : fd_(fd), pid_(pid), mark_(std::move(mark)) {}

  const int fd_;  // The pipe's writing end.
  const pid_t pid_;
  const std::string mark_;
};

}  // namespace runner

#endif  // RUNNER_EVALUATORS_PROCESS_GUARD_H_
