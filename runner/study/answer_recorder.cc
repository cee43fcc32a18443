#include "runner/study/answer_recorder.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "journal/error.h"
#include "runner/study/retry_policy.h"

namespace runner {
namespace {

// How often a write is tried again while the disk is full.
constexpr absl::Duration kNoSpaceRetryInterval = absl::Milliseconds(200);

bool IsError(const Finished& finished) {
  return finished.result.error.has_value();
}

}  // namespace

void AnswerRecorder::Record(absl::Span<Finished> finished) {
  const auto errors =
      std::partition(finished.begin(), finished.end(),
                     [](const Finished& each) { return !IsError(each); });
  const size_t answers = std::distance(finished.begin(), errors);
  if (answers > 0) RecordAnswers(finished.first(answers));
  for (const Finished& each : finished.subspan(answers)) RecordError(each);
}

void AnswerRecorder::RecordError(const Finished& finished) {
  const Work& work = finished.work;
  const EvaluationError& error = *finished.result.error;
  // Cut off by the end of draining, it is neither failed nor done: it stays
  // in flight, to be listed as in doubt.
  if (error.type == kStoppedError) return;
  const absl::Duration again_at =
      parts_.clock->Monotonic() +
      RetryDelay(error, work.turn.tries, work.request.seed);
  const bool again = error.retryable && work.turn.tries <= plan_.max_retries &&
                     again_at < work.turn.deadline;
  const bool final = !again;
  const absl::Status status = RecordOrWait([&] {
    return parts_.journal->RecordError(work.request, finished.result, final);
  });
  if (!status.ok()) return listener_.OnJournalError(status);
  {
    absl::MutexLock lock(&observer_mutex_);
    parts_.observer->OnError(work.request.key, error, final);
  }
  if (final) {
    const Finished* ended = &finished;
    return EndQueries({&ended, 1});
  }
  listener_.OnRetry(again_at,
                    {work.turn.item, work.turn.tries + 1, work.turn.deadline});
}

// First all answers, which may have cost money; only then anything that could
// go wrong with one of them.
void AnswerRecorder::RecordAnswers(absl::Span<Finished> answers) {
  std::vector<const Finished*> kept;
  const absl::Status status = JournalTogether(answers);
  const journal::ErrorKind kind = journal::KindOf(status);
  if (status.ok()) {
    for (const Finished& each : answers) kept.push_back(&each);
  } else if (kind == journal::ErrorKind::kInvalidArgument ||
             kind == journal::ErrorKind::kNoSpace) {
    // One of them is why, or some of them still fit.
    for (Finished& each : answers) {
      if (JournalAlone(each)) kept.push_back(&each);
    }
  } else {
    return listener_.OnJournalError(status);
  }
  for (const Finished* each : kept) {
    if (!each->result.state_json.empty()) listener_.OnJournaled(each->result);
  }
  ScoreAnswers(kept);
}

absl::Status AnswerRecorder::JournalTogether(
    absl::Span<const Finished> answers) {
  std::vector<Answered> said;
  said.reserve(answers.size());
  for (const Finished& each : answers) {
    said.push_back({&each.work.request, &each.result});
  }
  return parts_.journal->RecordResponses(said);
}

bool AnswerRecorder::JournalAlone(Finished& answer) {
  const absl::Status status = RecordOrWait([&] {
    return JournalTogether({&answer, 1});
  });
  if (status.ok()) return true;
  if (journal::KindOf(status) == journal::ErrorKind::kInvalidArgument) {
    // More than a record holds: its own query's failure, no other's.
    answer.result.error = EvaluationError{
        kOversizeError, std::string(status.message()), false, ""};
    RecordError(answer);
  } else {
    listener_.OnJournalError(status);
  }
  return false;
}

void AnswerRecorder::ScoreAnswers(absl::Span<const Finished* const> answers) {
  std::vector<const Finished*> scored;
  std::vector<ScoreRecord> scores;
  for (const Finished* each : answers) {
    const EvaluationRequest& request = each->work.request;
    absl::StatusOr<ScoredResponse> response = parts_.scoring->EvaluateWith(
        parts_.external, request.key, request.query_json, each->result.output,
        each->work.target, each->result.scores);
    if (!response.ok()) {
      EndQueries({&each, 1});
      absl::MutexLock lock(&observer_mutex_);
      parts_.observer->OnUnscored(request.key, response.status().message());
      continue;
    }
    ScoreRecord score;
    score.key = request.key;
    score.scores = std::move(response->scores);
    score.unparsed = response->unparsed;
    score.extracted = std::move(response->extracted);
    scored.push_back(each);
    scores.push_back(std::move(score));
  }
  if (scored.empty()) return;
  const absl::Status status = RecordOrWait(
      [&] { return parts_.journal->RecordScores(absl::MakeSpan(scores)); });
  if (!status.ok()) return listener_.OnJournalError(status);
  EndQueries(scored);
  absl::MutexLock lock(&observer_mutex_);
  for (const Finished* each : scored) {
    parts_.observer->OnScored(each->work.request.key, each->result);
  }
}

void AnswerRecorder::EndQueries(absl::Span<const Finished* const> finished) {
  std::vector<BatchRecord> ended;
  for (const Finished* each : finished) {
    absl::optional<BatchRecord> batch =
        batches_.Ended(each->work.turn.item, each->result.slot);
    if (batch.has_value()) ended.push_back(*std::move(batch));
  }
  if (ended.empty()) return;
  absl::Status status =
      RecordOrWait([&] { return parts_.journal->RecordBatches(ended); });
  if (status.ok() && plan_.sync_batches) status = parts_.journal->Sync();
  if (!status.ok()) listener_.OnJournalError(status);
}

// One for all answers that wait.
absl::Duration AnswerRecorder::NoSpaceDeadline(const absl::Status& status) {
  const absl::Duration deadline =
      parts_.clock->Monotonic() + plan_.drain_timeout;
  {
    absl::MutexLock lock(&space_mutex_);
    if (no_space_until_ != absl::ZeroDuration()) return no_space_until_;
    no_space_until_ = deadline;
  }
  absl::MutexLock lock(&observer_mutex_);
  parts_.observer->OnNoSpace(status.message());
  return deadline;
}

absl::Status AnswerRecorder::RecordOrWait(
    absl::FunctionRef<absl::Status()> record) {
  absl::Status status = record();
  if (journal::KindOf(status) != journal::ErrorKind::kNoSpace) return status;
  // The answer is here and may be paid: dispatch stops, and there is some time
  // to make space before it is given up.
  listener_.OnJournalError(status);
  const absl::Duration deadline = NoSpaceDeadline(status);
  while (journal::KindOf(status) == journal::ErrorKind::kNoSpace &&
         parts_.clock->Monotonic() < deadline) {
    {
      absl::MutexLock lock(&space_mutex_);
      parts_.clock->WaitWithTimeout(&never_, &space_mutex_,
                                    kNoSpaceRetryInterval);
    }
    status = record();
  }
  return status;
}

}  // namespace runner
