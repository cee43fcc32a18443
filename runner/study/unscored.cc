#include "runner/study/unscored.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
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

absl::Status ScoreRecorded(const RunParts& parts, const UnscoredAnswer& answer,
                           uint32_t row, journal::Reader& reader) {
  absl::StatusOr<ResponseRecord> response =
      ReadRecord<ResponseRecord>(reader, answer.lsn);
  if (!response.ok()) return response.status();
  absl::StatusOr<std::string> text = parts.dataset->Row(row);
  if (!text.ok()) return text.status();
  absl::StatusOr<RowFields> fields = parts.fields->Resolve(*text);
  if (!fields.ok()) return fields.status();
  ScoredResponse scored =
      parts.scoring->Evaluate(response->output, fields->target);
  scored.scores.insert(scored.scores.end(), response->worker_scores.begin(),
                       response->worker_scores.end());
  absl::Status s = parts.journal->RecordScore(
      response->key, scored.scores, scored.unparsed, scored.extracted);
  if (!s.ok()) return s;
  EvaluationResult result;
  result.output = response->output;
  result.scores = response->worker_scores;
  result.usage = response->usage;
  // Its cost is in the totals already.
  parts.observer->OnScored(response->key, result);
  return absl::OkStatus();
}

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
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      journal.OpenReader();
  if (!reader.ok()) return reader.status();
  for (const UnscoredAnswer& answer : *answers) {
    if (stopped()) break;
    absl::Status s =
        ScoreRecorded(parts, answer, row_of[answer.index], **reader);
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace runner
