#include "runner/evaluators/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "runner/base/printable.h"
#include "runner/base/system_call.h"

extern char** environ;

namespace runner {
namespace {

constexpr size_t kNameColumnsMax = 80;
constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";

std::string Quoted(absl::string_view word) {
  return absl::StrCat("'", Excerpt(word, kNameColumnsMax), "'");
}

// OK if `path` can be executed by this process.
absl::Status CheckExecutable(const std::string& path) {
  const std::string what = absl::StrCat("cannot run ", Quoted(path));
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return ErrnoStatus(what);
  if (S_ISDIR(info.st_mode)) {
    return absl::PermissionDeniedError(absl::StrCat(what, ": a directory"));
  }
  if (faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) != 0) {
    absl::Status status = ErrnoStatus(what);
    return absl::Status(status.code(),
                        absl::StrCat(status.message(), "; is it executable?"));
  }
  return absl::OkStatus();
}

// ---------------------------------------------------------------------------
// The child, between fork and exec: system calls only, since another thread
// may have held any lock when the process was forked.

struct Launch {
  const char* path;
  char* const* argv;
  char* const* envp;
  int stdin_fd;
  int stdout_fd;
  int stderr_fd;
  int error_fd;  // Takes errno when exec fails; closed by it when it succeeds.
  pid_t parent;
  const ProcessGuard* guard;
};

void RestoreSignals() {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    sigaction(signal, &action, nullptr);  // Fails for SIGKILL and SIGSTOP.
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void RunChild(const Launch& launch) {
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the line above.
  if (getppid() != launch.parent) _exit(127);
  // Before exec, so that no grandchild exists unknown to the guard; before the
  // signals are restored, so that a dead guard is an error and not a SIGPIPE.
  launch.guard->AnnounceOwnGroup();
  RestoreSignals();
  if (dup2(launch.stdin_fd, 0) == 0 && dup2(launch.stdout_fd, 1) == 1 &&
      dup2(launch.stderr_fd, 2) == 2) {
    CloseOnExecFrom(3);
    execve(launch.path, launch.argv, launch.envp);
  }
  const int error = errno;
  [[maybe_unused]] ssize_t size = write(launch.error_fd, &error, sizeof error);
  _exit(127);
}

// ---------------------------------------------------------------------------

// Forks with every signal blocked, so that no handler of the parent runs in
// the child.
pid_t ForkChild(const Launch& launch) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) RunChild(launch);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

// The four pipes of a launch. Closes what is still in it.
struct Pipes {
  Pipe in, out, err, error;

  ~Pipes() {
    for (Pipe* pipe : {&in, &out, &err, &error}) pipe->Close();
  }

  absl::Status Create() {
    for (Pipe* pipe : {&in, &out, &err, &error}) {
      absl::StatusOr<Pipe> made = Pipe::Create();
      if (!made.ok()) return made.status();
      *pipe = *made;
    }
    return absl::OkStatus();
  }
};

int Release(int* fd) {
  const int taken = *fd;
  *fd = -1;
  return taken;
}

int ReleaseNonBlocking(int* fd) {
  fcntl(*fd, F_SETFL, O_NONBLOCK);
  return Release(fd);
}

void CloseAndForget(int* fd) {
  if (*fd >= 0) close(Release(fd));
}

// What the child wrote before it gave up; 0 if exec succeeded.
int ReadExecError(int fd) {
  int error = 0;
  ssize_t size;
  do {
    size = read(fd, &error, sizeof error);
  } while (size < 0 && errno == EINTR);
  return size == sizeof error ? error : 0;
}

std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) {
    pointers.push_back(const_cast<char*>(word.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<char*> EnvironmentWith(const std::string& entry) {
  std::vector<char*> pointers;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    pointers.push_back(*at);
  }
  pointers.push_back(const_cast<char*>(entry.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

void ReapBlocking(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

absl::Status ExecError(const ChildCommand& command, int error) {
  const std::string what = absl::StrCat("cannot run ", Quoted(command.path));
  if (error != ENOEXEC) return ErrnoStatus(what, error);
  return absl::InvalidArgumentError(absl::StrCat(
      what, ": neither a program nor a script that starts with #!"));
}

}  // namespace

absl::StatusOr<ChildCommand> FindCommand(
    const std::vector<std::string>& words) {
  if (words.empty() || words[0].empty()) {
    return absl::InvalidArgumentError("the worker command is empty");
  }
  for (const std::string& word : words) {
    if (word.find('\0') == std::string::npos) continue;
    return absl::InvalidArgumentError("the worker command has a NUL byte");
  }
  const std::string& name = words[0];
  if (name.find('/') != std::string::npos) {
    absl::Status status = CheckExecutable(name);
    if (!status.ok()) return status;
    return ChildCommand{name, words};
  }
  const char* path = getenv("PATH");
  absl::Status denied;
  for (absl::string_view folder :
       absl::StrSplit(path == nullptr ? kDefaultPath : path, ':')) {
    if (folder.empty()) folder = ".";
    const std::string candidate = absl::StrCat(folder, "/", name);
    absl::Status status = CheckExecutable(candidate);
    if (status.ok()) return ChildCommand{candidate, words};
    if (absl::IsPermissionDenied(status) && denied.ok()) denied = status;
  }
  if (!denied.ok()) return denied;
  return absl::NotFoundError(
      absl::StrCat("cannot run ", Quoted(name), ": no such program in PATH"));
}

std::string ExitStatus::ToString() const {
  switch (kind) {
    case Kind::kExited:
      return absl::StrCat("ended with exit code ", number);
    case Kind::kSignalled:
      return absl::StrFormat("was killed by signal %d (%s)", number,
                             strsignal(number));
    case Kind::kUnknown:
      break;
  }
  return "ended";
}

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Spawn(
    const ChildCommand& command, const ProcessGuard& guard) {
  Pipes pipes;
  absl::Status status = pipes.Create();
  if (!status.ok()) return status;
  const std::vector<char*> argv = Pointers(command.argv);
  const std::vector<char*> envp = EnvironmentWith(guard.mark());
  const Launch launch = {
      command.path.c_str(), argv.data(),        envp.data(),
      pipes.in.read_fd,     pipes.out.write_fd, pipes.err.write_fd,
      pipes.error.write_fd, getpid(),           &guard};
  const pid_t pid = ForkChild(launch);
  if (pid < 0) return ErrnoStatus("cannot fork a worker");
  CloseAndForget(&pipes.error.write_fd);
  const int exec_error = ReadExecError(pipes.error.read_fd);
  if (exec_error != 0) {
    guard.Forget(pid);
    ReapBlocking(pid);
    return ExecError(command, exec_error);
  }
  const int exit_fd = syscall(SYS_pidfd_open, pid, 0);
  if (exit_fd < 0) {
    status = ErrnoStatus("pidfd_open (Linux 5.3 or newer is needed)");
    kill(-pid, SIGKILL);
    guard.Forget(pid);
    ReapBlocking(pid);
    return status;
  }
  std::unique_ptr<ChildProcess> child(new ChildProcess(pid, exit_fd, &guard));
  child->stdin_fd_ = ReleaseNonBlocking(&pipes.in.write_fd);
  child->stdout_fd_ = ReleaseNonBlocking(&pipes.out.read_fd);
  child->stderr_fd_ = ReleaseNonBlocking(&pipes.err.read_fd);
  return child;
}

ChildProcess::~ChildProcess() {
  if (!reaped_) {
    kill(-pid_, SIGKILL);
    pollfd ended = {exit_fd_, POLLIN, 0};
    while (poll(&ended, 1, absl::ToInt64Milliseconds(kReapWait)) < 0 &&
           errno == EINTR) {
    }
    TryReap();
  }
  CloseStdin();
  CloseStdout();
  CloseStderr();
  CloseAndForget(&exit_fd_);
}

void ChildProcess::CloseStdin() { CloseAndForget(&stdin_fd_); }
void ChildProcess::CloseStdout() { CloseAndForget(&stdout_fd_); }
void ChildProcess::CloseStderr() { CloseAndForget(&stderr_fd_); }

size_t ChildProcess::UnreadBytes() const {
  int bytes = 0;
  if (stdin_fd_ < 0 || ioctl(stdin_fd_, FIONREAD, &bytes) != 0) return 0;
  return bytes;
}

void ChildProcess::Signal(int signal) {
  if (!reaped_) kill(-pid_, signal);
}

absl::optional<ExitStatus> ChildProcess::TryReap() {
  if (reaped_) return absl::nullopt;
  siginfo_t info;
  info.si_pid = 0;
  // WNOWAIT: the dead child keeps its number until the group is dealt with.
  const int result = waitid(P_PID, pid_, &info, WEXITED | WNOHANG | WNOWAIT);
  // ECHILD: SIGCHLD is ignored here, and the kernel reaped it by itself.
  const bool gone = result != 0 && errno == ECHILD;
  if (!gone && (result != 0 || info.si_pid == 0)) return absl::nullopt;
  kill(-pid_, SIGKILL);
  guard_->Forget(pid_);
  reaped_ = true;
  if (gone) return ExitStatus();
  ReapBlocking(pid_);
  if (info.si_code == CLD_EXITED) {
    return ExitStatus{ExitStatus::Kind::kExited, info.si_status};
  }
  return ExitStatus{ExitStatus::Kind::kSignalled, info.si_status};
}

}  // namespace runner
