#include "runner/evaluators/process_guard.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "absl/base/attributes.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "runner/base/system_call.h"

namespace runner {
namespace {

// One message on the pipe. Smaller than PIPE_BUF, so written whole or not at
// all, and reads never see half of one.
enum class Word : int32_t { kNewGroup, kForgetGroup, kEnd };
struct Message {
  Word word;
  int32_t group;
};
static_assert(sizeof(Message) == 8);

// A process that forks while the sweep reads /proc may be missed by one pass;
// passes repeat until one finds nothing.
constexpr int kSweepPassesMax = 100;
constexpr int kSweepPauseNs = 1'000'000;
// How long the runner waits for the guard to have swept. It does so in
// milliseconds, unless someone has stopped it or the machine is choking.
constexpr int kEndWaitMs = 10'000;
constexpr size_t kMarkBytesMax = 64;
constexpr size_t kReadBytes = 4096;

// ---------------------------------------------------------------------------
// What runs in the guard. It is forked from a process with threads, so it may
// not allocate, lock, or call anything that does: system calls only.

struct GuardState {
  int fd;
  int groups;
  int32_t group[ProcessGuard::kGroupsMax];
  char mark[kMarkBytesMax];
  size_t mark_size;
};

// In the image, so that the guard needs no allocation. Filled before the fork,
// under guard_state_mutex; each guard goes on with its own copy.
GuardState guard_state;

void Learn(const Message& message) {
  GuardState& state = guard_state;
  const bool forget = message.word == Word::kForgetGroup;
  for (int i = 0; i < state.groups; ++i) {
    if (state.group[i] != message.group) continue;
    if (forget) state.group[i] = state.group[--state.groups];
    return;
  }
  if (!forget && state.groups < ProcessGuard::kGroupsMax) {
    state.group[state.groups++] = message.group;
  }
}

// Returns when no process holds the pipe's writing end any more, or when the
// runner says so.
void ReadUntilEnd() {
  Message messages[64];
  for (;;) {
    const ssize_t size = read(guard_state.fd, messages, sizeof messages);
    if (size == 0 || (size < 0 && errno != EINTR)) return;
    for (ssize_t i = 0; i < size / ssize_t{sizeof(Message)}; ++i) {
      if (messages[i].word == Word::kEnd) return;
      Learn(messages[i]);
    }
  }
}

// True if the environment of process `pid_name` has the mark.
bool IsMarked(const char* pid_name, size_t name_size) {
  char path[64] = "/proc/";
  constexpr char kFile[] = "/environ";
  if (name_size > 20) return false;
  memcpy(path + 6, pid_name, name_size);
  memcpy(path + 6 + name_size, kFile, sizeof kFile);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  // The mark may lie across two reads: the end of one is kept for the next.
  char buffer[kMarkBytesMax + kReadBytes];
  size_t kept = 0;
  bool found = false;
  while (!found) {
    const ssize_t size = read(fd, buffer + kept, kReadBytes);
    if (size <= 0) break;
    const size_t total = kept + size;
    found = memmem(buffer, total, guard_state.mark, guard_state.mark_size);
    kept = total < guard_state.mark_size ? total : guard_state.mark_size;
    memmove(buffer, buffer + total - kept, kept);
  }
  close(fd);
  return found;
}

// Kills the process if it is marked. The descriptor makes sure that what is
// killed is what was looked at, not a later process of the same number.
bool KillIfMarked(const char* name) {
  pid_t pid = 0;
  size_t size = 0;
  for (; name[size] >= '0' && name[size] <= '9' && size < 10; ++size) {
    pid = pid * 10 + (name[size] - '0');
  }
  if (size == 0 || name[size] != '\0' || pid == getpid()) return false;
  const int pid_fd = syscall(SYS_pidfd_open, pid, 0);
  if (pid_fd < 0) return false;
  const bool marked = IsMarked(name, size);
  if (marked) syscall(SYS_pidfd_send_signal, pid_fd, SIGKILL, nullptr, 0);
  close(pid_fd);
  return marked;
}

// One pass over /proc; returns whether anything marked was found.
bool SweepOnce() {
  struct DirectoryEntry {  // struct linux_dirent64
    uint64_t inode;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[];
  };
  const int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  bool found = false;
  alignas(8) char buffer[kReadBytes];
  for (;;) {
    const long size = syscall(SYS_getdents64, fd, buffer, sizeof buffer);
    if (size <= 0) break;
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<DirectoryEntry*>(buffer + at);
      found |= KillIfMarked(entry->name);
      at += entry->size;
    }
  }
  close(fd);
  return found;
}

void KillEverything() {
  for (int i = 0; i < guard_state.groups; ++i) {
    kill(-guard_state.group[i], SIGKILL);
  }
  for (int pass = 0; pass < kSweepPassesMax && SweepOnce(); ++pass) {
    const timespec pause = {0, kSweepPauseNs};
    nanosleep(&pause, nullptr);
  }
}

// Leaves `keep_fd` and three descriptors on /dev/null.
void CloseOtherDescriptors(int keep_fd) {
  const int null_fd = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) {
    if (null_fd >= 0) dup2(null_fd, fd);
    if (null_fd < 0) close(fd);
  }
  CloseRange(3, keep_fd - 1);
  CloseRange(keep_fd + 1, ~0u);
}

[[noreturn]] void RunGuard() {
  setsid();
  prctl(PR_SET_NAME, "bench-guard");
  CloseOtherDescriptors(guard_state.fd);
  // Nothing that it could hold busy: neither a terminal nor a mount.
  if (chdir("/") != 0) _exit(1);
  ReadUntilEnd();
  KillEverything();
  _exit(0);
}

// ---------------------------------------------------------------------------

std::string NewMark() {
  uint64_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random) {
    random = static_cast<uint64_t>(getpid()) << 32 ^ time(nullptr);
  }
  return absl::StrFormat("BENCH_RUNNER_GUARD_%016x=1", random);
}

ABSL_CONST_INIT absl::Mutex guard_state_mutex(absl::kConstInit);

// Forks with every signal blocked, so that none of the runner's handlers runs
// in the guard; the guard keeps them blocked.
pid_t ForkGuard(int fd, absl::string_view mark) {
  absl::MutexLock lock(&guard_state_mutex);
  guard_state.fd = fd;
  guard_state.groups = 0;
  guard_state.mark_size = mark.copy(guard_state.mark, kMarkBytesMax);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) RunGuard();
  const int fork_errno = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = fork_errno;
  return pid;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ProcessGuard>> ProcessGuard::Start() {
  absl::StatusOr<Pipe> pipe = Pipe::Create();
  if (!pipe.ok()) return pipe.status();
  std::string mark = NewMark();
  const pid_t pid = ForkGuard(pipe->read_fd, mark);
  if (pid < 0) {
    absl::Status status = ErrnoStatus("cannot fork the process guard");
    pipe->Close();
    return status;
  }
  close(pipe->read_fd);
  // A guard that is stopped must not stop the runner.
  fcntl(pipe->write_fd, F_SETFL, O_NONBLOCK);
  return std::unique_ptr<ProcessGuard>(
      new ProcessGuard(pipe->write_fd, pid, std::move(mark)));
}

ProcessGuard::~ProcessGuard() {
  // Said as well as shown by closing: a child that is stuck before its exec
  // would hold the pipe open.
  const Message end = {Word::kEnd, 0};
  WriteNoSignal(fd_, &end, sizeof end);
  close(fd_);
  kill(pid_, SIGCONT);
  const int ended_fd = syscall(SYS_pidfd_open, pid_, 0);
  pollfd ended = {ended_fd, POLLIN, 0};
  while (ended_fd >= 0 && poll(&ended, 1, kEndWaitMs) < 0 && errno == EINTR) {
  }
  if (ended_fd >= 0) close(ended_fd);
  kill(pid_, SIGKILL);  // Has ended, as a rule.
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void ProcessGuard::AnnounceOwnGroup() const {
  const Message message = {Word::kNewGroup, getpid()};
  // Fails only if the guard was killed; PR_SET_PDEATHSIG is left then.
  [[maybe_unused]] const ssize_t size = write(fd_, &message, sizeof message);
}

void ProcessGuard::Forget(pid_t group) const {
  const Message message = {Word::kForgetGroup, group};
  // Lost only if the guard is dead or stopped; there is nothing to do then.
  WriteNoSignal(fd_, &message, sizeof message);
}

}  // namespace runner
