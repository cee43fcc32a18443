// What is done with what an evaluator said: journaled, scored, told.
#ifndef RUNNER_STUDY_ANSWER_RECORDER_H_
#define RUNNER_STUDY_ANSWER_RECORDER_H_

#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "runner/scoring/scorer.h"
#include "runner/study/batches.h"
#include "runner/study/benchmark_run.h"
#include "runner/study/finished_queue.h"

namespace runner {

// Called by an AnswerRecorder, from whichever thread calls that.
class AnswerListener {
 public:
  virtual ~AnswerListener() = default;
  // The journal's error. kNoSpace may pass, and is tried again for a while.
  virtual void OnJournalError(const absl::Status& status) = 0;
  // An answer with a state is journaled, and will now be scored.
  virtual void OnJournaled(const EvaluationResult& result) = 0;
  // To be asked again at `at` (monotonic).
  virtual void OnRetry(absl::Duration at, const Turn& turn) = 0;
};

// Thread-safe.
class AnswerRecorder {
 public:
  // `batches` and `listener` are borrowed, as `parts` are.
  AnswerRecorder(const RunParts& parts, const RunPlan& plan, Batches* batches,
                 AnswerListener* listener)
      : parts_(parts), plan_(plan), batches_(*batches), listener_(*listener) {}

  // Journals them, the answers together, and then scores those; all that
  // FinishedQueue gives at once. Returns when they are journaled, or never will
  // be, which the listener knows.
  void Record(absl::Span<Finished> finished);

 private:
  void RecordError(const Finished& finished);
  void RecordAnswers(absl::Span<Finished> answers);
  absl::Status JournalTogether(absl::Span<const Finished> answers);
  // False: it is not kept, which the listener knows, or has become a failure.
  bool JournalAlone(Finished& answer);
  void ScoreAnswers(absl::Span<const Finished* const> answers);
  // Nothing more is to be done for these queries.
  void EndQueries(absl::Span<const Finished* const> finished);

  // Calls `record` until it succeeds, the disk stays full past the drain
  // timeout, or another error comes.
  absl::Status RecordOrWait(absl::FunctionRef<absl::Status()> record);
  absl::Duration NoSpaceDeadline(const absl::Status& status);

  const RunParts& parts_;
  const RunPlan& plan_;
  Batches& batches_;
  AnswerListener& listener_;

  absl::Mutex observer_mutex_;
  absl::Mutex space_mutex_;
  absl::CondVar never_;  // Waited for when only time can help.
  absl::Duration no_space_until_ ABSL_GUARDED_BY(space_mutex_);
};

}  // namespace runner

#endif  // RUNNER_STUDY_ANSWER_RECORDER_H_
