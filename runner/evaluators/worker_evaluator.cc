#include "runner/evaluators/worker_evaluator.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <exception>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "journal/clock.h"
#include "runner/base/printable.h"
#include "runner/base/system_call.h"
#include "runner/evaluators/process_guard.h"
#include "runner/evaluators/worker_slot.h"

namespace runner {
namespace {

// The event that is not a slot's: something was put into the mailbox.
constexpr uint64_t kWakeEvent = ~uint64_t{0};
constexpr int kEventsPerWait = 128;
// Requests under way beyond the slots, which a caller that calls Start from
// another thread while Done returns may have for a moment.
constexpr int kRequestsPerSlotMax = 2;
// When every slot has failed so often in a row, waiting requests fail at once.
constexpr int kQuickEndsMax = 5;
constexpr size_t kCommandColumnsMax = 120;
static_assert(kWorkerSlotsMax <= ProcessGuard::kGroupsMax);

enum class StopMode { kNone, kWithGrace, kAtOnce };

absl::Duration MonotonicNow() { return journal::Clock::Real()->Monotonic(); }

class WorkerEvaluator final : public Evaluator, private WorkerSlotOwner {
 public:
  explicit WorkerEvaluator(WorkerEvaluatorOptions options)
      : options_(std::move(options)) {}
  ~WorkerEvaluator() override;

  // Once, before all else. On an error nothing is left running.
  absl::Status Open();

  void Start(EvaluationRequest request, Done done) override;
  int slots() const override { return options_.slots; }
  bool may_be_billed() const override { return true; }
  void Stop() override { StopAndJoin(StopMode::kWithGrace); }

 private:
  absl::Status CheckOptions();
  absl::Status OpenDescriptors();
  void StopAndJoin(StopMode mode);
  void Wake();

  // All below on the I/O thread.
  void Run();
  bool LaunchAll();
  void ReportStart(absl::Status status);
  void EndStartup();
  StopMode TakeMail();
  void ServeUntilStopped();
  void StopSlots(StopMode mode);
  void WaitForEvents();
  void Dispatch();
  void FailWaiting();
  void FlushFinished();
  std::string NextRequestId();

  void Finish(PendingRequest request, EvaluationResult result) override;
  void Requeue(PendingRequest request) override;
  void WorkerEnded(uint32_t slot, absl::string_view how) override;
  void Log(uint32_t slot, absl::string_view line) override;

  const WorkerEvaluatorOptions options_;
  std::unique_ptr<ProcessGuard> guard_;
  int epoll_fd_ = -1;
  int wake_fd_ = -1;
  std::thread thread_;

  absl::Mutex join_mutex_;  // Of those who wait in Stop.
  absl::Mutex mutex_;
  std::deque<PendingRequest> mail_ ABSL_GUARDED_BY(mutex_);
  int under_way_ ABSL_GUARDED_BY(mutex_) = 0;
  StopMode stop_ ABSL_GUARDED_BY(mutex_) = StopMode::kNone;
  absl::optional<absl::Status> started_ ABSL_GUARDED_BY(mutex_);

  // Of the I/O thread.
  WorkerSlotContext context_;
  std::vector<std::unique_ptr<WorkerSlot>> worker_slots_;
  std::deque<PendingRequest> waiting_;
  std::vector<std::pair<PendingRequest, EvaluationResult>> finished_;
  bool launching_ = false;  // The first time: LaunchAll reports errors.
  bool starting_ = true;    // Until the start was reported.
  absl::Duration startup_until_;
  std::string newest_end_;  // How a worker ended last, for messages.
  std::string id_prefix_;
  uint64_t requests_ = 0;
};

WorkerEvaluator::~WorkerEvaluator() {
  StopAndJoin(StopMode::kAtOnce);
  guard_.reset();
  if (epoll_fd_ >= 0) close(epoll_fd_);
  if (wake_fd_ >= 0) close(wake_fd_);
}

absl::Status WorkerEvaluator::CheckOptions() {
  if (options_.slots < 1 || options_.slots > kWorkerSlotsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("the number of workers must be from 1 to ",
                     kWorkerSlotsMax, ", not ", options_.slots));
  }
  if (options_.timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("the timeout must be positive");
  }
  absl::StatusOr<ChildCommand> command = FindCommand(options_.command);
  if (!command.ok()) return command.status();
  context_.command = *std::move(command);
  return absl::OkStatus();
}

absl::Status WorkerEvaluator::OpenDescriptors() {
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = kWakeEvent;
  if (epoll_fd_ < 0 || wake_fd_ < 0 ||
      epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) != 0) {
    return ErrnoStatus("cannot set up the workers' event loop");
  }
  return absl::OkStatus();
}

absl::Status WorkerEvaluator::Open() {
  absl::Status status = CheckOptions();
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<ProcessGuard>> guard = ProcessGuard::Start();
  if (!guard.ok()) return guard.status();
  guard_ = *std::move(guard);
  status = OpenDescriptors();
  if (!status.ok()) return status;
  context_.guard = guard_.get();
  context_.owner = this;
  context_.epoll_fd = epoll_fd_;
  context_.timeout = options_.timeout;
  context_.answer_bytes_max = options_.answer_bytes_max;
  context_.dialect = options_.dialect;
  uint32_t random = 0;
  if (getrandom(&random, sizeof random, 0) < 0) random = getpid();
  id_prefix_ = absl::StrFormat("%08x-", random);
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::exception& error) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot start the workers' thread: ", error.what()));
  }
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(
      +[](absl::optional<absl::Status>* started) {
        return started->has_value();
      },
      &started_));
  return *started_;
}

void WorkerEvaluator::Wake() {
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the thread wakes anyway.
  [[maybe_unused]] const ssize_t size = write(wake_fd_, &one, sizeof one);
}

void WorkerEvaluator::Start(EvaluationRequest request, Done done) {
  bool stopped = false;
  {
    absl::MutexLock lock(&mutex_);
    stopped = stop_ != StopMode::kNone;
    if (!stopped && under_way_ < kRequestsPerSlotMax * options_.slots) {
      ++under_way_;
      mail_.push_back({std::move(request), std::move(done),
                       MonotonicNow() + options_.timeout, 0});
      Wake();
      return;
    }
  }
  done(stopped ? FailedResult(kStoppedError, "the evaluator was stopped", true)
               : FailedResult("overload", "more requests than workers", true));
}

void WorkerEvaluator::StopAndJoin(StopMode mode) {
  {
    absl::MutexLock lock(&mutex_);
    stop_ = std::max(stop_, mode);
  }
  if (wake_fd_ >= 0) Wake();
  absl::MutexLock lock(&join_mutex_);
  if (thread_.joinable()) thread_.join();
  // Kills what has left its worker's group.
  guard_.reset();
}

void WorkerEvaluator::Run() {
  if (LaunchAll()) {
    ServeUntilStopped();
  }
  StopMode mode;
  {
    absl::MutexLock lock(&mutex_);
    mode = stop_ == StopMode::kNone ? StopMode::kAtOnce : stop_;
  }
  StopSlots(mode);
  worker_slots_.clear();
}

bool WorkerEvaluator::LaunchAll() {
  const absl::Duration now = MonotonicNow();
  startup_until_ = now + options_.startup_grace;
  launching_ = true;
  for (int i = 0; i < options_.slots; ++i) {
    const auto state = options_.restore.find(i);
    worker_slots_.push_back(std::make_unique<WorkerSlot>(
        i, &context_, state == options_.restore.end() ? "" : state->second));
    absl::Status status = worker_slots_.back()->Launch(MonotonicNow());
    if (!status.ok()) {
      ReportStart(status);
      return false;
    }
  }
  launching_ = false;
  const auto lost = options_.restore.lower_bound(options_.slots);
  if (lost != options_.restore.end()) {
    Log(lost->first, absl::StrCat("state of worker ", lost->first,
                                  " is not handed back: there are only ",
                                  options_.slots, " workers now"));
  }
  return true;
}

void WorkerEvaluator::ReportStart(absl::Status status) {
  starting_ = false;
  absl::MutexLock lock(&mutex_);
  if (!status.ok()) stop_ = StopMode::kAtOnce;
  started_ = std::move(status);
}

void WorkerEvaluator::EndStartup() {
  if (starting_ && MonotonicNow() >= startup_until_) {
    ReportStart(absl::OkStatus());
  }
}

StopMode WorkerEvaluator::TakeMail() {
  absl::MutexLock lock(&mutex_);
  for (PendingRequest& request : mail_) waiting_.push_back(std::move(request));
  mail_.clear();
  return stop_;
}

void WorkerEvaluator::ServeUntilStopped() {
  while (TakeMail() == StopMode::kNone) {
    Dispatch();
    FlushFinished();
    WaitForEvents();
    for (const auto& slot : worker_slots_) slot->OnTime(MonotonicNow());
    EndStartup();
    FailWaiting();
    FlushFinished();
  }
}

void WorkerEvaluator::StopSlots(StopMode mode) {
  const absl::Duration grace =
      mode == StopMode::kAtOnce ? absl::ZeroDuration() : options_.stop_grace;
  const absl::Duration start = MonotonicNow();
  for (const auto& slot : worker_slots_) slot->Stop(start, grace);
  TakeMail();
  while (!waiting_.empty()) {
    Finish(std::move(waiting_.front()),
           FailedResult(kStoppedError,
                        "the run was stopped before a worker "
                        "was asked",
                        /*retryable=*/true));
    waiting_.pop_front();
  }
  FlushFinished();
  const absl::Duration give_up = start + grace + ChildProcess::kReapWait;
  const auto is_down = [](const auto& slot) { return slot->down(); };
  while (!std::all_of(worker_slots_.begin(), worker_slots_.end(), is_down) &&
         MonotonicNow() < give_up) {
    WaitForEvents();
    // A second, harsher Stop need not wait for the first one's grace.
    const bool at_once = TakeMail() == StopMode::kAtOnce;
    for (const auto& slot : worker_slots_) {
      slot->OnTime(MonotonicNow());
      if (at_once) slot->Stop(MonotonicNow(), absl::ZeroDuration());
    }
  }
}

void WorkerEvaluator::WaitForEvents() {
  constexpr absl::Duration kWaitMax = absl::Seconds(1);
  const absl::Duration now = MonotonicNow();
  absl::Duration until = now + kWaitMax;
  if (starting_) until = std::min(until, startup_until_);
  if (!waiting_.empty()) until = std::min(until, waiting_.front().wait_until);
  for (const auto& slot : worker_slots_) {
    until = std::min(until, slot->NextDeadline());
  }
  // Rounded up, so as not to wake just before what is due.
  const int64_t wait_ms = absl::ToInt64Milliseconds(absl::Ceil(
      std::max(until - now, absl::ZeroDuration()), absl::Milliseconds(1)));
  epoll_event events[kEventsPerWait];
  const int count =
      epoll_wait(epoll_fd_, events, kEventsPerWait, static_cast<int>(wait_ms));
  for (int i = 0; i < count; ++i) {
    if (events[i].data.u64 == kWakeEvent) {
      uint64_t counter;
      [[maybe_unused]] ssize_t size = read(wake_fd_, &counter, sizeof counter);
      continue;
    }
    const uint64_t slot = events[i].data.u64 >> 2;
    const auto channel =
        static_cast<WorkerSlot::Channel>(events[i].data.u64 & 3);
    worker_slots_[slot]->OnEvent(channel, MonotonicNow());
  }
}

void WorkerEvaluator::Dispatch() {
  for (const auto& slot : worker_slots_) {
    if (waiting_.empty()) return;
    const absl::Duration now = MonotonicNow();
    if (!slot->ReadyForRequest(now)) continue;
    PendingRequest request = std::move(waiting_.front());
    waiting_.pop_front();
    slot->Assign(std::move(request), NextRequestId(), now);
  }
}

std::string WorkerEvaluator::NextRequestId() {
  return absl::StrCat(id_prefix_, ++requests_);
}

void WorkerEvaluator::FailWaiting() {
  const bool hopeless = std::all_of(
      worker_slots_.begin(), worker_slots_.end(), [](const auto& slot) {
        return slot->down() && slot->quick_ends() >= kQuickEndsMax;
      });
  const absl::Duration now = MonotonicNow();
  while (!waiting_.empty() &&
         (hopeless || waiting_.front().wait_until <= now)) {
    Finish(std::move(waiting_.front()),
           FailedResult(
               kWorkerExitedError,
               absl::StrCat("no worker comes up; the last one ",
                            newest_end_.empty() ? "is not ready" : newest_end_),
               /*retryable=*/true));
    waiting_.pop_front();
  }
}

void WorkerEvaluator::FlushFinished() {
  if (finished_.empty()) return;
  std::vector<std::pair<PendingRequest, EvaluationResult>> finished;
  finished.swap(finished_);
  {
    absl::MutexLock lock(&mutex_);
    under_way_ -= static_cast<int>(finished.size());
  }
  for (auto& [request, result] : finished) request.done(std::move(result));
}

void WorkerEvaluator::Finish(PendingRequest request, EvaluationResult result) {
  finished_.emplace_back(std::move(request), std::move(result));
}

void WorkerEvaluator::Requeue(PendingRequest request) {
  waiting_.push_front(std::move(request));
}

void WorkerEvaluator::WorkerEnded(uint32_t, absl::string_view how) {
  newest_end_ = std::string(how);
  if (!starting_ || launching_) return;
  ReportStart(absl::FailedPreconditionError(absl::StrCat(
      "the ", options_.dialect.name, " command '",
      Excerpt(absl::StrJoin(options_.command, " "), kCommandColumnsMax), "' ",
      how, ", before it was asked anything")));
}

void WorkerEvaluator::Log(uint32_t slot, absl::string_view line) {
  if (options_.log) options_.log(slot, line);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Evaluator>> NewWorkerEvaluator(
    WorkerEvaluatorOptions options) {
  auto evaluator = std::make_unique<WorkerEvaluator>(std::move(options));
  absl::Status status = evaluator->Open();
  if (!status.ok()) return status;
  return std::unique_ptr<Evaluator>(std::move(evaluator));
}

}  // namespace runner
