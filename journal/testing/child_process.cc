#include "journal/testing/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace journal {
namespace {

constexpr int kEventTimeoutMs = 60'000;

}  // namespace

Pipe::Pipe() { EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0); }

Pipe::~Pipe() {
  CloseReader();
  CloseWriter();
}

void Pipe::Close(int& end) {
  if (end >= 0) close(end);
  end = -1;
}

void Pipe::Signal(char byte) const { EXPECT_EQ(write(ends_[1], &byte, 1), 1); }

absl::optional<char> Pipe::Await() const {
  pollfd wanted = {ends_[0], POLLIN, 0};
  int ready;
  do {
    ready = poll(&wanted, 1, kEventTimeoutMs);
  } while (ready < 0 && errno == EINTR);
  char byte;
  if (ready != 1 || read(ends_[0], &byte, 1) != 1) return absl::nullopt;
  return byte;
}

bool Pipe::AwaitEnd() const {
  pollfd wanted = {ends_[0], POLLIN, 0};
  char byte;
  return poll(&wanted, 1, kEventTimeoutMs) == 1 &&
         read(ends_[0], &byte, 1) == 0;
}

pid_t Fork(const std::function<bool()>& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body() ? 0 : 1);
  return pid;
}

bool Succeeded(pid_t pid) {
  int status = 0;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

void Kill(pid_t pid) {
  EXPECT_EQ(kill(pid, SIGKILL), 0);
  EXPECT_EQ(waitpid(pid, nullptr, 0), pid);
}

pid_t ExecUntilEndOf(const Pipe& input) {
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(input.reader(), STDIN_FILENO);
    execlp("cat", "cat", static_cast<char*>(nullptr));
    _exit(127);
  }
  return pid;
}

}  // namespace journal
