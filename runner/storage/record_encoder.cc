#include <utility>

#include "absl/time/time.h"
#include "flatbuffers/flatbuffers.h"
#include "runner/storage/record_codec.h"
#include "schemas/records_generated.h"

namespace runner {
namespace {

using flatbuffers::Offset;
using flatbuffers::String;
using flatbuffers::Vector;

template <typename Table>
using TableVector = Offset<Vector<Offset<Table>>>;

// Collects one record. Its helpers leave out what is empty, which reads back
// the same and costs nothing.
class Encoder {
 public:
  Offset<String> Required(const std::string& text) {
    return builder_.CreateString(text);
  }

  Offset<String> Text(const std::string& text) {
    return text.empty() ? Offset<String>() : Required(text);
  }

  Offset<String> Nullable(const absl::optional<std::string>& text) {
    return text.has_value() ? Required(*text) : Offset<String>();
  }

  TableVector<schemas::NamedValue> Values(const NamedValues& values) {
    if (values.empty()) return 0;
    std::vector<Offset<schemas::NamedValue>> offsets;
    offsets.reserve(values.size());
    for (const auto& [name, value] : values) {
      offsets.push_back(
          schemas::CreateNamedValue(builder_, Required(name), value));
    }
    return builder_.CreateVector(offsets);
  }

  Offset<Vector<uint32_t>> Numbers(const std::vector<uint32_t>& numbers) {
    if (numbers.empty()) return 0;
    return builder_.CreateVector(numbers);
  }

  Offset<schemas::QueryKey> Key(const QueryKey& key) {
    return schemas::CreateQueryKey(builder_, key.run, key.index, Text(key.id),
                                   key.occurrence);
  }

  Offset<schemas::Usage> UsageOf(const Usage& usage) {
    return schemas::CreateUsage(builder_, usage.prompt_tokens,
                                usage.completion_tokens, usage.cached_tokens,
                                usage.reasoning_tokens, usage.metered);
  }

  Offset<schemas::AttemptStart> Start(const AttemptStartRecord& record) {
    return schemas::CreateAttemptStart(builder_, Key(record.key),
                                       record.attempt, record.slot, record.seed,
                                       absl::ToUnixNanos(record.at));
  }

  TableVector<schemas::Pass> Passes(const std::vector<PassRecord>& passes) {
    if (passes.empty()) return 0;
    std::vector<Offset<schemas::Pass>> offsets;
    offsets.reserve(passes.size());
    for (const PassRecord& pass : passes) {
      offsets.push_back(
          schemas::CreatePass(builder_, Text(pass.name), Text(pass.output),
                              Text(pass.reasoning), Values(pass.metrics)));
    }
    return builder_.CreateVector(offsets);
  }

  template <typename Table>
  std::string Finish(Offset<Table> root) {
    builder_.Finish(root);
    return std::string(
        reinterpret_cast<const char*>(builder_.GetBufferPointer()),
        builder_.GetSize());
  }

  flatbuffers::FlatBufferBuilder& builder() { return builder_; }

 private:
  flatbuffers::FlatBufferBuilder builder_;
};

}  // namespace

std::string Encode(const BenchmarkInfo& record) {
  Encoder e;
  constexpr uint32_t kSchemaVersion = 1;
  return e.Finish(schemas::CreateBenchmark(
      e.builder(), kSchemaVersion, e.Required(record.benchmark_id),
      e.Required(record.run_id), e.Text(record.dataset_name),
      e.Text(record.dataset_path), e.Text(record.dataset_fingerprint),
      e.Text(record.model), e.Text(record.method),
      e.Required(record.identity_json), e.Required(record.identity_hash),
      e.Text(record.scoring_json), e.Text(record.scoring_hash),
      e.Text(record.config_json), record.seed, record.runs, record.queries,
      record.shard_index, record.shard_count, absl::ToUnixNanos(record.created),
      e.Text(record.writer_version), e.Text(record.writer_commit)));
}

std::string EncodeDatasetRows(uint32_t first_index,
                              absl::Span<const RowInfo> rows) {
  Encoder e;
  std::vector<Offset<schemas::DatasetRow>> offsets;
  offsets.reserve(rows.size());
  for (const RowInfo& row : rows) {
    offsets.push_back(schemas::CreateDatasetRow(
        e.builder(), e.Required(row.id), row.occurrence, row.content_hash));
  }
  return e.Finish(schemas::CreateDatasetRows(
      e.builder(), first_index, e.builder().CreateVector(offsets)));
}

std::string Encode(const DatasetRowsRecord& record) {
  return EncodeDatasetRows(record.first_index, record.rows);
}

std::string Encode(const SessionRecord& record) {
  Encoder e;
  return e.Finish(schemas::CreateSession(
      e.builder(), e.Required(record.session_id), record.number,
      absl::ToUnixNanos(record.started), record.pid, e.Text(record.host),
      record.workers, e.Text(record.writer_version),
      e.Text(record.writer_commit), e.Text(record.config_json),
      absl::ToInt64Nanoseconds(record.elapsed_before)));
}

std::string Encode(const OverrideRecord& record) {
  Encoder e;
  return e.Finish(schemas::CreateOverride(
      e.builder(), e.Required(record.key), e.Text(record.old_json),
      e.Text(record.new_json), e.Text(record.source)));
}

std::string Encode(const AttemptStartRecord& record) {
  Encoder e;
  return e.Finish(e.Start(record));
}

std::string Encode(const ResponseRecord& record) {
  Encoder e;
  return e.Finish(schemas::CreateResponse(
      e.builder(), e.Key(record.key), record.attempt, record.slot,
      absl::ToUnixNanos(record.at), absl::ToInt64Nanoseconds(record.latency),
      e.Nullable(record.output), e.Text(record.reasoning),
      e.UsageOf(record.usage), record.cost.value_or(0), record.cost.has_value(),
      e.Passes(record.passes), e.Values(record.metrics),
      e.Values(record.worker_scores), e.Text(record.metadata_json),
      e.Text(record.finish_reason)));
}

std::string Encode(const ScoreRecord& record) {
  Encoder e;
  return e.Finish(schemas::CreateScore(
      e.builder(), e.Key(record.key), e.Required(record.scoring_hash),
      e.Values(record.scores), record.unparsed, e.Text(record.extracted),
      absl::ToUnixNanos(record.at)));
}

std::string Encode(const AttemptErrorRecord& record) {
  Encoder e;
  return e.Finish(schemas::CreateAttemptError(
      e.builder(), e.Key(record.key), record.attempt, record.slot,
      absl::ToUnixNanos(record.at), absl::ToInt64Nanoseconds(record.latency),
      e.Required(record.type), e.Text(record.message), record.retryable,
      record.final, e.Text(record.context_json), e.UsageOf(record.usage),
      record.cost.value_or(0), record.cost.has_value()));
}

std::string Encode(const RunEndRecord& record) {
  Encoder e;
  return e.Finish(schemas::CreateRunEnd(
      e.builder(), record.run, record.seed, record.n, record.completed,
      record.failed, record.unparsed, e.Values(record.means),
      e.UsageOf(record.usage), record.cost.value_or(0),
      absl::ToUnixNanos(record.at), record.cost.has_value(), record.unmetered,
      record.unpriced));
}

std::string Encode(const BatchRecord& record) {
  Encoder e;
  return e.Finish(
      schemas::CreateBatch(e.builder(), record.number, record.run,
                           static_cast<schemas::BatchStatus>(record.status),
                           e.Numbers(record.indices), e.Numbers(record.slots),
                           absl::ToUnixNanos(record.at), record.count));
}

std::string Encode(const WorkerStateRecord& record) {
  Encoder e;
  return e.Finish(schemas::CreateWorkerState(
      e.builder(), record.slot, record.pid, e.Text(record.state_json),
      e.Numbers(record.assigned), absl::ToUnixNanos(record.at)));
}

std::string Encode(const SessionEndRecord& record) {
  Encoder e;
  return e.Finish(schemas::CreateSessionEnd(
      e.builder(), e.Required(record.session_id),
      static_cast<schemas::StopReason>(record.reason), record.signal,
      record.exit_code, absl::ToInt64Nanoseconds(record.elapsed),
      record.completed, record.failed, e.Text(record.detail),
      absl::ToUnixNanos(record.at)));
}

std::string Encode(const SelectionRecord& record) {
  Encoder e;
  return e.Finish(schemas::CreateSelection(
      e.builder(), record.runs, record.queries, e.Text(record.selection_json),
      e.Text(record.dataset_fingerprint), absl::ToUnixNanos(record.at)));
}

std::string Encode(const LimitRecord& record) {
  Encoder e;
  return e.Finish(schemas::CreateLimit(e.builder(), e.Required(record.name),
                                       record.limit, record.value,
                                       absl::ToUnixNanos(record.at)));
}

std::string Encode(const CompleteRecord& record) {
  Encoder e;
  return e.Finish(schemas::CreateComplete(
      e.builder(), record.completed, record.failed, record.exit_code,
      e.Text(record.results_path), absl::ToUnixNanos(record.at)));
}

std::string Encode(const InDoubtRecord& record) {
  Encoder e;
  std::vector<Offset<schemas::AttemptStart>> offsets;
  offsets.reserve(record.starts.size());
  for (const AttemptStartRecord& start : record.starts) {
    offsets.push_back(e.Start(start));
  }
  return e.Finish(schemas::CreateInDoubt(e.builder(), e.Text(record.session_id),
                                         e.builder().CreateVector(offsets),
                                         absl::ToUnixNanos(record.at)));
}

std::string Encode(const ScoringRecord& record) {
  Encoder e;
  return e.Finish(schemas::CreateScoring(
      e.builder(), e.Required(record.scoring_json),
      e.Required(record.scoring_hash), absl::ToUnixNanos(record.at)));
}

std::string Encode(const CheckpointRecord& record) {
  Encoder e;
  return e.Finish(schemas::CreateCheckpoint(
      e.builder(), e.Required(record.reason), record.completed,
      absl::ToUnixNanos(record.at)));
}

}  // namespace runner
