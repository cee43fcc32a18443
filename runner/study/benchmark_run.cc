#include "runner/study/benchmark_run.h"

#include <algorithm>
#include <cassert>
#include <deque>
#include <map>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "journal/error.h"
#include "runner/base/hashing.h"
#include "runner/storage/attempt_records.h"
#include "runner/study/adaptive_limit.h"
#include "runner/study/answer_recorder.h"
#include "runner/study/batches.h"
#include "runner/study/finished_queue.h"
#include "runner/study/rate_limit.h"
#include "runner/study/request_maker.h"
#include "runner/study/unscored.h"
#include "runner/study/work_source.h"

namespace runner {
namespace {

// Starts journaled together, at most.
constexpr size_t kStartsMax = 256;

// Queries begun ahead of an evaluator that asks nobody and answers at once, so
// that threads hand on many at a time instead of waking each other for each.
constexpr size_t kUnbilledAheadMax = 64;

// Answers of such an evaluator that are not recorded yet.
constexpr size_t kUnbilledUnrecordedMax = 4 * kUnbilledAheadMax;

// Answers recorded together.
constexpr size_t kRecordedTogetherMax = 64;

// How many at once.
struct Bounds {
  size_t finishers = 1;
  size_t ahead = 0;              // Begun beyond what may be in flight.
  size_t leave_together = 1;     // Handed to the evaluator at a time.
  size_t unrecorded = 0;         // Answered, and not recorded yet.
  size_t recorded_together = 1;  // By one finisher.
};

Bounds BoundsOf(const RunParts& parts, const RunPlan& plan) {
  Bounds bounds;
  bounds.finishers = std::min(plan.workers, kFinishersMax);
  bounds.unrecorded = static_cast<size_t>(plan.workers) + bounds.finishers;
  if (parts.evaluator != nullptr && !parts.evaluator->may_be_billed()) {
    bounds.ahead = kUnbilledAheadMax;
    bounds.unrecorded = std::max(bounds.unrecorded, kUnbilledUnrecordedMax);
    if (plan.rate_limit == 0) bounds.leave_together = kUnbilledAheadMax;
  }
  // Each answer that waits for a slow scorer has a finisher of its own.
  if (parts.external == nullptr) {
    bounds.recorded_together = kRecordedTogetherMax;
  }
  return bounds;
}

class BenchmarkRunImpl final : public BenchmarkRun, AnswerListener {
 public:
  BenchmarkRunImpl(const RunParts& parts, const RunPlan& plan)
      : parts_(parts),
        plan_(plan),
        batches_(WorkSource(*parts.journal, plan_), plan.batch_size,
                 plan.first_batch),
        bounds_(BoundsOf(parts, plan)),
        recorder_(parts_, plan_, &batches_, this),
        limit_(plan.workers),
        rate_(plan.rate_limit) {}

  absl::Status Run() override;
  void RequestStop() override ABSL_LOCKS_EXCLUDED(mutex_);
  void StopAsking() override ABSL_LOCKS_EXCLUDED(mutex_);
  bool stopped() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return stop_;
  }
  int EaseMemory() override ABSL_LOCKS_EXCLUDED(mutex_);
  int in_flight() const override ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return in_flight_;
  }

 private:
  // Starter: takes, journals, queues.
  void RunStarter();
  std::vector<Work> TakeChunk() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Prepare(Work& work);
  void AbandonReady();

  // Dispatcher: hands what is ready to the evaluator.
  void RunDispatcher();
  std::vector<Work> TakeReady() ABSL_LOCKS_EXCLUDED(mutex_);
  void Send(Work work);
  void OnDone(Work work, EvaluationResult result);

  // Finishers: take what is answered to the recorder.
  void RunFinisher();
  std::vector<Finished> TakeFinished() ABSL_LOCKS_EXCLUDED(mutex_);
  void OnJournalError(const absl::Status& status) override { Fail(status); }
  void OnJournaled(const EvaluationResult& result) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  void OnRetry(absl::Duration at, const Turn& turn) override
      ABSL_LOCKS_EXCLUDED(mutex_);

  void Fail(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  void Drain();

  bool AllDone() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return (source_empty_ || stop_) && retries_.empty() && outstanding_ == 0;
  }

  const RunParts parts_;
  const RunPlan plan_;
  Batches batches_;  // What is left to ask; the recorder ends them.
  const Bounds bounds_;
  AnswerRecorder recorder_;

  // Wakes those who can go on, after any change of what follows.
  void Wake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How many may be ready: as many as could leave, or more where that costs
  // nothing.
  size_t ready_max() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return std::max(static_cast<size_t>(limit_.limit()), bounds_.ahead);
  }
  bool HasRoom() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return ready_.size() < ready_max();
  }
  bool CanDispatch() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    // While as many answers wait for the disk as there are workers and
    // finishers, asking for more would gain nothing, and a crash would lose
    // more that was paid.
    return !stop_ && !ready_.empty() && in_flight_ < limit_.limit() &&
           finished_.size() + recording_ < bounds_.unrecorded;
  }

  mutable absl::Mutex mutex_;
  absl::CondVar starter_wake_;
  absl::CondVar dispatcher_wake_;
  absl::CondVar finisher_wake_;
  absl::CondVar drain_wake_;
  bool cut_off_ ABSL_GUARDED_BY(mutex_) = false;  // No draining: it is futile.
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
  bool hurry_ ABSL_GUARDED_BY(mutex_) = false;  // No longer than the timeout.
  bool source_empty_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_all_ ABSL_GUARDED_BY(mutex_) = false;
  // A finisher is on its way; the next is called once it has taken what it can,
  // so that they take many at a time.
  bool finisher_called_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  std::deque<Work> ready_ ABSL_GUARDED_BY(mutex_);
  FinishedQueue finished_ ABSL_GUARDED_BY(mutex_);
  size_t recording_ ABSL_GUARDED_BY(mutex_) = 0;  // Taken from there.
  std::multimap<absl::Duration, Turn> retries_ ABSL_GUARDED_BY(mutex_);
  int in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  AdaptiveLimit limit_ ABSL_GUARDED_BY(mutex_);
  RateLimit rate_ ABSL_GUARDED_BY(mutex_);
  // Taken from the source or from the retries and not yet finished.
  uint64_t outstanding_ ABSL_GUARDED_BY(mutex_) = 0;
};

absl::Status BenchmarkRunImpl::Run() {
  const absl::Status scored =
      ScoreUnscored(parts_, plan_, [this] { return stopped(); });
  if (!scored.ok() || parts_.evaluator == nullptr) return scored;
  std::vector<std::thread> threads;
  threads.emplace_back([this] { RunStarter(); });
  threads.emplace_back([this] { RunDispatcher(); });
  for (size_t i = 0; i < bounds_.finishers; ++i) {
    threads.emplace_back([this] { RunFinisher(); });
  }
  Drain();
  for (std::thread& thread : threads) thread.join();
  absl::MutexLock lock(&mutex_);
  return failure_;
}

void BenchmarkRunImpl::Wake() {
  if (stop_ || AllDone()) {
    starter_wake_.SignalAll();
    dispatcher_wake_.SignalAll();
    finisher_wake_.SignalAll();
    drain_wake_.SignalAll();
    return;
  }
  if (HasRoom()) starter_wake_.Signal();
  if (CanDispatch()) dispatcher_wake_.Signal();
  if (!finisher_called_ && finished_.CanTake()) {
    finisher_called_ = true;
    finisher_wake_.Signal();
  }
}

void BenchmarkRunImpl::RequestStop() {
  absl::MutexLock lock(&mutex_);
  stop_ = hurry_ = true;
  Wake();
}

void BenchmarkRunImpl::StopAsking() {
  absl::MutexLock lock(&mutex_);
  stop_ = true;
  Wake();
}

int BenchmarkRunImpl::EaseMemory() {
  int limit = 0;
  {
    absl::MutexLock lock(&mutex_);
    limit_.OnPressure(parts_.clock->Monotonic());
    limit = limit_.limit();
  }
  const absl::Status status = parts_.journal->RecordCheckpoint("memory");
  if (!status.ok()) Fail(status);
  return limit;
}

// Waits for the end; once there is hurry, no longer than the drain timeout.
void BenchmarkRunImpl::Drain() {
  {
    absl::MutexLock lock(&mutex_);
    for (;;) {
      if (stop_) retries_.clear();
      if (AllDone() || hurry_) break;
      drain_wake_.Wait(&mutex_);
    }
    const absl::Duration deadline =
        parts_.clock->Monotonic() + plan_.drain_timeout;
    while (retries_.clear(), !AllDone() && !cut_off_) {
      const absl::Duration left = deadline - parts_.clock->Monotonic();
      if (left <= absl::ZeroDuration()) break;
      parts_.clock->WaitWithTimeout(&drain_wake_, &mutex_, left);
    }
  }
  // Ends what is still under way; does nothing when all is done.
  parts_.evaluator->Stop();
  if (parts_.external != nullptr) parts_.external->Stop();
  absl::MutexLock lock(&mutex_);
  while (retries_.clear(), !AllDone()) drain_wake_.Wait(&mutex_);
  finished_all_ = true;
  Wake();
}

void BenchmarkRunImpl::Fail(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  if (failure_.ok()) failure_ = status;
  stop_ = hurry_ = true;
  // Answers that cannot be journaled need not be waited for. What was found
  // damaged does not keep others from being appended.
  cut_off_ |= JournalIsDead(status) &&
              journal::KindOf(status) != journal::ErrorKind::kDamage;
  Wake();
}

// ---------------------------------------------------------------------------
// Starter

void BenchmarkRunImpl::RunStarter() {
  for (;;) {
    std::vector<Work> chunk = TakeChunk();
    if (chunk.empty()) break;
    absl::Status status;
    std::vector<AttemptStartRecord> starts;
    for (Work& work : chunk) {
      if (status.ok()) status = Prepare(work);
      starts.push_back(MakeStart(work.request));
    }
    const std::vector<BatchRecord> begun = batches_.TakeBegun();
    if (status.ok() && !begun.empty()) {
      status = parts_.journal->RecordBatches(begun);
    }
    if (status.ok()) {
      status = parts_.journal->RecordStarts(absl::MakeSpan(starts),
                                            parts_.evaluator->may_be_billed());
    }
    if (!status.ok()) Fail(status);
    absl::MutexLock lock(&mutex_);
    if (!status.ok()) {
      outstanding_ -= chunk.size();
      break;
    }
    for (Work& work : chunk) ready_.push_back(std::move(work));
    Wake();
  }
  {
    absl::MutexLock lock(&mutex_);
    source_empty_ = true;
    Wake();
  }
  AbandonReady();
}

// The next queries to be started together: as soon as fewer are ready than
// there are workers, so that no slot ever waits for a start to be durable.
// Empty at the end.
std::vector<Work> BenchmarkRunImpl::TakeChunk() {
  std::vector<Work> chunk;
  absl::MutexLock lock(&mutex_);
  for (;;) {
    if (stop_) return chunk;
    if (HasRoom()) {
      const size_t most = std::min(2 * ready_max() - ready_.size(), kStartsMax);
      const absl::Duration now = parts_.clock->Monotonic();
      while (chunk.size() < most && !retries_.empty() &&
             retries_.begin()->first <= now) {
        Work work;
        work.turn = retries_.begin()->second;
        retries_.erase(retries_.begin());
        chunk.push_back(std::move(work));
      }
      // While many wait to be tried again, nothing new is begun: in an outage
      // not everything must fail.
      const size_t retries_max = 2 * static_cast<size_t>(plan_.workers);
      while (chunk.size() < most && !source_empty_ &&
             retries_.size() < retries_max) {
        const absl::optional<WorkItem> item = batches_.Next();
        source_empty_ = !item.has_value();
        if (source_empty_) break;
        Work work;
        work.turn.item = *item;
        chunk.push_back(std::move(work));
      }
      outstanding_ += chunk.size();
      if (!chunk.empty()) return chunk;
      if (AllDone()) return chunk;
    }
    if (!retries_.empty() && HasRoom()) {
      const absl::Duration due =
          retries_.begin()->first - parts_.clock->Monotonic();
      if (due > absl::ZeroDuration()) {
        parts_.clock->WaitWithTimeout(&starter_wake_, &mutex_, due);
      }
    } else {
      starter_wake_.Wait(&mutex_);
    }
  }
}

absl::Status BenchmarkRunImpl::Prepare(Work& work) {
  absl::StatusOr<RowRequest> made = MakeRowRequest(
      {parts_.dataset, parts_.fields, parts_.prompt}, work.turn.item.row.row);
  if (!made.ok()) return made.status();
  EvaluationRequest& request = work.request;
  request = std::move(made->request);
  request.key.run = work.turn.item.run;
  request.key.index = work.turn.item.row.index;
  request.attempt = work.turn.item.attempts_before + work.turn.tries;
  request.seed = QuerySeed(plan_.seed, request.key.run, request.key.id,
                           request.key.occurrence);
  request.model = plan_.model;
  request.method = plan_.method;
  work.target = std::move(made->target);
  return absl::OkStatus();
}

// After a stop: what was journaled as started and never left is no attempt in
// doubt, and the journal says so.
void BenchmarkRunImpl::AbandonReady() {
  for (;;) {
    Work work;
    {
      absl::MutexLock lock(&mutex_);
      while (ready_.empty() && !(AllDone() || stop_)) {
        starter_wake_.Wait(&mutex_);
      }
      if (!stop_ || ready_.empty()) return;
      work = std::move(ready_.front());
      ready_.pop_front();
    }
    EvaluationResult never_sent;
    never_sent.error = EvaluationError{
        kNotSentError, "the run was stopped before the request left", true, ""};
    // If this fails too, the attempt is listed as in doubt: more than is true,
    // never less.
    parts_.journal->RecordError(work.request, never_sent, /*final=*/false)
        .IgnoreError();
    absl::MutexLock lock(&mutex_);
    --outstanding_;
    Wake();
  }
}

// ---------------------------------------------------------------------------
// Dispatcher

void BenchmarkRunImpl::RunDispatcher() {
  for (;;) {
    std::vector<Work> leaving = TakeReady();
    if (leaving.empty()) return;
    for (Work& work : leaving) Send(std::move(work));
  }
}

void BenchmarkRunImpl::Send(Work work) {
  work.request.timeout = work.turn.deadline - work.sent;
  if (work.request.timeout <= absl::ZeroDuration()) {
    OnDone(
        std::move(work),
        FailedResult(kTimeoutError, "the time of all attempts together is up",
                     /*retryable=*/true));
    return;
  }
  auto kept = std::make_shared<Work>();
  kept->turn = work.turn;
  kept->sent = work.sent;
  kept->target = std::move(work.target);
  kept->request.key = work.request.key;
  kept->request.attempt = work.request.attempt;
  kept->request.seed = work.request.seed;
  if (parts_.external != nullptr) {
    kept->request.query_json = work.request.query_json;
  }
  parts_.evaluator->Start(std::move(work.request),
                          [this, kept](EvaluationResult result) {
                            OnDone(std::move(*kept), std::move(result));
                          });
}

// The next to leave, when they may; empty at the end.
std::vector<Work> BenchmarkRunImpl::TakeReady() {
  std::vector<Work> leaving;
  absl::MutexLock lock(&mutex_);
  absl::Duration now;
  for (;;) {
    while (!finished_all_ && !CanDispatch()) dispatcher_wake_.Wait(&mutex_);
    if (finished_all_) return leaving;
    now = parts_.clock->Monotonic();
    const absl::Duration wait = rate_.Wait(now);
    if (wait <= absl::ZeroDuration()) break;
    parts_.clock->WaitWithTimeout(&dispatcher_wake_, &mutex_, wait);
  }
  rate_.Take(now);
  while (leaving.size() < bounds_.leave_together && CanDispatch()) {
    Work work = std::move(ready_.front());
    ready_.pop_front();
    ++in_flight_;
    work.sent = now;
    if (work.turn.tries == 1) work.turn.deadline = now + plan_.total_timeout;
    leaving.push_back(std::move(work));
  }
  Wake();
  return leaving;
}

void BenchmarkRunImpl::OnDone(Work work, EvaluationResult result) {
  absl::MutexLock lock(&mutex_);
  --in_flight_;
  if (!result.error.has_value()) {
    limit_.OnAnswer();
  } else if (result.error->throttled) {
    limit_.OnThrottled(work.sent, parts_.clock->Monotonic());
  }
  finished_.Add({std::move(work), std::move(result)});
  Wake();
}

// ---------------------------------------------------------------------------
// Finishers

void BenchmarkRunImpl::RunFinisher() {
  for (;;) {
    std::vector<Finished> finished = TakeFinished();
    if (finished.empty()) return;
    recorder_.Record(absl::MakeSpan(finished));
    absl::MutexLock lock(&mutex_);
    for (const Finished& each : finished) finished_.EndTurn(each.result);
    recording_ -= finished.size();
    outstanding_ -= finished.size();
    Wake();
  }
}

// What is to be recorded next; empty at the end.
std::vector<Finished> BenchmarkRunImpl::TakeFinished() {
  absl::MutexLock lock(&mutex_);
  while (!finished_.CanTake() && !finished_all_) {
    finisher_wake_.Wait(&mutex_);
  }
  finisher_called_ = false;
  std::vector<Finished> finished = finished_.Take(bounds_.recorded_together);
  recording_ += finished.size();
  Wake();
  return finished;
}

void BenchmarkRunImpl::OnJournaled(const EvaluationResult& result) {
  // Scoring may take long, and the slot's next answer must not wait for it.
  absl::MutexLock lock(&mutex_);
  finished_.EndTurn(result);
  Wake();
}

void BenchmarkRunImpl::OnRetry(absl::Duration at, const Turn& turn) {
  absl::MutexLock lock(&mutex_);
  if (!stop_) retries_.emplace(at, turn);
}

}  // namespace

bool JournalIsDead(const absl::Status& status) {
  switch (journal::KindOf(status)) {
    case journal::ErrorKind::kIo:
    case journal::ErrorKind::kPoisoned:
    case journal::ErrorKind::kClosed:
    case journal::ErrorKind::kDamage:
      return true;
    default:
      return false;
  }
}

RemainingWork BenchmarkRun::CountRemaining(const QueryProgress& journal,
                                           const RunPlan& plan) {
  return CountWork(journal, plan);
}

std::unique_ptr<BenchmarkRun> BenchmarkRun::Create(const RunParts& parts,
                                                   const RunPlan& plan) {
  assert(plan.workers >= 1);
  return std::make_unique<BenchmarkRunImpl>(parts, plan);
}

}  // namespace runner
