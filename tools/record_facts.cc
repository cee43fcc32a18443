#include "tools/record_facts.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runner/base/printable.h"
#include "runner/storage/record_codec.h"
#include "tools/style.h"

namespace inspector {
namespace {

constexpr size_t kExcerptColumns = 60;
constexpr size_t kNameColumns = 40;
constexpr size_t kNamesShown = 10;

std::string Name(absl::string_view text) {
  return runner::Excerpt(text, kNameColumns);
}

std::string Values(const runner::NamedValues& values) {
  std::string text;
  const size_t shown = std::min(values.size(), kNamesShown);
  for (size_t i = 0; i < shown; ++i) {
    absl::StrAppend(&text, i > 0 ? ", " : "", Name(values[i].first), "=",
                    values[i].second);
  }
  if (shown < values.size()) {
    absl::StrAppend(&text, " and ", values.size() - shown, " more");
  }
  return text;
}

std::string Tokens(const runner::Usage& usage) {
  if (!usage.metered) return "";
  return absl::StrCat(", ", usage.prompt_tokens, "+", usage.completion_tokens,
                      " tokens");
}

std::string Cost(const absl::optional<double>& cost) {
  return cost.has_value() ? absl::StrCat(", ", Dollars(*cost)) : "";
}

void SetKey(const runner::QueryKey& key, uint32_t attempt, RecordFacts* facts) {
  facts->key = key;
  facts->run = key.run;
  facts->attempt = attempt;
}

void Fill(const runner::BenchmarkInfo& r, RecordFacts* facts) {
  facts->at = r.created;
  facts->summary = absl::StrCat(
      Name(r.benchmark_id), ": ", Name(r.dataset_name), ", model ",
      Name(r.model), ", method ", r.method.empty() ? "-" : Name(r.method), ", ",
      r.queries, " queries x ", r.runs, " runs, seed ", r.seed);
}

void Fill(const runner::DatasetRowsRecord& r, RecordFacts* facts) {
  facts->summary = absl::StrCat(r.rows.size(), " rows from ", r.first_index);
  if (r.rows.empty()) return;
  absl::StrAppend(&facts->summary, ": ", Name(r.rows.front().id), " to ",
                  Name(r.rows.back().id));
}

void Fill(const runner::SessionRecord& r, RecordFacts* facts) {
  facts->at = r.started;
  facts->summary = absl::StrCat("session ", r.number, " begins: pid ", r.pid,
                                " on ", Name(r.host), ", ", r.workers,
                                " workers, version ", Name(r.writer_version));
}

void Fill(const runner::OverrideRecord& r, RecordFacts* facts) {
  facts->summary = absl::StrCat(Name(r.key), ": ", Name(r.old_json), " -> ",
                                Name(r.new_json), " (", Name(r.source), ")");
}

void Fill(const runner::AttemptStartRecord& r, RecordFacts* facts) {
  facts->at = r.at;
  SetKey(r.key, r.attempt, facts);
  facts->summary = absl::StrCat("attempt ", r.attempt, ", slot ", r.slot);
}

void Fill(const runner::ResponseRecord& r, RecordFacts* facts) {
  facts->at = r.at;
  SetKey(r.key, r.attempt, facts);
  facts->summary = absl::StrCat(
      "attempt ", r.attempt, ", ", Elapsed(r.latency), Tokens(r.usage),
      Cost(r.cost), ": ",
      r.output.has_value() ? runner::Excerpt(*r.output, kExcerptColumns)
                           : "null");
}

void Fill(const runner::ScoreRecord& r, RecordFacts* facts) {
  facts->at = r.at;
  SetKey(r.key, 0, facts);
  facts->summary = absl::StrCat(
      Values(r.scores), r.unparsed
                            ? ", unparsed"
                            : absl::StrCat(", extracted ", Name(r.extracted)));
}

void Fill(const runner::AttemptErrorRecord& r, RecordFacts* facts) {
  facts->at = r.at;
  SetKey(r.key, r.attempt, facts);
  facts->summary = absl::StrCat("attempt ", r.attempt, ", ", Elapsed(r.latency),
                                Cost(r.cost), ": ", Name(r.type), ": ",
                                runner::Excerpt(r.message, kExcerptColumns),
                                r.retryable ? " (retryable" : " (permanent",
                                r.final ? ", gave up)" : ")");
}

void Fill(const runner::RunEndRecord& r, RecordFacts* facts) {
  facts->at = r.at;
  facts->run = r.run;
  facts->summary = absl::StrCat("run ", r.run, " ends: ", r.completed, " of ",
                                r.n, " completed, ", r.failed, " failed, ",
                                r.unparsed, " unparsed; ", Values(r.means));
}

void Fill(const runner::BatchRecord& r, RecordFacts* facts) {
  facts->at = r.at;
  facts->run = r.run;
  facts->summary = r.count > 1 ? absl::StrCat("batches ", r.number, " to ",
                                              r.number + uint64_t{r.count} - 1)
                               : absl::StrCat("batch ", r.number);
  absl::StrAppend(&facts->summary, " ", runner::BatchStatusName(r.status));
  if (!r.indices.empty()) {
    absl::StrAppend(&facts->summary, ", ", r.indices.size(), " queries");
  }
}

void Fill(const runner::WorkerStateRecord& r, RecordFacts* facts) {
  facts->at = r.at;
  facts->summary = absl::StrCat("slot ", r.slot, ", pid ", r.pid, ", ",
                                r.state_json.size(), " bytes of state");
}

void Fill(const runner::SessionEndRecord& r, RecordFacts* facts) {
  facts->at = r.at;
  facts->summary =
      absl::StrCat("session ends: ", runner::SessionStopName(r.reason),
                   r.signal != 0 ? absl::StrCat(" ", r.signal) : "", ", exit ",
                   r.exit_code, ", ", r.completed, " completed, ", r.failed,
                   " failed, after ", Elapsed(r.elapsed));
  if (!r.detail.empty()) {
    absl::StrAppend(&facts->summary, ": ",
                    runner::Excerpt(r.detail, kExcerptColumns));
  }
}

void Fill(const runner::SelectionRecord& r, RecordFacts* facts) {
  facts->at = r.at;
  facts->summary =
      absl::StrCat("asked for: ", r.queries, " queries x ", r.runs, " runs");
}

void Fill(const runner::LimitRecord& r, RecordFacts* facts) {
  facts->at = r.at;
  facts->summary = absl::StrCat("limit reached: ", Name(r.name), " ", r.value,
                                " of ", r.limit);
}

void Fill(const runner::CompleteRecord& r, RecordFacts* facts) {
  facts->at = r.at;
  facts->summary = absl::StrCat("complete: ", r.completed, " completed, ",
                                r.failed, " failed, exit ", r.exit_code);
}

void Fill(const runner::InDoubtRecord& r, RecordFacts* facts) {
  facts->at = r.at;
  facts->summary = absl::StrCat(r.starts.size(), " in doubt: ");
  for (size_t i = 0; i < r.starts.size(); ++i) {
    const runner::AttemptStartRecord& start = r.starts[i];
    facts->in_doubt.push_back({start.key.run, start.key.index, start.attempt});
    facts->in_doubt_keys.push_back(start.key);
    if (i < kNamesShown) {
      absl::StrAppend(&facts->summary, i > 0 ? ", " : "", QueryName(start.key));
    }
  }
  if (r.starts.size() > kNamesShown) {
    absl::StrAppend(&facts->summary, " and ", r.starts.size() - kNamesShown,
                    " more");
  }
}

void Fill(const runner::CheckpointRecord& r, RecordFacts* facts) {
  facts->at = r.at;
  facts->summary = absl::StrCat("state saved (", Name(r.reason), "), ",
                                r.completed, " completed");
}

void Fill(const runner::ScoringRecord& r, RecordFacts* facts) {
  facts->at = r.at;
  facts->summary =
      absl::StrCat("answers are scored anew, by ",
                   runner::Excerpt(r.scoring_json, kExcerptColumns));
}

template <typename Struct>
void Read(const journal::Record& record, RecordFacts* facts) {
  const absl::StatusOr<Struct> decoded = runner::Decode<Struct>(record.body);
  if (decoded.ok()) {
    Fill(*decoded, facts);
    return;
  }
  facts->unusable = runner::Printable(decoded.status().message());
  facts->summary = facts->unusable;
}

void ReadKnown(const journal::Record& record, RecordFacts* facts) {
  switch (static_cast<runner::RecordType>(record.type)) {
    case runner::RecordType::kBenchmark:
      return Read<runner::BenchmarkInfo>(record, facts);
    case runner::RecordType::kDatasetRows:
      return Read<runner::DatasetRowsRecord>(record, facts);
    case runner::RecordType::kSession:
      return Read<runner::SessionRecord>(record, facts);
    case runner::RecordType::kOverride:
      return Read<runner::OverrideRecord>(record, facts);
    case runner::RecordType::kAttemptStart:
      return Read<runner::AttemptStartRecord>(record, facts);
    case runner::RecordType::kResponse:
      return Read<runner::ResponseRecord>(record, facts);
    case runner::RecordType::kScore:
      return Read<runner::ScoreRecord>(record, facts);
    case runner::RecordType::kAttemptError:
      return Read<runner::AttemptErrorRecord>(record, facts);
    case runner::RecordType::kRunEnd:
      return Read<runner::RunEndRecord>(record, facts);
    case runner::RecordType::kBatch:
      return Read<runner::BatchRecord>(record, facts);
    case runner::RecordType::kWorkerState:
      return Read<runner::WorkerStateRecord>(record, facts);
    case runner::RecordType::kSessionEnd:
      return Read<runner::SessionEndRecord>(record, facts);
    case runner::RecordType::kSelection:
      return Read<runner::SelectionRecord>(record, facts);
    case runner::RecordType::kLimit:
      return Read<runner::LimitRecord>(record, facts);
    case runner::RecordType::kComplete:
      return Read<runner::CompleteRecord>(record, facts);
    case runner::RecordType::kInDoubt:
      return Read<runner::InDoubtRecord>(record, facts);
    case runner::RecordType::kCheckpoint:
      return Read<runner::CheckpointRecord>(record, facts);
    case runner::RecordType::kScoring:
      return Read<runner::ScoringRecord>(record, facts);
  }
}

}  // namespace

std::string QueryName(const runner::QueryKey& key) {
  // Ids that are cut would be taken for one another: shown whole.
  std::string name = runner::Printable(key.id);
  if (key.occurrence > 0) absl::StrAppend(&name, "#", key.occurrence);
  return name;
}

RecordFacts FactsOf(const journal::Record& record) {
  RecordFacts facts;
  facts.type_name = runner::RecordTypeName(record.type);
  if (runner::IsKnownRecordType(record.type)) {
    ReadKnown(record, &facts);
    return facts;
  }
  facts.unknown_type = true;
  facts.summary = absl::StrCat(record.body.size(),
                               " bytes of a type that this version does not "
                               "know",
                               record.ignorable ? " and may ignore" : "");
  if (!record.ignorable) facts.unusable = facts.summary;
  return facts;
}

}  // namespace inspector
