#include "runner/storage/result_store.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "journal/error.h"
#include "journal/reader.h"
#include "runner/storage/journal_read.h"
#include "runner/storage/record_texts.h"
#include "runner/storage/records.h"
#include "runner/storage/result_entries.h"

namespace runner {
namespace {

// Reads what counts in the journal's own order, which is nearly that in which
// results are wanted, and holds what comes before its turn. What does not fit
// is read again where it lies.
class Ahead {
 public:
  // `entries` is borrowed; so is `random`, for single records. Without a stream
  // every record is read where it lies.
  Ahead(std::unique_ptr<journal::Reader> stream, journal::Reader& random,
        const ResultEntries& entries)
      : stream_(std::move(stream)),
        random_(random),
        entries_(entries),
        passed_(stream_ == nullptr ? std::numeric_limits<journal::Lsn>::max()
                                   : 0) {}

  // `entry` is answered and scored, or failed.
  absl::Status Take(uint32_t run, uint32_t index, const ResultEntry& entry,
                    QueryResult* result) {
    Held held;
    if (auto found = held_.find(KeyOf(run, index)); found != held_.end()) {
      held = std::move(found->second);
      held_bytes_ -= MemoryOf(held.result);
      held_.erase(found);
    }
    const journal::Lsn last = std::max(entry.end.lsn, entry.score.lsn);
    absl::Status s = absl::OkStatus();
    while (s.ok() && passed_ < last) s = Step(entry, held);
    if (s.ok() && !held.has_end) s = ReadEnd(entry, held);
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

  static uint64_t KeyOf(uint32_t run, uint32_t index) {
    return uint64_t{run} << 32 | index;
  }

  // One record further; `wanted` is whose turn it is.
  absl::Status Step(const ResultEntry& wanted, Held& held) {
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
    switch (static_cast<RecordType>(next.record.type)) {
      case RecordType::kResponse:
        Hold<schemas::Response>(next.record, wanted, held);
        break;
      case RecordType::kScore:
        Hold<schemas::Score>(next.record, wanted, held);
        break;
      case RecordType::kAttemptError:
        Hold<schemas::AttemptError>(next.record, wanted, held);
        break;
      default:
        break;
    }
    return absl::OkStatus();
  }

  template <typename Table>
  void Hold(const journal::Record& raw, const ResultEntry& wanted, Held& held) {
    const bool is_wanted = IsOf(wanted, raw.lsn);
    if (!is_wanted && held_bytes_ > kHeldBytesMax) return;
    const AlignedBytes bytes(raw.body);
    const Table* table = WholeRecord<Table>(bytes);
    if (table == nullptr) return;  // Poison, which no entry names.
    if (is_wanted) return Fill(*table, held);
    const uint32_t run = table->key()->run();
    const uint32_t index = table->key()->index();
    const ResultEntry* entry = entries_.Find(run, index);
    if (entry == nullptr || !IsOf(*entry, raw.lsn)) return;
    Held& early = held_[KeyOf(run, index)];
    held_bytes_ -=
        early.has_end || early.has_score ? MemoryOf(early.result) : 0;
    Fill(*table, early);
    held_bytes_ += MemoryOf(early.result);
  }

  static bool IsOf(const ResultEntry& entry, journal::Lsn lsn) {
    return lsn == entry.end.lsn || lsn == entry.score.lsn;
  }

  static void Fill(const schemas::Response& table, Held& held) {
    held.has_end = true;
    QueryResult& result = held.result;
    FillKey(table.key(), result.key);
    if (table.output() != nullptr) result.output = table.output()->str();
    FillText(table.reasoning(), result.reasoning);
    FillText(table.metadata_json(), result.metadata_json);
    FillCost(table, result);
    result.latency = absl::Nanoseconds(table.latency_ns());
    result.imported = table.attempt() == kImportedAttempt;
  }

  static void Fill(const schemas::Score& table, Held& held) {
    held.has_score = true;
    if (table.scores() != nullptr) {
      held.result.scores.reserve(table.scores()->size());
      for (const schemas::NamedValue* score : *table.scores()) {
        FillText(score->name(),
                 held.result.scores.emplace_back("", score->value()).first);
      }
    }
    held.result.unparsed = table.unparsed();
    FillText(table.extracted(), held.result.extracted);
  }

  static void Fill(const schemas::AttemptError& table, Held& held) {
    held.has_end = true;
    QueryResult& result = held.result;
    FillKey(table.key(), result.key);
    result.failed = true;
    FillText(table.type(), result.error_type);
    FillText(table.message(), result.error_message);
    FillCost(table, result);
    result.latency = absl::Nanoseconds(table.latency_ns());
  }

  static void FillText(const flatbuffers::String* text, std::string& to) {
    if (text != nullptr) to.assign(text->c_str(), text->size());
  }

  static void FillKey(const schemas::QueryKey* key, QueryKey& to) {
    to.run = key->run();
    to.index = key->index();
    to.occurrence = key->occurrence();
    FillText(key->id(), to.id);
  }

  template <typename Table>
  static void FillCost(const Table& table, QueryResult& to) {
    if (table.cost_known()) to.cost = table.cost();
    const schemas::Usage* usage = table.usage();
    if (usage == nullptr) return;
    to.usage = {.prompt_tokens = usage->prompt_tokens(),
                .completion_tokens = usage->completion_tokens(),
                .cached_tokens = usage->cached_tokens(),
                .reasoning_tokens = usage->reasoning_tokens(),
                .metered = usage->metered()};
  }

  template <typename Table, typename Record>
  absl::Status ReadAndFill(const RecordPlace& place, Held& held) {
    const journal::ReadResult read = ReadPlace(random_, place);
    if (read.outcome != journal::ReadOutcome::kRecord) return ReadFailure(read);
    const AlignedBytes bytes(read.record.body);
    const Table* table = nullptr;
    if (read.record.type == static_cast<uint16_t>(Record::kType)) {
      table = WholeRecord<Table>(bytes);
    }
    if (table != nullptr) {
      Fill(*table, held);
      return absl::OkStatus();
    }
    // Knows what is wrong with it.
    const absl::Status wrong = DecodeRecord<Record>(read.record).status();
    return wrong.ok() ? absl::InternalError("a record that is no poison")
                      : wrong;
  }
  absl::Status ReadEnd(const ResultEntry& entry, Held& held) {
    return entry.answered
               ? ReadAndFill<schemas::Response, ResponseRecord>(entry.end, held)
               : ReadAndFill<schemas::AttemptError, AttemptErrorRecord>(
                     entry.end, held);
  }
  absl::Status ReadScore(const ResultEntry& entry, Held& held) {
    return ReadAndFill<schemas::Score, ScoreRecord>(entry.score, held);
  }

  const std::unique_ptr<journal::Reader> stream_;
  journal::Reader& random_;
  const ResultEntries& entries_;
  journal::Lsn passed_;  // The stream's newest record.
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
    return FindEntries(*reader_, scoring_hash, entries_, history_);
  }

  absl::Status ForEach(
      uint32_t runs, const std::vector<uint32_t>& order,
      absl::FunctionRef<absl::Status(QueryResult&&)> visit) override {
    absl::StatusOr<std::unique_ptr<journal::Reader>> stream =
        OpenReader(directory_, access_);
    if (!stream.ok()) return stream.status();
    Ahead ahead(*std::move(stream), *reader_, entries_);
    for (uint64_t run = 1; run <= runs; ++run) {
      for (const uint32_t index : order) {
        const ResultEntry* found = FindEnded(static_cast<uint32_t>(run), index);
        if (found == nullptr) continue;
        QueryResult result;
        absl::Status s =
            ahead.Take(static_cast<uint32_t>(run), index, *found, &result);
        if (s.ok()) s = visit(std::move(result));
        if (!s.ok()) return s;
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<absl::optional<QueryResult>> Read(uint32_t run,
                                                   uint32_t index) override {
    const ResultEntry* found = FindEnded(run, index);
    if (found == nullptr) return absl::optional<QueryResult>();
    QueryResult result;
    absl::Status s =
        Ahead(nullptr, *reader_, entries_).Take(run, index, *found, &result);
    if (!s.ok()) return s;
    return absl::optional<QueryResult>(std::move(result));
  }

  const History& history() const override { return history_; }

 private:
  // Null for a query with neither a scored answer nor a final error.
  const ResultEntry* FindEnded(uint32_t run, uint32_t index) const {
    const ResultEntry* found = entries_.Find(run, index);
    if (found == nullptr || found->end.lsn == 0) return nullptr;
    return found->answered && found->score.lsn == 0 ? nullptr : found;
  }

  const std::string directory_;
  const JournalAccess access_;
  const std::unique_ptr<journal::Reader> reader_;
  ResultEntries entries_;
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
