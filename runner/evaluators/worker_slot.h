// One of the worker evaluator's slots: a child process, what was said to it and
// by it, and when it is started again.
//
//            Launch                    answers, no request
//   kDown ───────────► kRunning ◄──────────────────────────┐
//     ▲                 │    └── Assign ──► a request ─────┘
//     │                 │ timeout, violation, end of stdout, Stop
//     │   reaped        ▼
//     └────────────── kEnding      SIGKILL at kill_at_
//
// The request fails when the cause is known: at once for a violation or a
// timeout, with the exit code when the process was reaped.
#ifndef RUNNER_EVALUATORS_WORKER_SLOT_H_
#define RUNNER_EVALUATORS_WORKER_SLOT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "runner/base/line_buffer.h"
#include "runner/evaluators/child_process.h"
#include "runner/evaluators/evaluator.h"
#include "runner/evaluators/process_guard.h"
#include "runner/evaluators/worker_log.h"
#include "runner/evaluators/worker_protocol.h"

namespace runner {

// A request with what is owed for it.
struct PendingRequest {
  EvaluationRequest request;
  Evaluator::Done done;
  // When it fails if no worker could take it; monotonic.
  absl::Duration wait_until;
  // How often a worker ended without having read it.
  int handovers = 0;
};

// What a slot reports. Called on the I/O thread, and must not call the slot.
class WorkerSlotOwner {
 public:
  virtual ~WorkerSlotOwner() = default;
  virtual void Finish(PendingRequest request, EvaluationResult result) = 0;
  // The worker ended before it read the request: ask another.
  virtual void Requeue(PendingRequest request) = 0;
  // `how` says how the process ended, or why it did not start.
  virtual void WorkerEnded(uint32_t slot, absl::string_view how) = 0;
  virtual void Log(uint32_t slot, absl::string_view line) = 0;
};

// What all slots of an evaluator have in common; outlives them.
struct WorkerSlotContext {
  ChildCommand command;
  const ProcessGuard* guard = nullptr;
  WorkerSlotOwner* owner = nullptr;
  int epoll_fd = -1;
  absl::Duration timeout;
  size_t answer_bytes_max = 0;
  WorkerDialect dialect;
};

// Used by the I/O thread only. All times are monotonic.
class WorkerSlot {
 public:
  // The descriptors of a slot as they are known to epoll.
  enum class Channel { kStdin, kStdout, kStderr, kExit };

  // A worker that ends within kQuickEnd without an answer is started again
  // after a pause, which doubles from kPauseMin to kPauseMax.
  static constexpr absl::Duration kQuickEnd = absl::Seconds(1);
  static constexpr absl::Duration kPauseMin = absl::Milliseconds(100);
  static constexpr absl::Duration kPauseMax = absl::Seconds(5);
  // From the end of its stdout until it is killed.
  static constexpr absl::Duration kExitGrace = absl::Milliseconds(500);
  // How often a request that was not read goes to another worker.
  static constexpr int kHandoversMax = 3;

  WorkerSlot(uint32_t index, const WorkerSlotContext* context,
             std::string state_json);

  // Starts the process; it is handed its state first. On an error the slot
  // is down and tries again after a pause.
  absl::Status Launch(absl::Duration now);

  // True if it can be given a request. Reads what the worker has said
  // unasked, which may end it.
  bool ReadyForRequest(absl::Duration now);

  // REQUIRES: ReadyForRequest().
  void Assign(PendingRequest request, std::string id, absl::Duration now);

  void OnEvent(Channel channel, absl::Duration now);

  // Acts on what is due; NextDeadline() says when that is next.
  void OnTime(absl::Duration now);
  absl::Duration NextDeadline() const;

  // Ends the request with a "stopped" error and the process with SIGTERM, or
  // with SIGKILL when `grace` has passed (at once if it is zero). It is not
  // started again.
  void Stop(absl::Duration now, absl::Duration grace);

  bool down() const { return phase_ == Phase::kDown; }
  // Quick ends in a row, without an answer between them.
  int quick_ends() const { return quick_ends_; }

 private:
  enum class Phase { kDown, kRunning, kEnding };

  std::string Name() const;  // "worker 3 (pid 4711)"
  bool Watch(Channel channel, int fd, uint32_t events);
  void Unwatch(int fd);

  void Write(absl::Duration now);
  void ReadStdout(absl::Duration now);
  void ReadStderr(absl::Duration now);
  // Returns false when there is nothing more to read now.
  bool ReadStdoutOnce(absl::Duration now);
  bool ReadStderrOnce(absl::Duration now);
  void OnLines(absl::Duration now);
  void OnLine(absl::string_view line, absl::Duration now);
  void OnAnswer(EvaluationResult result, absl::Duration now);

  // REQUIRES: there is a request.
  absl::Duration RequestTimeout() const;

  // The worker broke the protocol or its time: its request fails, it is killed.
  void Violate(absl::string_view type, absl::string_view what,
               absl::Duration now);
  void FinishRequest(EvaluationResult result, absl::Duration now);
  void End(absl::Duration now, absl::Duration grace);
  void Kill();
  void OnExit(absl::Duration now);
  // The request that the worker was given when it ended.
  void FailOrHandOver(absl::string_view how, absl::Duration now);
  void PlanRelaunch(absl::Duration now);

  const uint32_t index_;
  const WorkerSlotContext* const context_;
  std::string state_json_;  // What it is handed when it starts.
  uint64_t states_ = 0;     // How many it has given.

  Phase phase_ = Phase::kDown;
  bool stopping_ = false;
  absl::Duration launch_at_ = absl::ZeroDuration();
  int quick_ends_ = 0;

  // Of the process.
  std::unique_ptr<ChildProcess> process_;
  absl::Duration launched_at_;
  absl::Duration kill_at_ = absl::InfiniteDuration();
  uint64_t answers_ = 0;
  LineBuffer lines_;
  WorkerLog log_;
  std::string outgoing_;
  size_t outgoing_sent_ = 0;
  bool stdin_watched_ = false;
  std::string previous_id_;
  // Set when it must go as soon as its request is answered.
  bool distrusted_ = false;
  // Why it was killed; empty when it ended by itself or by Stop.
  std::string end_reason_;

  // Of the request under way.
  absl::optional<PendingRequest> request_;
  std::string request_id_;
  size_t request_bytes_ = 0;
  absl::Duration sent_at_;
};

}  // namespace runner

#endif  // RUNNER_EVALUATORS_WORKER_SLOT_H_
