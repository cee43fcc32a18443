#include "runner/evaluators/worker_slot.h"

#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"
#include "runner/base/system_call.h"
#include "runner/evaluators/worker_protocol.h"

namespace runner {
namespace {

constexpr size_t kExcerptColumns = 80;
constexpr size_t kReadBytes = 64 << 10;
// Reads of one descriptor for one event, so that no worker starves the others.
constexpr int kReadsPerEventMax = 4;
// After a worker's end: more than a pipe can hold, and not for ever, should
// something outside its group still write.
constexpr int kReadsAfterExitMax = 64;

// read() into the I/O thread's own buffer. Empty at the end of the stream;
// nothing when there is nothing now.
absl::optional<absl::string_view> ReadSome(int fd) {
  static thread_local std::vector<char> buffer(kReadBytes);
  for (;;) {
    const ssize_t size = read(fd, buffer.data(), buffer.size());
    if (size >= 0) return absl::string_view(buffer.data(), size);
    if (errno == EAGAIN) return absl::nullopt;
    if (errno != EINTR) return absl::string_view();
  }
}

bool IsBlank(absl::string_view line) {
  return line.find_first_not_of(" \t\r") == absl::string_view::npos;
}

}  // namespace

WorkerSlot::WorkerSlot(uint32_t index, const WorkerSlotContext* context,
                       std::string state_json)
    : index_(index),
      context_(context),
      state_json_(std::move(state_json)),
      lines_(context->answer_bytes_max),
      log_([this](absl::string_view line) {
        context_->owner->Log(index_, line);
      }) {}

std::string WorkerSlot::Name() const {
  const std::string name = absl::StrCat(context_->dialect.name, " ", index_);
  if (process_ == nullptr) return name;
  return absl::StrCat(name, " (pid ", process_->pid(), ")");
}

bool WorkerSlot::Watch(Channel channel, int fd, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = uint64_t{index_} << 2 | static_cast<uint64_t>(channel);
  return epoll_ctl(context_->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

void WorkerSlot::Unwatch(int fd) {
  if (fd >= 0) epoll_ctl(context_->epoll_fd, EPOLL_CTL_DEL, fd, nullptr);
}

absl::Status WorkerSlot::Launch(absl::Duration now) {
  assert(phase_ == Phase::kDown && !request_);
  launched_at_ = now;
  answers_ = 0;
  absl::StatusOr<std::unique_ptr<ChildProcess>> process =
      ChildProcess::Spawn(context_->command, *context_->guard);
  absl::Status status = process.status();
  if (status.ok()) {
    process_ = *std::move(process);
    if (!Watch(Channel::kStdout, process_->stdout_fd(), EPOLLIN) ||
        !Watch(Channel::kStderr, process_->stderr_fd(), EPOLLIN) ||
        !Watch(Channel::kExit, process_->exit_fd(), EPOLLIN)) {
      status = ErrnoStatus("epoll_ctl");
      process_.reset();
    }
  }
  if (!status.ok()) {
    PlanRelaunch(now);
    context_->owner->WorkerEnded(index_, status.message());
    return status;
  }
  phase_ = Phase::kRunning;
  lines_.TakeRest();
  outgoing_ = state_json_.empty() ? "" : RestoreLine(state_json_);
  outgoing_sent_ = 0;
  previous_id_.clear();
  distrusted_ = false;
  end_reason_.clear();
  Write(now);
  return absl::OkStatus();
}

bool WorkerSlot::ReadyForRequest(absl::Duration now) {
  if (phase_ != Phase::kRunning || request_ || stopping_) return false;
  // Rubbish that is already here must not be counted against the next request.
  ReadStdout(now);
  return phase_ == Phase::kRunning;
}

void WorkerSlot::Assign(PendingRequest request, std::string id,
                        absl::Duration now) {
  assert(phase_ == Phase::kRunning && !request_);
  const std::string line = context_->dialect.request_line(request.request, id);
  request_ = std::move(request);
  request_id_ = std::move(id);
  request_bytes_ = line.size();
  sent_at_ = now;
  outgoing_.append(line);
  Write(now);
}

void WorkerSlot::OnEvent(Channel channel, absl::Duration now) {
  if (process_ == nullptr) return;
  switch (channel) {
    case Channel::kStdin:
      return Write(now);
    case Channel::kStdout:
      return ReadStdout(now);
    case Channel::kStderr:
      return ReadStderr(now);
    case Channel::kExit:
      return OnExit(now);
  }
}

void WorkerSlot::OnTime(absl::Duration now) {
  if (phase_ == Phase::kDown && !stopping_ && now >= launch_at_) {
    Launch(now).IgnoreError();  // WorkerEnded has it.
  }
  if (phase_ == Phase::kRunning && request_ &&
      now >= sent_at_ + RequestTimeout()) {
    Violate(kTimeoutError,
            absl::StrCat("no answer within ",
                         absl::FormatDuration(RequestTimeout())),
            now);
  }
  if (phase_ == Phase::kEnding && now >= kill_at_) {
    if (!stopping_) end_reason_ = "closed its stdin or stdout, and was killed";
    Kill();
  }
}

absl::Duration WorkerSlot::RequestTimeout() const {
  return std::min(context_->timeout, request_->request.timeout);
}

absl::Duration WorkerSlot::NextDeadline() const {
  switch (phase_) {
    case Phase::kDown:
      return stopping_ ? absl::InfiniteDuration() : launch_at_;
    case Phase::kRunning:
      return request_ ? sent_at_ + RequestTimeout() : absl::InfiniteDuration();
    case Phase::kEnding:
      return kill_at_;
  }
  return absl::InfiniteDuration();
}

void WorkerSlot::Stop(absl::Duration now, absl::Duration grace) {
  stopping_ = true;
  if (request_) {
    FinishRequest(
        FailedResult(kStoppedError,
                     "the run was stopped before " + Name() + " answered",
                     /*retryable=*/true),
        now);
  }
  if (phase_ == Phase::kDown) return;
  if (phase_ == Phase::kRunning) {
    // Both ways to ask: the end of its input, and SIGTERM.
    Unwatch(stdin_watched_ ? process_->stdin_fd() : -1);
    stdin_watched_ = false;
    process_->CloseStdin();
    process_->Signal(SIGTERM);
  }
  End(now, grace);
}

void WorkerSlot::Write(absl::Duration now) {
  if (phase_ != Phase::kRunning || process_->stdin_fd() < 0) return;
  while (outgoing_sent_ < outgoing_.size()) {
    const ssize_t size =
        WriteNoSignal(process_->stdin_fd(), outgoing_.data() + outgoing_sent_,
                      outgoing_.size() - outgoing_sent_);
    if (size >= 0) {
      outgoing_sent_ += size;
    } else if (errno == EAGAIN) {
      if (!stdin_watched_) {
        stdin_watched_ = Watch(Channel::kStdin, process_->stdin_fd(), EPOLLOUT);
      }
      return;
    } else if (errno != EINTR) {
      // It closed its stdin, most likely by ending. The bytes not sent stay:
      // OnExit wants to know how many of them the worker never read.
      return End(now, kExitGrace);
    }
  }
  outgoing_.clear();
  outgoing_sent_ = 0;
  if (stdin_watched_) Unwatch(process_->stdin_fd());
  stdin_watched_ = false;
}

void WorkerSlot::ReadStdout(absl::Duration now) {
  for (int i = 0; i < kReadsPerEventMax && ReadStdoutOnce(now); ++i) {
  }
}

void WorkerSlot::ReadStderr(absl::Duration now) {
  for (int i = 0; i < kReadsPerEventMax && ReadStderrOnce(now); ++i) {
  }
}

bool WorkerSlot::ReadStdoutOnce(absl::Duration now) {
  if (process_ == nullptr || process_->stdout_fd() < 0) return false;
  absl::optional<absl::string_view> bytes = ReadSome(process_->stdout_fd());
  if (!bytes) return false;
  if (bytes->empty()) {
    process_->CloseStdout();
    if (phase_ == Phase::kRunning) End(now, kExitGrace);
    return false;
  }
  if (stopping_) return true;
  lines_.Append(*bytes);
  OnLines(now);
  return true;
}

bool WorkerSlot::ReadStderrOnce(absl::Duration now) {
  if (process_ == nullptr || process_->stderr_fd() < 0) return false;
  absl::optional<absl::string_view> bytes = ReadSome(process_->stderr_fd());
  if (!bytes) return false;
  if (bytes->empty()) {
    process_->CloseStderr();
    return false;
  }
  log_.Append(*bytes, now);
  return true;
}

void WorkerSlot::OnLines(absl::Duration now) {
  // A violation closes stdout: nothing more is taken from this process.
  while (process_->stdout_fd() >= 0) {
    if (lines_.oversize()) {
      return Violate(kOversizeError,
                     absl::StrCat("printed a line longer than ",
                                  context_->answer_bytes_max, " bytes"),
                     now);
    }
    const absl::optional<absl::string_view> line = lines_.Next();
    if (!line) return;
    if (!IsBlank(*line)) OnLine(*line, now);
  }
}

void WorkerSlot::OnLine(absl::string_view line, absl::Duration now) {
  if (!request_) {
    return Violate(kProtocolError,
                   absl::StrCat("spoke without being asked: ",
                                Excerpt(line, kExcerptColumns)),
                   now);
  }
  absl::StatusOr<Answer> answer = context_->dialect.parse_answer(line);
  if (!answer.ok()) {
    return Violate(kProtocolError,
                   absl::StrCat("bad answer: ", answer.status().message()),
                   now);
  }
  if (answer->id == request_id_)
    return OnAnswer(std::move(answer->result), now);
  if (!previous_id_.empty() && answer->id == previous_id_) {
    // The request under way is not to blame: it is answered first.
    distrusted_ = true;
    return;
  }
  Violate(kProtocolError,
          "answered a request that it was not asked, or out of order", now);
}

void WorkerSlot::OnAnswer(EvaluationResult result, absl::Duration now) {
  if (!result.state_json.empty()) {
    state_json_ = result.state_json;
    result.state_number = ++states_;
  }
  previous_id_ = request_id_;
  ++answers_;
  quick_ends_ = 0;
  FinishRequest(std::move(result), now);
  if (distrusted_) Violate(kProtocolError, "answered a request twice", now);
}

void WorkerSlot::Violate(absl::string_view type, absl::string_view what,
                         absl::Duration now) {
  end_reason_ = std::string(what);
  context_->owner->Log(
      index_, absl::StrCat(Name(), " ", what, "; killed, will be restarted"));
  if (request_) {
    EvaluationResult result =
        FailedResult(type, absl::StrCat(Name(), " ", what), /*retryable=*/true);
    FinishRequest(std::move(result), now);
  }
  process_->CloseStdout();
  lines_.TakeRest();
  End(now, absl::ZeroDuration());
}

void WorkerSlot::FinishRequest(EvaluationResult result, absl::Duration now) {
  result.slot = index_;
  result.latency = now - sent_at_;
  if (result.error && result.error->context_json.empty() &&
      !log_.last_line().empty()) {
    result.error->context_json =
        absl::StrCat("{\"stderr\":", JsonString(log_.last_line()), "}");
  }
  PendingRequest request = *std::move(request_);
  request_.reset();
  context_->owner->Finish(std::move(request), std::move(result));
}

void WorkerSlot::End(absl::Duration now, absl::Duration grace) {
  if (phase_ == Phase::kRunning) {
    phase_ = Phase::kEnding;
    kill_at_ = absl::InfiniteDuration();
    if (stdin_watched_) Unwatch(process_->stdin_fd());
    stdin_watched_ = false;
  }
  kill_at_ = std::min(kill_at_, now + grace);
  if (now >= kill_at_) Kill();
}

void WorkerSlot::Kill() {
  process_->Signal(SIGKILL);
  kill_at_ = absl::InfiniteDuration();
}

void WorkerSlot::OnExit(absl::Duration now) {
  const absl::optional<ExitStatus> status = process_->TryReap();
  if (!status) return;
  if (phase_ == Phase::kRunning) phase_ = Phase::kEnding;
  // Its last words may still be in the pipes.
  for (int i = 0; i < kReadsAfterExitMax && ReadStdoutOnce(now); ++i) {
  }
  for (int i = 0; i < kReadsAfterExitMax && ReadStderrOnce(now); ++i) {
  }
  log_.Flush();
  const std::string how =
      end_reason_.empty() ? status->ToString() : end_reason_;
  if (end_reason_.empty() && !stopping_) {
    context_->owner->Log(index_, absl::StrCat(Name(), " ", how));
  }
  if (request_) FailOrHandOver(how, now);
  Unwatch(stdin_watched_ ? process_->stdin_fd() : -1);
  stdin_watched_ = false;
  process_.reset();
  phase_ = Phase::kDown;
  PlanRelaunch(now);
  context_->owner->WorkerEnded(
      index_, log_.last_line().empty()
                  ? how
                  : absl::StrCat(how, ", its stderr: ", log_.last_line()));
}

void WorkerSlot::FailOrHandOver(absl::string_view how, absl::Duration now) {
  const size_t unread =
      process_->UnreadBytes() + outgoing_.size() - outgoing_sent_;
  if (unread >= request_bytes_ && request_->handovers < kHandoversMax) {
    ++request_->handovers;
    PendingRequest request = *std::move(request_);
    request_.reset();
    context_->owner->Requeue(std::move(request));
    return;
  }
  FinishRequest(FailedResult(kWorkerExitedError, absl::StrCat(Name(), " ", how),
                             /*retryable=*/true),
                now);
}

void WorkerSlot::PlanRelaunch(absl::Duration now) {
  launch_at_ = now;
  if (answers_ > 0 || now - launched_at_ >= kQuickEnd) return;
  const int doublings = std::min(quick_ends_, 16);
  launch_at_ += std::min(kPauseMin * (1 << doublings), kPauseMax);
  ++quick_ends_;
}

}  // namespace runner
