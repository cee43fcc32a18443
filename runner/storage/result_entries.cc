#include "runner/storage/result_entries.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "runner/evaluators/evaluator.h"
#include "runner/storage/record_codec.h"
#include "runner/storage/record_texts.h"
#include "runner/storage/records.h"

namespace runner {
namespace {

// Of an imported response that does not say it.
constexpr float kNoLatency = -1;

bool HasLatency(const ResultEntry& entry) {
  return entry.answered && entry.latency_ms >= 0;
}

// The one pass over all records.
class Indexer {
 public:
  Indexer(absl::string_view scoring_hash, ResultStore::History& history,
          ResultEntries& entries)
      : scoring_hash_(scoring_hash), history_(history), entries_(entries) {}

  absl::Status Add(const journal::Record& record) {
    switch (static_cast<RecordType>(record.type)) {
      case RecordType::kSession:
        return As<SessionRecord>(record);
      case RecordType::kAttemptStart:
        return InPlace<schemas::AttemptStart>(record);
      case RecordType::kResponse:
        return InPlace<schemas::Response>(record);
      case RecordType::kScore:
        return InPlace<schemas::Score>(record);
      case RecordType::kAttemptError:
        return InPlace<schemas::AttemptError>(record);
      case RecordType::kSessionEnd:
        return As<SessionEndRecord>(record);
      case RecordType::kInDoubt:
        return As<InDoubtRecord>(record);
      case RecordType::kScoring:
        return As<ScoringRecord>(record);
      case RecordType::kBenchmark:
      case RecordType::kDatasetRows:
      case RecordType::kOverride:
      case RecordType::kRunEnd:
      case RecordType::kBatch:
      case RecordType::kWorkerState:
      case RecordType::kSelection:
      case RecordType::kLimit:
      case RecordType::kComplete:
      case RecordType::kCheckpoint:
        return absl::OkStatus();
    }
    if (record.ignorable) return absl::OkStatus();
    return journal::MakeError(
        journal::ErrorKind::kNewerVersion,
        absl::StrCat("LSN ", record.lsn, " is a record of type ", record.type,
                     ": written by a newer version"));
  }

  void Finish() {
    CloseSession();
    size_t latencies = 0;
    entries_.ForEach(
        [&](ResultEntry& entry) { latencies += HasLatency(entry); });
    history_.latencies_ms.reserve(latencies);
    entries_.ForEach([&](ResultEntry& entry) {
      if (HasLatency(entry)) history_.latencies_ms.push_back(entry.latency_ms);
    });
    // The order of a hash table is no order.
    std::sort(history_.latencies_ms.begin(), history_.latencies_ms.end());
  }

 private:
  template <typename Record>
  absl::Status As(const journal::Record& raw) {
    absl::StatusOr<Record> record = DecodeRecord<Record>(raw);
    // Poison, whole on disk and unreadable: gone around, as the folder of the
    // progress does, which has its query asked again.
    if (!record.ok()) return absl::OkStatus();
    Apply(*record, {raw.position, raw.lsn});
    return absl::OkStatus();
  }

  // The same for those there are most of.
  template <typename Table>
  absl::Status InPlace(const journal::Record& raw) {
    const AlignedBytes bytes(raw.body);
    const Table* table = WholeRecord<Table>(bytes);
    if (table != nullptr) Apply(*table, {raw.position, raw.lsn});
    return absl::OkStatus();
  }

  void Apply(const SessionRecord& record, const RecordPlace&) {
    CloseSession();
    if (history_.sessions == 0) history_.started = record.started;
    ++history_.sessions;
    session_start_ = record.started;
    session_open_ = true;
    Saw(record.started);
  }

  void Apply(const SessionEndRecord& record, const RecordPlace&) {
    history_.elapsed += std::max(record.elapsed, absl::ZeroDuration());
    session_open_ = false;
    Saw(record.at);
  }

  void Apply(const schemas::AttemptStart& table, const RecordPlace&) {
    ++EntryOf(table.key()).attempts;
    ++history_.attempts;
    Saw(table.at_unix_ns());
  }

  void Apply(const schemas::Response& table, const RecordPlace& place) {
    ResultEntry& entry = EntryOf(table.key());
    entry.end = place;
    entry.score = {};
    entry.answered = true;
    entry.latency_ms = static_cast<float>(
        absl::ToDoubleMilliseconds(absl::Nanoseconds(table.latency_ns())));
    if (table.attempt() == kImportedAttempt && table.latency_ns() == 0) {
      entry.latency_ms = kNoLatency;
    }
    Saw(table.at_unix_ns());
  }

  void Apply(const schemas::Score& table, const RecordPlace& place) {
    Saw(table.at_unix_ns());
    if (!scoring_hash_.empty() && TextOf(table.scoring_hash()) != scoring_hash_)
      return;
    ResultEntry& entry = EntryOf(table.key());
    if (entry.answered) entry.score = place;
  }

  // What was scored before by the same rules is history, too: all is scored
  // again.
  void Apply(const ScoringRecord& record, const RecordPlace&) {
    Saw(record.at);
    if (!scoring_hash_.empty() && record.scoring_hash != scoring_hash_) return;
    entries_.ForEach([](ResultEntry& entry) { entry.score = {}; });
  }

  void Apply(const schemas::AttemptError& table, const RecordPlace& place) {
    Saw(table.at_unix_ns());
    ResultEntry& entry = EntryOf(table.key());
    if (TextOf(table.type()) == kNotSentError) {
      if (entry.attempts > 0) --entry.attempts;
      if (history_.attempts > 0) --history_.attempts;
    }
    if (table.cost_known()) {
      history_.retried_cost = history_.retried_cost.value_or(0) + table.cost();
    }
    if (table.final() && !entry.answered) entry.end = place;
  }

  void Apply(const InDoubtRecord& record, const RecordPlace&) {
    history_.in_doubt += record.starts.size();
    Saw(record.at);
  }

  static absl::string_view TextOf(const flatbuffers::String* text) {
    return absl::string_view(text->c_str(), text->size());
  }

  ResultEntry& EntryOf(const schemas::QueryKey* key) {
    return entries_.At(key->run(), key->index());
  }

  void Saw(int64_t unix_ns) { Saw(absl::FromUnixNanos(unix_ns)); }
  void Saw(absl::Time at) { history_.updated = std::max(history_.updated, at); }

  // A session that died counts up to the last that is known of it.
  void CloseSession() {
    if (session_open_ && history_.updated > session_start_) {
      history_.elapsed += history_.updated - session_start_;
    }
    session_open_ = false;
  }

  const absl::string_view scoring_hash_;
  ResultStore::History& history_;
  ResultEntries& entries_;
  absl::Time session_start_;
  bool session_open_ = false;
};

}  // namespace

absl::Status FindEntries(journal::Reader& reader,
                         absl::string_view scoring_hash, ResultEntries& entries,
                         ResultStore::History& history) {
  Indexer indexer(scoring_hash, history, entries);
  for (;;) {
    const journal::ReadResult next = reader.Next();
    if (next.outcome == journal::ReadOutcome::kEnd) break;
    if (next.outcome != journal::ReadOutcome::kRecord) return ReadFailure(next);
    if (absl::Status s = indexer.Add(next.record); !s.ok()) return s;
  }
  indexer.Finish();
  return absl::OkStatus();
}

}  // namespace runner
