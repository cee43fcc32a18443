#include "runner/evaluators/process_guard.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "runner/base/system_call.h"
#include "runner/testing/eventually.h"

namespace runner {
namespace {

class ProcessGuardTest : public testing::Test {
 protected:
  void SetUp() override {
    auto guard = ProcessGuard::Start();
    ASSERT_TRUE(guard.ok()) << guard.status();
    guard_ = *std::move(guard);
  }

  // What the guard's descriptors point to.
  std::multiset<std::string> Descriptors() {
    namespace fs = std::filesystem;
    std::multiset<std::string> targets;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(
             absl::StrCat("/proc/", guard_->pid(), "/fd"), error)) {
      const std::string target = fs::read_symlink(entry, error).string();
      targets.insert(target.substr(0, target.find(':')));
    }
    return targets;
  }

  // A process in a group of its own that the guard knows.
  pid_t ForkGuarded() {
    absl::StatusOr<Pipe> ready = Pipe::Create();
    EXPECT_TRUE(ready.ok());
    const pid_t pid = fork();
    if (pid == 0) {
      setsid();
      guard_->AnnounceOwnGroup();
      CloseRange(3, ~0u);  // With it the last writing end of `ready`.
      for (;;) pause();
    }
    close(ready->write_fd);
    char byte;
    EXPECT_EQ(read(ready->read_fd, &byte, 1), 0);
    close(ready->read_fd);
    return pid;
  }

  int SignalThatEnded(pid_t pid) {
    int status = 0;
    EXPECT_TRUE(
        Eventually([&] { return waitpid(pid, &status, WNOHANG) == pid; }));
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

  std::unique_ptr<ProcessGuard> guard_;
};

// A journal's lock among them would outlive the runner.
TEST_F(ProcessGuardTest, HoldsNothingButItsPipe) {
  const std::multiset<std::string> kExpected = {"/dev/null", "/dev/null",
                                                "/dev/null", "pipe"};
  EXPECT_TRUE(Eventually([&] { return Descriptors() == kExpected; }));
}

TEST_F(ProcessGuardTest, SurvivesTheTerminalsSignals) {
  const pid_t child = ForkGuarded();
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) {
    kill(guard_->pid(), signal);
  }
  guard_.reset();
  EXPECT_EQ(SignalThatEnded(child), SIGKILL);
}

TEST_F(ProcessGuardTest, LeavesForgottenGroupsAlone) {
  const pid_t forgotten = ForkGuarded();
  const pid_t known = ForkGuarded();
  guard_->Forget(forgotten);
  guard_.reset();
  EXPECT_EQ(SignalThatEnded(known), SIGKILL);
  EXPECT_EQ(waitpid(forgotten, nullptr, WNOHANG), 0);
  kill(forgotten, SIGKILL);
  SignalThatEnded(forgotten);
}

TEST_F(ProcessGuardTest, ItsOwnDeathKillsNobody) {
  kill(guard_->pid(), SIGKILL);
  ASSERT_TRUE(Eventually([&] { return Descriptors().empty(); }));
  guard_->Forget(1234567);  // No SIGPIPE.
}

}  // namespace
}  // namespace runner
