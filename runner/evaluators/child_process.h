// A child process that speaks over its standard streams and dies with us.
#ifndef RUNNER_EVALUATORS_CHILD_PROCESS_H_
#define RUNNER_EVALUATORS_CHILD_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "runner/evaluators/process_guard.h"

namespace runner {

// A program and its arguments, found and checked.
struct ChildCommand {
  std::string path;               // Of the file to execute.
  std::vector<std::string> argv;  // argv[0] is the name as it was given.
};

// Finds words[0] in PATH, unless it has a slash, as execvp would, but never
// falls back to a shell. Errors, naming the word: InvalidArgument (no words,
// NUL byte), NotFound, PermissionDenied (not executable, a directory).
absl::StatusOr<ChildCommand> FindCommand(const std::vector<std::string>& words);

// How a child ended.
struct ExitStatus {
  enum class Kind { kExited, kSignalled, kUnknown };
  Kind kind = Kind::kUnknown;
  int number = 0;  // The exit code or the signal.

  // "ended with exit code 1", "was killed by signal 9 (Killed)", "ended".
  std::string ToString() const;
};

// Not thread-safe. All of it must be used on the thread that called Spawn, and
// that thread must outlive the child: PR_SET_PDEATHSIG is bound to it.
class ChildProcess {
 public:
  // Starts `command` in a session and process group of its own, without a
  // terminal, with default signal dispositions and no descriptors but 0, 1, 2,
  // which are pipes. Returns when exec has succeeded.
  // `guard` must outlive the child.
  // Errors: as ErrnoStatus, naming the command and what failed.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Spawn(
      const ChildCommand& command, const ProcessGuard& guard);

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Kills the group and reaps the child, waiting at most kReapWait.
  ~ChildProcess();

  // After SIGKILL a process goes at once, unless the kernel holds it in an
  // operation on a dead device or file server. Then it is left to init.
  static constexpr absl::Duration kReapWait = absl::Seconds(5);

  pid_t pid() const { return pid_; }

  // Our ends, non-blocking; -1 when closed. `exit_fd` becomes readable when the
  // child has ended.
  int stdin_fd() const { return stdin_fd_; }
  int stdout_fd() const { return stdout_fd_; }
  int stderr_fd() const { return stderr_fd_; }
  int exit_fd() const { return exit_fd_; }

  void CloseStdin();
  void CloseStdout();
  void CloseStderr();

  // How many of the bytes written to stdin the child has not read.
  size_t UnreadBytes() const;

  // Sends `signal` to the whole group.
  void Signal(int signal);

  // If the child has ended: kills what is left of its group, reaps it, and says
  // how it ended. Does not block. Nothing while it lives, and after it was
  // reaped.
  absl::optional<ExitStatus> TryReap();

 private:
  ChildProcess(pid_t pid, int exit_fd, const ProcessGuard* guard)
      : pid_(pid), exit_fd_(exit_fd), guard_(guard) {}

  pid_t pid_;
  int exit_fd_;
  const ProcessGuard* guard_;
  int stdin_fd_ = -1;
  int stdout_fd_ = -1;
  int stderr_fd_ = -1;
  bool reaped_ = false;
};

}  // namespace runner

#endif  // RUNNER_EVALUATORS_CHILD_PROCESS_H_
