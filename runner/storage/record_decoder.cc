#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "runner/storage/record_buffer.h"
#include "runner/storage/record_codec.h"
#include "schemas/records_generated.h"

namespace runner {
namespace {

// The numbers are the format's; only the spelling differs.
static_assert(static_cast<int>(RecordType::kScoring) ==
              static_cast<int>(schemas::RecordType::Scoring));
static_assert(static_cast<int>(RecordType::kAttemptError) ==
              static_cast<int>(schemas::RecordType::AttemptError));
static_assert(static_cast<int>(SessionStop::kNothingToDo) ==
              static_cast<int>(schemas::StopReason::NothingToDo));
static_assert(static_cast<int>(BatchStatus::kCompleted) ==
              static_cast<int>(schemas::BatchStatus::Completed));

// Reads the fields of one verified table. What an older writer left out reads
// as empty.
class Decoder {
 public:
  explicit Decoder(size_t bytes) : text_(bytes) {}

  std::string Text(const flatbuffers::String* text) { return text_.Take(text); }

  absl::optional<std::string> Nullable(const flatbuffers::String* text) {
    if (text == nullptr) return absl::nullopt;
    return Text(text);
  }

  template <typename Tables>
  NamedValues Values(const Tables* tables) {
    NamedValues values;
    if (tables == nullptr) return values;
    for (const schemas::NamedValue* value : *tables) {
      if (text_.exceeded()) break;
      values.emplace_back(Text(value->name()), value->value());
    }
    return values;
  }

  std::vector<uint32_t> Numbers(const flatbuffers::Vector<uint32_t>* numbers) {
    if (numbers == nullptr) return {};
    return std::vector<uint32_t>(numbers->begin(), numbers->end());
  }

  QueryKey Key(const schemas::QueryKey* key) {
    return {.run = key->run(),
            .index = key->index(),
            .id = Text(key->id()),
            .occurrence = key->occurrence()};
  }

  Usage UsageOf(const schemas::Usage* usage) {
    if (usage == nullptr) return {};
    return {.prompt_tokens = usage->prompt_tokens(),
            .completion_tokens = usage->completion_tokens(),
            .cached_tokens = usage->cached_tokens(),
            .reasoning_tokens = usage->reasoning_tokens(),
            .metered = usage->metered()};
  }

  bool exceeded() const { return text_.exceeded(); }

 private:
  TextBudget text_;
};

template <typename Table>
absl::optional<double> CostOf(const Table& table) {
  if (!table.cost_known()) return absl::nullopt;
  return table.cost();
}

// For each record: Read(table, decoder, record).

void Read(const schemas::Benchmark& t, Decoder& d, BenchmarkInfo& r) {
  r.benchmark_id = d.Text(t.benchmark_id());
  r.run_id = d.Text(t.run_id());
  r.dataset_name = d.Text(t.dataset_name());
  r.dataset_path = d.Text(t.dataset_path());
  r.dataset_fingerprint = d.Text(t.dataset_fingerprint());
  r.model = d.Text(t.model());
  r.method = d.Text(t.method());
  r.identity_json = d.Text(t.identity_json());
  r.identity_hash = d.Text(t.identity_hash());
  r.scoring_json = d.Text(t.scoring_json());
  r.scoring_hash = d.Text(t.scoring_hash());
  r.config_json = d.Text(t.config_json());
  r.seed = t.seed();
  r.runs = t.runs();
  r.queries = t.queries();
  r.shard_index = t.shard_index();
  r.shard_count = t.shard_count();
  r.created = absl::FromUnixNanos(t.created_unix_ns());
  r.writer_version = d.Text(t.writer_version());
  r.writer_commit = d.Text(t.writer_commit());
}

void Read(const schemas::DatasetRows& t, Decoder& d, DatasetRowsRecord& r) {
  r.first_index = t.first_index();
  if (t.rows() == nullptr) return;
  r.rows.reserve(t.rows()->size());
  for (const schemas::DatasetRow* row : *t.rows()) {
    if (d.exceeded()) return;
    r.rows.push_back({.id = d.Text(row->id()),
                      .occurrence = row->occurrence(),
                      .content_hash = row->content_hash()});
  }
}

void Read(const schemas::Session& t, Decoder& d, SessionRecord& r) {
  r.session_id = d.Text(t.session_id());
  r.number = t.number();
  r.started = absl::FromUnixNanos(t.started_unix_ns());
  r.pid = t.pid();
  r.host = d.Text(t.host());
  r.workers = t.workers();
  r.writer_version = d.Text(t.writer_version());
  r.writer_commit = d.Text(t.writer_commit());
  r.config_json = d.Text(t.config_json());
  r.elapsed_before = absl::Nanoseconds(t.elapsed_before_ns());
}

void Read(const schemas::Override& t, Decoder& d, OverrideRecord& r) {
  r.key = d.Text(t.key());
  r.old_json = d.Text(t.old_json());
  r.new_json = d.Text(t.new_json());
  r.source = d.Text(t.source());
}

void Read(const schemas::AttemptStart& t, Decoder& d, AttemptStartRecord& r) {
  r.key = d.Key(t.key());
  r.attempt = t.attempt();
  r.slot = t.slot();
  r.seed = t.seed();
  r.at = absl::FromUnixNanos(t.at_unix_ns());
}

void Read(const schemas::Pass& t, Decoder& d, PassRecord& r) {
  r.name = d.Text(t.name());
  r.output = d.Text(t.output());
  r.reasoning = d.Text(t.reasoning());
  r.metrics = d.Values(t.metrics());
}

void Read(const schemas::Response& t, Decoder& d, ResponseRecord& r) {
  r.key = d.Key(t.key());
  r.attempt = t.attempt();
  r.slot = t.slot();
  r.at = absl::FromUnixNanos(t.at_unix_ns());
  r.latency = absl::Nanoseconds(t.latency_ns());
  r.output = d.Nullable(t.output());
  r.reasoning = d.Text(t.reasoning());
  r.usage = d.UsageOf(t.usage());
  r.cost = CostOf(t);
  r.metrics = d.Values(t.metrics());
  r.worker_scores = d.Values(t.worker_scores());
  r.metadata_json = d.Text(t.metadata_json());
  r.finish_reason = d.Text(t.finish_reason());
  if (t.passes() == nullptr) return;
  for (const schemas::Pass* pass : *t.passes()) {
    if (d.exceeded()) return;
    Read(*pass, d, r.passes.emplace_back());
  }
}

void Read(const schemas::Score& t, Decoder& d, ScoreRecord& r) {
  r.key = d.Key(t.key());
  r.scoring_hash = d.Text(t.scoring_hash());
  r.scores = d.Values(t.scores());
  r.unparsed = t.unparsed();
  r.extracted = d.Text(t.extracted());
  r.at = absl::FromUnixNanos(t.at_unix_ns());
}

void Read(const schemas::AttemptError& t, Decoder& d, AttemptErrorRecord& r) {
  r.key = d.Key(t.key());
  r.attempt = t.attempt();
  r.slot = t.slot();
  r.at = absl::FromUnixNanos(t.at_unix_ns());
  r.latency = absl::Nanoseconds(t.latency_ns());
  r.type = d.Text(t.type());
  r.message = d.Text(t.message());
  r.retryable = t.retryable();
  r.final = t.final();
  r.context_json = d.Text(t.context_json());
  r.usage = d.UsageOf(t.usage());
  r.cost = CostOf(t);
}

void Read(const schemas::RunEnd& t, Decoder& d, RunEndRecord& r) {
  r.run = t.run();
  r.seed = t.seed();
  r.n = t.n();
  r.completed = t.completed();
  r.failed = t.failed();
  r.unparsed = t.unparsed();
  r.means = d.Values(t.means());
  r.usage = d.UsageOf(t.usage());
  if (t.cost_known()) r.cost = t.cost();
  r.at = absl::FromUnixNanos(t.at_unix_ns());
  r.unmetered = t.unmetered();
  r.unpriced = t.unpriced();
}

void Read(const schemas::Batch& t, Decoder& d, BatchRecord& r) {
  r.number = t.number();
  r.run = t.run();
  r.status = static_cast<BatchStatus>(t.status());
  r.indices = d.Numbers(t.indices());
  r.slots = d.Numbers(t.slots());
  r.at = absl::FromUnixNanos(t.at_unix_ns());
  r.count = t.count();
}

void Read(const schemas::WorkerState& t, Decoder& d, WorkerStateRecord& r) {
  r.slot = t.slot();
  r.pid = t.pid();
  r.state_json = d.Text(t.state_json());
  r.assigned = d.Numbers(t.assigned());
  r.at = absl::FromUnixNanos(t.at_unix_ns());
}

void Read(const schemas::SessionEnd& t, Decoder& d, SessionEndRecord& r) {
  r.session_id = d.Text(t.session_id());
  r.reason = static_cast<SessionStop>(t.reason());
  r.signal = t.signal();
  r.exit_code = t.exit_code();
  r.elapsed = absl::Nanoseconds(t.elapsed_ns());
  r.completed = t.completed();
  r.failed = t.failed();
  r.detail = d.Text(t.detail());
  r.at = absl::FromUnixNanos(t.at_unix_ns());
}

void Read(const schemas::Selection& t, Decoder& d, SelectionRecord& r) {
  r.runs = t.runs();
  r.queries = t.queries();
  r.selection_json = d.Text(t.selection_json());
  r.dataset_fingerprint = d.Text(t.dataset_fingerprint());
  r.at = absl::FromUnixNanos(t.at_unix_ns());
}

void Read(const schemas::Limit& t, Decoder& d, LimitRecord& r) {
  r.name = d.Text(t.name());
  r.limit = t.limit();
  r.value = t.value();
  r.at = absl::FromUnixNanos(t.at_unix_ns());
}

void Read(const schemas::Complete& t, Decoder& d, CompleteRecord& r) {
  r.completed = t.completed();
  r.failed = t.failed();
  r.exit_code = t.exit_code();
  r.results_path = d.Text(t.results_path());
  r.at = absl::FromUnixNanos(t.at_unix_ns());
}

void Read(const schemas::InDoubt& t, Decoder& d, InDoubtRecord& r) {
  r.session_id = d.Text(t.session_id());
  r.at = absl::FromUnixNanos(t.at_unix_ns());
  if (t.starts() == nullptr) return;
  for (const schemas::AttemptStart* start : *t.starts()) {
    if (d.exceeded()) return;
    Read(*start, d, r.starts.emplace_back());
  }
}

void Read(const schemas::Checkpoint& t, Decoder& d, CheckpointRecord& r) {
  r.reason = d.Text(t.reason());
  r.completed = t.completed();
  r.at = absl::FromUnixNanos(t.at_unix_ns());
}

void Read(const schemas::Scoring& t, Decoder& d, ScoringRecord& r) {
  r.scoring_json = d.Text(t.scoring_json());
  r.scoring_hash = d.Text(t.scoring_hash());
  r.at = absl::FromUnixNanos(t.at_unix_ns());
}

template <typename Table, typename Record>
absl::StatusOr<Record> DecodeAs(absl::string_view body) {
  const std::string name = RecordTypeName(static_cast<uint16_t>(Record::kType));
  const AlignedBytes bytes(body);
  const Table* table = VerifiedRoot<Table>(bytes, RecordTablesMax(body.size()));
  if (table == nullptr) {
    return PoisonError(name, body.size(), "is not a valid FlatBuffer");
  }
  Record record;
  Decoder decoder(body.size());
  Read(*table, decoder, record);
  if (decoder.exceeded()) {
    return PoisonError(name, body.size(), "unfolds to more than its size");
  }
  return record;
}

template <typename Enum>
std::string NameOrNumber(const char* name, Enum value) {
  if (*name != '\0') return name;
  return absl::StrCat(static_cast<int>(value));
}

}  // namespace

std::string RecordTypeName(uint16_t type) {
  if (!IsKnownRecordType(type)) return absl::StrCat("type ", type);
  return schemas::EnumNameRecordType(static_cast<schemas::RecordType>(type));
}

bool IsKnownRecordType(uint16_t type) {
  return type >= static_cast<uint16_t>(RecordType::kBenchmark) &&
         type <= static_cast<uint16_t>(RecordType::kScoring);
}

std::string SessionStopName(SessionStop reason) {
  return NameOrNumber(
      schemas::EnumNameStopReason(static_cast<schemas::StopReason>(reason)),
      reason);
}

std::string BatchStatusName(BatchStatus status) {
  return NameOrNumber(
      schemas::EnumNameBatchStatus(static_cast<schemas::BatchStatus>(status)),
      status);
}

#define RUNNER_DECODE(Record, Table)                              \
  template <>                                                     \
  absl::StatusOr<Record> Decode<Record>(absl::string_view body) { \
    return DecodeAs<schemas::Table, Record>(body);                \
  }

RUNNER_DECODE(BenchmarkInfo, Benchmark)
RUNNER_DECODE(DatasetRowsRecord, DatasetRows)
RUNNER_DECODE(SessionRecord, Session)
RUNNER_DECODE(OverrideRecord, Override)
RUNNER_DECODE(AttemptStartRecord, AttemptStart)
RUNNER_DECODE(ResponseRecord, Response)
RUNNER_DECODE(ScoreRecord, Score)
RUNNER_DECODE(AttemptErrorRecord, AttemptError)
RUNNER_DECODE(RunEndRecord, RunEnd)
RUNNER_DECODE(BatchRecord, Batch)
RUNNER_DECODE(WorkerStateRecord, WorkerState)
RUNNER_DECODE(SessionEndRecord, SessionEnd)
RUNNER_DECODE(SelectionRecord, Selection)
RUNNER_DECODE(LimitRecord, Limit)
RUNNER_DECODE(CompleteRecord, Complete)
RUNNER_DECODE(InDoubtRecord, InDoubt)
RUNNER_DECODE(CheckpointRecord, Checkpoint)
RUNNER_DECODE(ScoringRecord, Scoring)
#undef RUNNER_DECODE

}  // namespace runner
