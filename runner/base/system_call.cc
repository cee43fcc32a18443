#include "runner/base/system_call.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"

namespace runner {
namespace {

// Where close_range is missing (before Linux 5.9), descriptors are closed one
// by one up to here.
constexpr unsigned kDescriptorsMax = 65536;

// Moves `fd` out of the way of 0, 1 and 2.
int AboveStandard(int fd) {
  if (fd > 2) return fd;
  const int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  const int error = errno;
  close(fd);
  errno = error;
  return moved;
}

}  // namespace

absl::Status ErrnoStatus(absl::string_view what, int error) {
  const std::string message(absl::ErrnoToStatus(error, what).message());
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(absl::StrCat(
          message, "; raise the limit (ulimit -n) or use fewer workers"));
    case EAGAIN:
    case ENOMEM:
      return absl::ResourceExhaustedError(
          absl::StrCat(message, "; use fewer workers"));
    default:
      return absl::InternalError(message);
  }
}

absl::Status ErrnoStatus(absl::string_view what) {
  return ErrnoStatus(what, errno);
}

absl::StatusOr<Pipe> Pipe::Create() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return ErrnoStatus("cannot make a pipe");
  Pipe pipe;
  pipe.read_fd = AboveStandard(fds[0]);
  pipe.write_fd = AboveStandard(fds[1]);
  if (pipe.read_fd < 0 || pipe.write_fd < 0) {
    absl::Status status = ErrnoStatus("cannot make a pipe");
    pipe.Close();
    return status;
  }
  return pipe;
}

void Pipe::Close() {
  if (read_fd >= 0) close(read_fd);
  if (write_fd >= 0) close(write_fd);
  read_fd = write_fd = -1;
}

void CloseRange(unsigned first, unsigned last) {
  if (first > last) return;
  if (syscall(SYS_close_range, first, last, 0) == 0) return;
  if (last > kDescriptorsMax) last = kDescriptorsMax;
  for (unsigned fd = first; fd <= last; ++fd) close(fd);
}

void CloseOnExecFrom(unsigned first) {
  if (syscall(SYS_close_range, first, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return;
  for (unsigned fd = first; fd <= kDescriptorsMax; ++fd) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

long WriteNoSignal(int fd, const void* data, unsigned long size) {
  // Blocked for this thread only, and taken out again if this write raised it.
  sigset_t pipe_set, before, pending;
  sigemptyset(&pipe_set);
  sigaddset(&pipe_set, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe_set, &before);
  const long written = write(fd, data, size);
  const int error = errno;
  if (written < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE)) {
    const timespec now = {0, 0};
    sigtimedwait(&pipe_set, nullptr, &now);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

}  // namespace runner
