#include "runner/study/unscored.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "journal/reader.h"
#include "runner/storage/journal_read.h"

namespace runner {
namespace {

absl::Status ScoreRecorded(const RunParts& parts, const OpenQuery& open,
                           uint32_t row, journal::Reader& reader) {
  absl::StatusOr<ResponseRecord> response =
      ReadRecord<ResponseRecord>(reader, open.lsn);
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
  result.cost = response->cost;
  parts.observer->OnScored(response->key, result);
  return absl::OkStatus();
}

}  // namespace

absl::Status ScoreUnscored(const RunParts& parts, const RunPlan& plan) {
  std::map<uint32_t, uint32_t> row_of;
  std::unique_ptr<journal::Reader> reader;
  for (const OpenQuery& open : InOrderOfLsn(parts.journal->open_queries())) {
    if (!open.unscored || open.run > plan.runs) continue;
    if (row_of.empty()) {
      for (const SelectedRow& row : plan.rows) row_of[row.index] = row.row;
      absl::StatusOr<std::unique_ptr<journal::Reader>> opened =
          parts.journal->OpenReader();
      if (!opened.ok()) return opened.status();
      reader = *std::move(opened);
    }
    const auto row = row_of.find(open.index);
    if (row == row_of.end()) continue;
    absl::Status s = ScoreRecorded(parts, open, row->second, *reader);
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace runner
