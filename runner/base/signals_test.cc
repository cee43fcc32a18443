#include "runner/base/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "runner/base/system_call.h"
#include "runner/testing/eventually.h"

namespace runner {
namespace {

// A process of its own, since signals belong to a process. It says "r" when it
// is ready for the test's signals.
class SignalsTest : public testing::Test {
 protected:
  void SetUp() override { said_ = *Pipe::Create(); }
  void TearDown() override { said_.Close(); }

  // `body` returns the exit code.
  void Run(std::function<int()> body) {
    pid_ = fork();
    if (pid_ == 0) _exit(body());
    close(said_.write_fd);
    said_.write_fd = -1;
  }

  // A program that drains: after the first signal it says "f", and waits for
  // what comes. `pid_` is ready for signals afterwards.
  void RunDraining() {
    Run([this] {
      auto signals = SignalCatcher::Install(
          [this](int signal) { Say(signal == SIGINT ? 'i' : 'f'); });
      if (!signals.ok()) return 1;
      Say('r');
      for (;;) pause();
    });
    EXPECT_EQ(Heard(), 'r');
  }

  void Say(char byte) {
    if (write(said_.write_fd, &byte, 1) != 1) _exit(1);
  }

  // What it says next, 0 at its end.
  char Heard() {
    char byte = 0;
    return read(said_.read_fd, &byte, 1) == 1 ? byte : '\0';
  }

  void Send(int signal) { kill(pid_, signal); }

  // Its exit code, or minus the signal that killed it.
  int Ended() {
    int status = 0;
    EXPECT_TRUE(
        Eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; }));
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

  // Sends a signal until it ends: beyond SignalCatcher::kSameWishMs it must.
  int EndedBy(int signal) {
    int status = 0;
    EXPECT_TRUE(Eventually([&] {
      Send(signal);
      return waitpid(pid_, &status, WNOHANG) == pid_;
    }));
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

  Pipe said_;
  pid_t pid_ = -1;
};

TEST_F(SignalsTest, TheFirstIsAnnouncedAndRemembered) {
  Run([this] {
    auto signals = SignalCatcher::Install(nullptr);
    if (!signals.ok() || (*signals)->caught() != 0) return 1;
    if ((*signals)->WaitFor(absl::ZeroDuration())) return 2;
    Say('r');
    if (!(*signals)->WaitFor(kPatience)) return 3;
    return 128 + (*signals)->caught();
  });
  EXPECT_EQ(Heard(), 'r');
  Send(SIGTERM);
  EXPECT_EQ(Ended(), 143);
}

TEST_F(SignalsTest, TheSecondEndsAtOnce) {
  const struct {
    int signal;
    int exit_code;
  } kCases[] = {{SIGINT, 130}, {SIGTERM, 143}, {SIGHUP, 129}};
  for (const auto& [signal, exit_code] : kCases) {
    RunDraining();
    Send(signal);
    EXPECT_NE(Heard(), '\0') << "the first one must not end it";
    EXPECT_EQ(EndedBy(signal), exit_code);
    TearDown();
    SetUp();
  }
}

// As timeout(1) does. A busy machine may put a pause between the two, but not
// every time.
TEST_F(SignalsTest, TheSameTwiceInARowIsOne) {
  EXPECT_TRUE(Eventually([this] {
    Run([] {
      auto signals = SignalCatcher::Install(nullptr);
      raise(SIGTERM);
      raise(SIGTERM);
      return (*signals)->caught();
    });
    const int ended = Ended();
    TearDown();
    SetUp();
    return ended == SIGTERM;
  }));
}

TEST_F(SignalsTest, AnotherSignalNeedsNoPause) {
  RunDraining();
  Send(SIGINT);
  EXPECT_EQ(Heard(), 'i');
  Send(SIGTERM);
  EXPECT_EQ(Ended(), 143);
}

TEST_F(SignalsTest, HangUpStaysIgnored) {
  Run([this] {
    signal(SIGHUP, SIG_IGN);
    auto signals = SignalCatcher::Install(nullptr);
    raise(SIGHUP);
    raise(SIGPIPE);
    Say('r');
    return (*signals)->caught();
  });
  EXPECT_EQ(Ended(), 0);
}

TEST_F(SignalsTest, DispositionsAreRestored) {
  Run([] {
    signal(SIGINT, SIG_IGN);
    {
      auto signals = SignalCatcher::Install([](int) {});
    }
    raise(SIGINT);
    auto again = SignalCatcher::Install(nullptr);
    if (!again.ok() || (*again)->caught() != 0) return 1;
    again->reset();
    raise(SIGTERM);
    return 2;
  });
  EXPECT_EQ(Ended(), -SIGTERM);
}

TEST_F(SignalsTest, OneCatcherAtATime) {
  auto first = SignalCatcher::Install(nullptr);
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(
      absl::IsFailedPrecondition(SignalCatcher::Install(nullptr).status()));
}

}  // namespace
}  // namespace runner
