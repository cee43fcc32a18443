#include "runner/study/unscored.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "journal/reader.h"
#include "runner/storage/journal_read.h"
#include "runner/study/work_source.h"

namespace runner {
namespace {

struct UnscoredAnswer {
  uint32_t run = 1;
  uint32_t index = 0;
  journal::Lsn lsn = 0;  // Of its newest Response.
};

// How many records are read between two looks at whether to stop.
constexpr int kStopCheckRecords = 1024;
// How often it is looked at while a scorer is waited for.
constexpr absl::Duration kStopLookInterval = absl::Milliseconds(50);

bool ByLsn(const UnscoredAnswer& a, const UnscoredAnswer& b) {
  return a.lsn < b.lsn;
}

// Of each query the newest, in order of LSN.
void KeepNewest(std::vector<UnscoredAnswer>& answers) {
  const auto same = [](const UnscoredAnswer& a, const UnscoredAnswer& b) {
    return a.run == b.run && a.index == b.index;
  };
  std::sort(answers.begin(), answers.end(),
            [](const UnscoredAnswer& a, const UnscoredAnswer& b) {
              if (a.run != b.run) return a.run < b.run;
              return a.index != b.index ? a.index < b.index : a.lsn > b.lsn;
            });
  answers.erase(std::unique(answers.begin(), answers.end(), same),
                answers.end());
  std::sort(answers.begin(), answers.end(), ByLsn);
}

// Those that are `wanted`, in order of LSN; nothing once `stopped`.
absl::StatusOr<std::vector<UnscoredAnswer>> FindUnscored(
    const BenchmarkJournal& journal,
    absl::FunctionRef<bool(uint32_t run, uint32_t index)> wanted,
    absl::FunctionRef<bool()> stopped) {
  std::vector<UnscoredAnswer> answers;
  if (!journal.scoring_changed()) {
    for (const OpenQuery& open : journal.open_queries()) {
      if (!open.unscored || !wanted(open.run, open.index)) continue;
      answers.push_back({open.run, open.index, open.lsn});
    }
    std::sort(answers.begin(), answers.end(), ByLsn);
    return answers;
  }
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      journal.OpenReader();
  if (!reader.ok()) return reader.status();
  for (int until_check = 0;; --until_check) {
    if (until_check == 0) {
      if (stopped()) return std::vector<UnscoredAnswer>();
      until_check = kStopCheckRecords;
    }
    const journal::ReadResult next = (*reader)->Next();
    if (next.outcome == journal::ReadOutcome::kEnd) break;
    if (next.outcome != journal::ReadOutcome::kRecord) return ReadFailure(next);
    if (next.record.type != static_cast<uint16_t>(RecordType::kResponse)) {
      continue;
    }
    const absl::StatusOr<ResponseRecord> response =
        DecodeRecord<ResponseRecord>(next.record);
    if (!response.ok()) continue;
    const QueryKey& key = response->key;
    if (!wanted(key.run, key.index)) continue;
    answers.push_back({key.run, key.index, next.record.lsn});
  }
  KeepNewest(answers);
  return answers;
}

// What was imported without an output keeps the scores that it came with: no
// scorer has seen an answer that it could call wrong.
absl::StatusOr<ScoredResponse> ScoreOf(
    const RunParts& parts, const ResponseRecord& response,
    absl::string_view row_json, const absl::optional<std::string>& target) {
  if (response.attempt == kImportedAttempt && !response.output.has_value()) {
    ScoredResponse kept;
    kept.scores = response.worker_scores;
    return kept;
  }
  return parts.scoring->EvaluateWith(parts.external, response.key, row_json,
                                     response.output, target,
                                     response.worker_scores);
}

absl::Status ScoreRecorded(const RunParts& parts, const UnscoredAnswer& answer,
                           uint32_t row, journal::Reader& reader,
                           absl::Mutex& observer_mutex) {
  absl::StatusOr<ResponseRecord> response =
      ReadRecord<ResponseRecord>(reader, answer.lsn);
  if (!response.ok()) return response.status();
  absl::StatusOr<std::string> text = parts.dataset->Row(row);
  if (!text.ok()) return text.status();
  absl::StatusOr<RowFields> fields = parts.fields->Resolve(*text);
  if (!fields.ok()) return fields.status();
  const absl::StatusOr<ScoredResponse> scored =
      ScoreOf(parts, *response, *text, fields->target);
  if (!scored.ok()) {
    absl::MutexLock lock(&observer_mutex);
    parts.observer->OnUnscored(response->key, scored.status().message());
    return absl::OkStatus();
  }
  absl::Status s = parts.journal->RecordScore(
      response->key, scored->scores, scored->unparsed, scored->extracted);
  if (!s.ok()) return s;
  EvaluationResult result;
  result.output = response->output;
  result.scores = response->worker_scores;
  result.usage = response->usage;
  // Its cost is in the totals already.
  absl::MutexLock lock(&observer_mutex);
  parts.observer->OnScored(response->key, result);
  return absl::OkStatus();
}

// Scores all of them, an external scorer's in several threads.
class AllAnswers {
 public:
  AllAnswers(const RunParts& parts, const std::vector<UnscoredAnswer>& answers,
             const absl::flat_hash_map<uint32_t, uint32_t>& row_of,
             absl::FunctionRef<bool()> stopped)
      : parts_(parts), answers_(answers), row_of_(row_of), stopped_(stopped) {}

  absl::Status Score(const RunPlan& plan) {
    if (parts_.external == nullptr) {
      ScoreSome();
    } else {
      ScoreInThreads(plan);
    }
    absl::MutexLock lock(&mutex_);
    return failure_;
  }

 private:
  void ScoreInThreads(const RunPlan& plan) ABSL_LOCKS_EXCLUDED(mutex_) {
    const int count = std::min(plan.workers, kFinishersMax);
    {
      absl::MutexLock lock(&mutex_);
      running_ = count;
    }
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([this] {
        ScoreSome();
        absl::MutexLock lock(&mutex_);
        if (--running_ == 0) ended_.SignalAll();
      });
    }
    if (!EndInTime(plan.drain_timeout)) parts_.external->Stop();
    for (std::thread& thread : threads) thread.join();
  }

  // False when they go on for so long after a stop.
  bool EndInTime(absl::Duration drain_timeout) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::Duration deadline = absl::InfiniteDuration();
    absl::MutexLock lock(&mutex_);
    while (running_ > 0) {
      const absl::Duration now = parts_.clock->Monotonic();
      if (stopped_()) deadline = std::min(deadline, now + drain_timeout);
      if (now >= deadline) return false;
      parts_.clock->WaitWithTimeout(
          &ended_, &mutex_, std::min(kStopLookInterval, deadline - now));
    }
    return true;
  }

  void ScoreSome() {
    absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
        parts_.journal->OpenReader();
    if (!reader.ok()) return Fail(reader.status());
    while (!stopped_() && !failed()) {
      const size_t i = next_.fetch_add(1);
      if (i >= answers_.size()) return;
      const UnscoredAnswer& answer = answers_[i];
      absl::Status s = ScoreRecorded(parts_, answer, row_of_.at(answer.index),
                                     **reader, observer_mutex_);
      if (!s.ok()) return Fail(s);
    }
  }

  bool failed() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return !failure_.ok();
  }
  void Fail(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (failure_.ok()) failure_ = status;
  }

  const RunParts& parts_;
  const std::vector<UnscoredAnswer>& answers_;
  const absl::flat_hash_map<uint32_t, uint32_t>& row_of_;
  const absl::FunctionRef<bool()> stopped_;
  std::atomic<size_t> next_{0};
  absl::Mutex observer_mutex_;
  mutable absl::Mutex mutex_;
  absl::CondVar ended_;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::Status ScoreUnscored(const RunParts& parts, const RunPlan& plan,
                           absl::FunctionRef<bool()> stopped) {
  const BenchmarkJournal& journal = *parts.journal;
  if (CountUnscored(journal, plan) == 0) return absl::OkStatus();
  absl::flat_hash_map<uint32_t, uint32_t> row_of;
  for (const SelectedRow& row : plan.rows) row_of[row.index] = row.row;
  const auto wanted = [&](uint32_t run, uint32_t index) {
    return run <= plan.runs && row_of.contains(index) &&
           journal.NeedsScore(run, index);
  };
  absl::StatusOr<std::vector<UnscoredAnswer>> answers =
      FindUnscored(journal, wanted, stopped);
  if (!answers.ok()) return answers.status();
  return AllAnswers(parts, *answers, row_of, stopped).Score(plan);
}

}  // namespace runner
