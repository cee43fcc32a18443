#include "runner/base/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runner/base/system_call.h"

namespace runner {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr int64_t kSameWishNs = SignalCatcher::kSameWishMs * 1'000'000;

// What the handler uses. Lock-free, so that it may.
std::atomic<bool> installed{false};
std::atomic<int> first_signal{0};
std::atomic<int64_t> first_time_ns{0};
std::atomic<int> event_fd{-1};
static_assert(std::atomic<int64_t>::is_always_lock_free);

int64_t MonotonicNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void OnSignal(int signal) {
  const int saved_errno = errno;
  int none = 0;
  const int64_t now = MonotonicNs();
  if (first_signal.compare_exchange_strong(none, signal)) {
    first_time_ns = now;
    const uint64_t one = 1;
    [[maybe_unused]] ssize_t size = write(event_fd, &one, sizeof one);
  } else if (signal != none || now - first_time_ns > kSameWishNs) {
    // Not _exit: a sanitizer would hook in, and take locks in a handler.
    syscall(SYS_exit_group, 128 + signal);
  }
  errno = saved_errno;
}

void WakeUp(int fd) {
  const uint64_t one = 1;
  [[maybe_unused]] ssize_t size = write(fd, &one, sizeof one);
}

class Catcher final : public SignalCatcher {
 public:
  ~Catcher() override;

  absl::Status Open(OnFirst on_first);

  int caught() const override { return first_signal; }
  bool WaitFor(absl::Duration timeout) const override;
  int fd() const override { return event_fd_; }

 private:
  void SetHandler(int signal, void (*handler)(int));
  absl::Status StartThread();
  void Announce();

  OnFirst on_first_;
  int event_fd_ = -1;
  int quit_fd_ = -1;
  std::thread thread_;
  std::vector<std::pair<int, struct sigaction>> before_;
};

Catcher::~Catcher() {
  for (const auto& [signal, action] : before_) {
    sigaction(signal, &action, nullptr);
  }
  if (thread_.joinable()) {
    WakeUp(quit_fd_);
    thread_.join();
  }
  event_fd = -1;
  if (event_fd_ >= 0) close(event_fd_);
  if (quit_fd_ >= 0) close(quit_fd_);
  installed = false;
}

void Catcher::SetHandler(int signal, void (*handler)(int)) {
  struct sigaction action, before;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  // One handler at a time, so that "first" and "second" are two moments; and
  // interrupted system calls go on: who waits is woken by the descriptor.
  for (int other : kSignals) sigaddset(&action.sa_mask, other);
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, &before);
  before_.emplace_back(signal, before);
}

absl::Status Catcher::Open(OnFirst on_first) {
  first_signal = 0;
  on_first_ = std::move(on_first);
  event_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  quit_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_fd_ < 0 || quit_fd_ < 0) return ErrnoStatus("eventfd");
  event_fd = event_fd_;
  if (on_first_) {
    absl::Status status = StartThread();
    if (!status.ok()) return status;
  }
  SetHandler(SIGPIPE, SIG_IGN);
  for (int signal : kSignals) {
    struct sigaction now;
    sigaction(signal, nullptr, &now);
    const bool ignored = now.sa_handler == SIG_IGN;
    if (signal != SIGHUP || !ignored) SetHandler(signal, OnSignal);
  }
  return absl::OkStatus();
}

absl::Status Catcher::StartThread() {
  // The thread takes no signals: it ends early, and one that it had just been
  // chosen for must not end with it.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  absl::Status status;
  try {
    thread_ = std::thread([this] { Announce(); });
  } catch (const std::exception& error) {
    status = absl::ResourceExhaustedError(
        absl::StrCat("cannot start the signals' thread: ", error.what()));
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return status;
}

void Catcher::Announce() {
  pollfd events[] = {{event_fd_, POLLIN, 0}, {quit_fd_, POLLIN, 0}};
  while (poll(events, 2, -1) < 0 && errno == EINTR) {
  }
  if ((events[0].revents & POLLIN) != 0) on_first_(first_signal);
}

bool Catcher::WaitFor(absl::Duration timeout) const {
  const absl::Duration until = absl::Nanoseconds(MonotonicNs()) +
                               std::max(timeout, absl::ZeroDuration());
  constexpr absl::Duration kWaitMax = absl::Seconds(1);
  for (;;) {
    const absl::Duration left =
        std::min(until - absl::Nanoseconds(MonotonicNs()), kWaitMax);
    pollfd event = {event_fd_, POLLIN, 0};
    poll(&event, 1,
         std::max<int64_t>(0, absl::ToInt64Milliseconds(
                                  absl::Ceil(left, absl::Milliseconds(1)))));
    if (caught() != 0) return true;
    if (left <= absl::ZeroDuration()) return false;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<SignalCatcher>> SignalCatcher::Install(
    OnFirst on_first) {
  if (installed.exchange(true)) {
    return absl::FailedPreconditionError(
        "the program's signals are already caught");
  }
  auto catcher = std::make_unique<Catcher>();
  absl::Status status = catcher->Open(std::move(on_first));
  if (!status.ok()) return status;
  return std::unique_ptr<SignalCatcher>(std::move(catcher));
}

}  // namespace runner
