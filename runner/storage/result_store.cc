#include "runner/storage/result_store.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/reader.h"
#include "runner/evaluators/evaluator.h"
#include "runner/storage/journal_read.h"
#include "runner/storage/record_codec.h"
#include "runner/storage/records.h"

namespace runner {
namespace {

// What counts of one query of one run.
struct Entry {
  RecordPlace end;       // The Response, else the final error.
  RecordPlace score;     // Of that Response.
  float latency_ms = 0;  // Of that Response.
  uint32_t attempts : 31 = 0;
  uint32_t answered : 1 = 0;
};
static_assert(sizeof(Entry) <= 40);

// To the microsecond, as which it is shown.
double LatencyMs(const Entry& entry) {
  constexpr double kPerMs = 1000;
  return std::round(double{entry.latency_ms} * kPerMs) / kPerMs;
}

// Entries by run and index, in blocks: a million of them lie as densely as in
// an array, and what a record claims costs no more than a block.
class EntryTable {
 public:
  Entry& At(uint32_t run, uint32_t index) {
    std::unique_ptr<Block>& block = blocks_[KeyOf(run, index)];
    if (block == nullptr) block = std::make_unique<Block>();
    return (*block)[index % kBlockEntries];
  }

  // Null where none was ever asked for near it.
  const Entry* Find(uint32_t run, uint32_t index) const {
    const auto block = blocks_.find(KeyOf(run, index));
    if (block == blocks_.end()) return nullptr;
    return &(*block->second)[index % kBlockEntries];
  }

  template <typename Visit>
  void ForEach(Visit visit) {
    for (auto& [key, block] : blocks_) {
      for (Entry& entry : *block) visit(entry);
    }
  }

 private:
  static constexpr uint32_t kBlockEntries = 64;
  using Block = std::array<Entry, kBlockEntries>;

  static uint64_t KeyOf(uint32_t run, uint32_t index) {
    return uint64_t{run} << 32 | index / kBlockEntries;
  }

  absl::flat_hash_map<uint64_t, std::unique_ptr<Block>> blocks_;
};

// The one pass over all records.
class Indexer {
 public:
  Indexer(absl::string_view scoring_hash, ResultStore::History& history,
          EntryTable& entries)
      : scoring_hash_(scoring_hash), history_(history), entries_(entries) {}

  absl::Status Add(const journal::Record& record) {
    switch (static_cast<RecordType>(record.type)) {
      case RecordType::kSession:
        return As<SessionRecord>(record);
      case RecordType::kAttemptStart:
        return As<AttemptStartRecord>(record);
      case RecordType::kResponse:
        return As<ResponseRecord>(record);
      case RecordType::kScore:
        return As<ScoreRecord>(record);
      case RecordType::kAttemptError:
        return As<AttemptErrorRecord>(record);
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
    size_t answered = 0;
    entries_.ForEach([&](Entry& entry) { answered += entry.answered; });
    history_.latencies_ms.reserve(answered);
    entries_.ForEach([&](Entry& entry) {
      if (entry.answered) history_.latencies_ms.push_back(LatencyMs(entry));
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

  void Apply(const AttemptStartRecord& record, const RecordPlace&) {
    ++EntryOf(record.key).attempts;
    ++history_.attempts;
    Saw(record.at);
  }

  void Apply(const ResponseRecord& record, const RecordPlace& place) {
    Entry& entry = EntryOf(record.key);
    entry.end = place;
    entry.score = {};
    entry.answered = true;
    entry.latency_ms =
        static_cast<float>(absl::ToDoubleMilliseconds(record.latency));
    Saw(record.at);
  }

  void Apply(const ScoreRecord& record, const RecordPlace& place) {
    Saw(record.at);
    if (!scoring_hash_.empty() && record.scoring_hash != scoring_hash_) return;
    Entry& entry = EntryOf(record.key);
    if (entry.answered) entry.score = place;
  }

  // What was scored before by the same rules is history, too: all is scored
  // again.
  void Apply(const ScoringRecord& record, const RecordPlace&) {
    Saw(record.at);
    if (!scoring_hash_.empty() && record.scoring_hash != scoring_hash_) return;
    entries_.ForEach([](Entry& entry) { entry.score = {}; });
  }

  void Apply(const AttemptErrorRecord& record, const RecordPlace& place) {
    Saw(record.at);
    Entry& entry = EntryOf(record.key);
    if (record.type == kNotSentError) {
      if (entry.attempts > 0) --entry.attempts;
      if (history_.attempts > 0) --history_.attempts;
    }
    if (record.cost.has_value()) {
      history_.retried_cost = history_.retried_cost.value_or(0) + *record.cost;
    }
    if (record.final && !entry.answered) entry.end = place;
  }

  void Apply(const InDoubtRecord& record, const RecordPlace&) {
    history_.in_doubt += record.starts.size();
    Saw(record.at);
  }

  Entry& EntryOf(const QueryKey& key) {
    return entries_.At(key.run, key.index);
  }

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
  EntryTable& entries_;
  absl::Time session_start_;
  bool session_open_ = false;
};

// Reads what counts in the journal's own order, which is nearly that in which
// results are wanted, and holds what comes before its turn. What does not fit
// is read again where it lies.
class Ahead {
 public:
  // `entries` is borrowed; so is `random`, for single records.
  Ahead(std::unique_ptr<journal::Reader> stream, journal::Reader& random,
        const EntryTable& entries)
      : stream_(std::move(stream)), random_(random), entries_(entries) {}

  // `entry` is answered and scored, or failed.
  absl::Status Take(uint32_t run, uint32_t index, const Entry& entry,
                    QueryResult* result) {
    const uint64_t key = uint64_t{run} << 32 | index;
    const journal::Lsn last = std::max(entry.end.lsn, entry.score.lsn);
    while (passed_ < last && !IsWhole(key, entry)) {
      if (absl::Status s = Step(); !s.ok()) return s;
    }
    Held held;
    if (auto found = held_.find(key); found != held_.end()) {
      held = std::move(found->second);
      held_bytes_ -= SizeOf(held);
      held_.erase(found);
    }
    absl::Status s = absl::OkStatus();
    if (!held.has_end) s = ReadEnd(entry, held);
    if (s.ok() && entry.answered && !held.has_score) s = ReadScore(entry, held);
    if (!s.ok()) return s;
    *result = std::move(held.result);
    result->attempts = entry.attempts;
    return absl::OkStatus();
  }

 private:
  // Of the results that wait for their turn.
  static constexpr size_t kHeldBytesMax = 8 << 20;

  struct Held {
    QueryResult result;
    bool has_end = false;
    bool has_score = false;
  };

  static size_t SizeOf(const Held& held) {
    const QueryResult& result = held.result;
    return sizeof(Held) + (result.output ? result.output->size() : 0) +
           result.reasoning.size() + result.metadata_json.size() +
           result.extracted.size() + result.error_message.size() +
           result.scores.size() * sizeof(result.scores[0]);
  }

  bool IsWhole(uint64_t key, const Entry& entry) const {
    const auto held = held_.find(key);
    return held != held_.end() && held->second.has_end &&
           (!entry.answered || held->second.has_score);
  }

  // One record further.
  absl::Status Step() {
    const journal::ReadResult next = stream_->Next();
    switch (next.outcome) {
      case journal::ReadOutcome::kEnd:
      case journal::ReadOutcome::kCompacted:
        // By a snapshot since the index was made.
        passed_ = std::numeric_limits<journal::Lsn>::max();
        return absl::OkStatus();
      case journal::ReadOutcome::kDamaged:
        return ReadFailure(next);
      case journal::ReadOutcome::kRecord:
        break;
    }
    passed_ = next.record.lsn;
    if (held_bytes_ > kHeldBytesMax) return absl::OkStatus();
    switch (static_cast<RecordType>(next.record.type)) {
      case RecordType::kResponse:
        Hold<ResponseRecord>(next.record);
        break;
      case RecordType::kScore:
        Hold<ScoreRecord>(next.record);
        break;
      case RecordType::kAttemptError:
        Hold<AttemptErrorRecord>(next.record);
        break;
      default:
        break;
    }
    return absl::OkStatus();
  }

  template <typename Record>
  void Hold(const journal::Record& raw) {
    absl::StatusOr<Record> record = DecodeRecord<Record>(raw);
    if (!record.ok()) return;  // Poison, which no entry names.
    const uint32_t run = record->key.run;
    const uint32_t index = record->key.index;
    const Entry* entry = entries_.Find(run, index);
    if (entry == nullptr ||
        (raw.lsn != entry->end.lsn && raw.lsn != entry->score.lsn)) {
      return;
    }
    Held& held = held_[uint64_t{run} << 32 | index];
    held_bytes_ -= held.has_end || held.has_score ? SizeOf(held) : 0;
    Fill(*std::move(record), held);
    held_bytes_ += SizeOf(held);
  }

  static void Fill(ResponseRecord response, Held& held) {
    held.has_end = true;
    QueryResult& result = held.result;
    result.key = std::move(response.key);
    result.output = std::move(response.output);
    result.reasoning = std::move(response.reasoning);
    result.metadata_json = std::move(response.metadata_json);
    result.usage = response.usage;
    result.cost = response.cost;
    result.latency = response.latency;
  }

  static void Fill(ScoreRecord score, Held& held) {
    held.has_score = true;
    held.result.scores = std::move(score.scores);
    held.result.unparsed = score.unparsed;
    held.result.extracted = std::move(score.extracted);
  }

  static void Fill(AttemptErrorRecord error, Held& held) {
    held.has_end = true;
    QueryResult& result = held.result;
    result.key = std::move(error.key);
    result.failed = true;
    result.usage = error.usage;
    result.cost = error.cost;
    result.error_type = std::move(error.type);
    result.error_message = std::move(error.message);
    result.latency = error.latency;
  }

  template <typename Record>
  absl::Status ReadAndFill(const RecordPlace& place, Held& held) {
    absl::StatusOr<Record> record = ReadRecordAt<Record>(random_, place);
    if (!record.ok()) return record.status();
    Fill(*std::move(record), held);
    return absl::OkStatus();
  }
  absl::Status ReadEnd(const Entry& entry, Held& held) {
    return entry.answered ? ReadAndFill<ResponseRecord>(entry.end, held)
                          : ReadAndFill<AttemptErrorRecord>(entry.end, held);
  }
  absl::Status ReadScore(const Entry& entry, Held& held) {
    return ReadAndFill<ScoreRecord>(entry.score, held);
  }

  const std::unique_ptr<journal::Reader> stream_;
  journal::Reader& random_;
  const EntryTable& entries_;
  journal::Lsn passed_ = 0;  // The stream's newest record.
  absl::flat_hash_map<uint64_t, Held> held_;
  size_t held_bytes_ = 0;
};

absl::StatusOr<std::unique_ptr<journal::Reader>> OpenReader(
    const std::string& directory, const JournalAccess& access) {
  journal::ReaderOptions options;
  options.cipher = access.cipher;
  options.file_system = access.file_system;
  return journal::Reader::Open(directory, options);
}

class IndexedResults final : public ResultStore {
 public:
  IndexedResults(absl::string_view directory, const JournalAccess& access,
                 std::unique_ptr<journal::Reader> reader)
      : directory_(directory), access_(access), reader_(std::move(reader)) {}

  absl::Status BuildIndex(absl::string_view scoring_hash) {
    Indexer indexer(scoring_hash, history_, entries_);
    for (;;) {
      const journal::ReadResult next = reader_->Next();
      if (next.outcome == journal::ReadOutcome::kEnd) break;
      if (next.outcome != journal::ReadOutcome::kRecord) {
        return ReadFailure(next);
      }
      if (absl::Status s = indexer.Add(next.record); !s.ok()) return s;
    }
    indexer.Finish();
    return absl::OkStatus();
  }

  absl::Status ForEach(
      uint32_t runs, const std::vector<uint32_t>& order,
      absl::FunctionRef<absl::Status(const QueryResult&)> visit) override {
    absl::StatusOr<std::unique_ptr<journal::Reader>> stream =
        OpenReader(directory_, access_);
    if (!stream.ok()) return stream.status();
    Ahead ahead(*std::move(stream), *reader_, entries_);
    for (uint64_t run = 1; run <= runs; ++run) {
      for (const uint32_t index : order) {
        const Entry* found = entries_.Find(static_cast<uint32_t>(run), index);
        if (found == nullptr) continue;
        const bool unscored = found->answered && found->score.lsn == 0;
        if (found->end.lsn == 0 || unscored) continue;
        QueryResult result;
        absl::Status s =
            ahead.Take(static_cast<uint32_t>(run), index, *found, &result);
        if (s.ok()) s = visit(result);
        if (!s.ok()) return s;
      }
    }
    return absl::OkStatus();
  }

  const History& history() const override { return history_; }

 private:
  const std::string directory_;
  const JournalAccess access_;
  const std::unique_ptr<journal::Reader> reader_;
  EntryTable entries_;
  History history_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ResultStore>> ResultStore::Load(
    absl::string_view directory, absl::string_view scoring_hash,
    const JournalAccess& access) {
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      OpenReader(std::string(directory), access);
  if (!reader.ok()) return reader.status();
  auto results =
      std::make_unique<IndexedResults>(directory, access, *std::move(reader));
  if (absl::Status s = results->BuildIndex(scoring_hash); !s.ok()) {
    return journal::WithContext(s, directory);
  }
  return std::unique_ptr<ResultStore>(std::move(results));
}

}  // namespace runner
