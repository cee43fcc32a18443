#include "runner/storage/progress_state.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "runner/evaluators/evaluator.h"
#include "runner/storage/progress_data.h"
#include "runner/storage/record_buffer.h"
#include "runner/storage/record_codec.h"
#include "runner/storage/usage_totals.h"
#include "schemas/records_generated.h"

namespace runner {
namespace {

// The version of what Save() writes. Raise it when the meaning of the state or
// of folding changes: journals are then folded anew. No other version is read:
// one that did not count something gives wrong means ever after.
constexpr uint32_t kFolderVersion = 6;

// Applies one verified record to the data. Each Apply returns false, having
// changed nothing, when the record is poison all the same.
class Folding {
 public:
  Folding(ProgressData& data, const journal::Record& record)
      : data_(data), record_(record) {}

  bool Fold() {
    switch (static_cast<RecordType>(record_.type)) {
      case RecordType::kBenchmark:
        return As<schemas::Benchmark>();
      case RecordType::kDatasetRows:
        return As<schemas::DatasetRows>();
      case RecordType::kSession:
        return As<schemas::Session>();
      case RecordType::kAttemptStart:
        return As<schemas::AttemptStart>();
      case RecordType::kResponse:
        return As<schemas::Response>();
      case RecordType::kScore:
        return As<schemas::Score>();
      case RecordType::kAttemptError:
        return As<schemas::AttemptError>();
      case RecordType::kRunEnd:
        return As<schemas::RunEnd>();
      case RecordType::kSessionEnd:
        return As<schemas::SessionEnd>();
      case RecordType::kSelection:
        return As<schemas::Selection>();
      case RecordType::kComplete:
        return As<schemas::Complete>();
      case RecordType::kInDoubt:
        return As<schemas::InDoubt>();
      case RecordType::kScoring:
        return As<schemas::Scoring>();
      case RecordType::kOverride:
        return As<schemas::Override>();
      case RecordType::kBatch:
        return As<schemas::Batch>();
      case RecordType::kWorkerState:
        return As<schemas::WorkerState>();
      case RecordType::kLimit:
        return As<schemas::Limit>();
      case RecordType::kCheckpoint:
        return true;  // Nothing about progress.
    }
    return true;
  }

 private:
  template <typename Table>
  bool As() {
    const AlignedBytes bytes(record_.body);
    const Table* table =
        VerifiedRoot<Table>(bytes, RecordTablesMax(bytes.size()));
    return table != nullptr && Apply(*table);
  }

  bool Apply(const schemas::Benchmark& table) {
    if (data_.benchmark_lsn != 0) return false;
    data_.benchmark_lsn = record_.lsn;
    data_.announced_queries = table.queries();
    data_.selected_runs = table.runs();
    data_.selected_queries = table.queries();
    if (table.scoring_hash() != nullptr) {
      data_.scoring_hash = table.scoring_hash()->str();
    }
    return true;
  }

  bool Apply(const schemas::DatasetRows& table) {
    const uint64_t count = table.rows() == nullptr ? 0 : table.rows()->size();
    if (data_.benchmark_lsn == 0 || table.first_index() != data_.rows ||
        count > kQueryRunsMax - data_.rows) {
      return false;
    }
    if (count == 0) return true;
    data_.dataset_lsns.push_back(record_.lsn);
    data_.rows += count;
    data_.complete = false;
    return true;
  }

  bool Apply(const schemas::Session& table) {
    const int64_t started = std::max<int64_t>(table.started_unix_ns(), 0);
    // One that died counts up to the last that is known of it, which is not
    // after this one began.
    data_.session_seen_unix_ns = std::min(data_.session_seen_unix_ns, started);
    AddElapsed(data_.OpenElapsed());
    ++data_.totals.sessions;
    data_.session_workers = table.workers();
    data_.session_open = true;
    data_.session_started_unix_ns = started;
    data_.session_seen_unix_ns = started;
    data_.newest_session_lsn = record_.lsn;
    return true;
  }

  bool Apply(const schemas::Override& table) {
    const absl::string_view key(table.key()->c_str(), table.key()->size());
    if (key == kIdentityOverride) {
      data_.newest_identity_lsn = record_.lsn;
    } else if (key == kDatasetOverride) {
      data_.newest_dataset_lsn = record_.lsn;
    } else {
      return true;
    }
    // Before anything was asked there is nothing to mix with.
    if (data_.totals.attempts > 0) data_.mixed_config = true;
    return true;
  }

  // One on failures stands though what was in flight brings them below it.
  // Others are never fallen below, and must not take its place: a session that
  // only scores may be ended by one.
  bool Apply(const schemas::Limit& table) {
    const absl::string_view name(table.name()->c_str(), table.name()->size());
    if (absl::StartsWith(name, kFailureLimitPrefix)) {
      data_.limit_lsn = record_.lsn;
    }
    return true;
  }

  bool Apply(const schemas::SessionEnd& table) {
    data_.session_open = false;
    AddElapsed(absl::Nanoseconds(std::max<int64_t>(table.elapsed_ns(), 0)));
    return true;
  }

  bool Apply(const schemas::AttemptStart& table) {
    OpenState* open = FindOrAdd(*table.key());
    if (open == nullptr) return false;
    data_.Saw(table.at_unix_ns());
    if (open->attempts < std::numeric_limits<uint32_t>::max()) {
      ++open->attempts;
    }
    open->in_flight = true;
    // The LSN of a response that waits for its score is still needed.
    if (!open->unscored) open->lsn = record_.lsn;
    ++data_.totals.attempts;
    data_.complete = false;
    // What was in flight when it was reached is of its own session.
    if (data_.limit_lsn < data_.newest_session_lsn) data_.limit_lsn = 0;
    const auto run = data_.runs.find(table.key()->run());
    if (run != data_.runs.end()) run->second.ended = false;
    return true;
  }

  bool Apply(const schemas::Response& table) {
    const ProgressKey key = KeyOf(*table.key());
    if (!Exists(key)) return false;
    if (BytesToAdd(key) > kBitmapBytesMax - data_.bitmap_bytes) return false;
    OpenState* open = FindOrAdd(*table.key());
    if (open == nullptr) return false;
    SetAnswered(key);
    if (open->failed) --data_.totals.failed;
    open->failed = false;
    open->retryable = false;
    open->in_flight = false;
    open->unscored = true;
    open->lsn = record_.lsn;
    AddUsage(table);
    data_.totals.unpriced =
        SaturatingAdd(data_.totals.unpriced, HasCost(table) ? 0 : 1);
    data_.Saw(table.at_unix_ns());
    data_.complete = false;
    return true;
  }

  bool Apply(const schemas::Score& table) {
    const ProgressKey key = KeyOf(*table.key());
    if (!Exists(key) || !IsAnswered(key)) return false;
    // A score by other rules is history, or the future of a changed scoring.
    if (table.scoring_hash()->string_view() != data_.scoring_hash) return true;
    RunState& run = data_.runs[key.run];
    if (run.scored.Get(key.index)) return true;
    run.scored.Set(key.index);
    ++data_.totals.completed;
    const auto open = data_.open.find(key);
    if (open == data_.open.end()) return true;
    open->second.unscored = false;
    EraseIfClosed(open);
    return true;
  }

  bool Apply(const schemas::Scoring& table) {
    if (data_.benchmark_lsn == 0) return false;
    data_.newest_scoring_lsn = record_.lsn;
    const absl::string_view hash(table.scoring_hash()->c_str(),
                                 table.scoring_hash()->size());
    if (hash == data_.scoring_hash) return true;
    data_.scoring_hash = std::string(hash);
    data_.totals.completed = 0;
    for (auto& [number, run] : data_.runs) {
      run.scored = Bitmap(std::vector<uint8_t>(run.answered.bytes().size()));
      run.ended = false;
      data_.complete = false;
    }
    return true;
  }

  bool Apply(const schemas::AttemptError& table) {
    const ProgressKey key = KeyOf(*table.key());
    OpenState* open = FindOrAdd(*table.key());
    if (open == nullptr) return false;
    data_.Saw(table.at_unix_ns());
    open->in_flight = false;
    if (!open->unscored) open->lsn = record_.lsn;
    if (table.final() && !IsAnswered(key)) {
      if (!open->failed) ++data_.totals.failed;
      open->failed = true;
      open->retryable = table.retryable();
    }
    if (table.type()->string_view() == kNotSentError) {
      // It was journaled ahead and never left.
      if (open->attempts > 0) --open->attempts;
      if (data_.totals.attempts > 0) --data_.totals.attempts;
    } else {
      AddUsage(table);
    }
    EraseIfClosed(data_.open.find(key));
    data_.complete = false;
    return true;
  }

  bool Apply(const schemas::RunEnd& table) {
    if (table.run() == 0) return false;
    data_.runs[table.run()].ended = true;
    return true;
  }

  bool Apply(const schemas::Selection& table) {
    data_.newest_selection_lsn = record_.lsn;
    data_.selected_runs = table.runs();
    data_.selected_queries = table.queries();
    const uint64_t done = data_.totals.completed + data_.totals.failed;
    // More than fits into the product is more than is done.
    const bool more =
        table.queries() != 0 && table.runs() > done / table.queries();
    if (more) data_.complete = false;
    return true;
  }

  bool Apply(const schemas::Complete& table) {
    data_.complete = true;
    data_.limit_lsn = 0;
    data_.complete_exit_code = table.exit_code();
    data_.complete_unix_ns = table.at_unix_ns();
    return true;
  }

  bool Apply(const schemas::InDoubt& table) {
    if (table.starts() == nullptr) return true;
    bool all_exist = true;
    for (const schemas::AttemptStart* start : *table.starts()) {
      const ProgressKey key = KeyOf(*start->key());
      if (!Exists(key)) {
        all_exist = false;
        continue;
      }
      const auto open = data_.open.find(key);
      if (open == data_.open.end() || !open->second.in_flight) continue;
      ++data_.totals.in_doubt;
      open->second.in_flight = false;
      EraseIfClosed(open);
    }
    return all_exist;
  }

  bool Apply(const schemas::WorkerState& table) {
    if (table.slot() >= kWorkerStatesMax) return false;
    data_.worker_states[table.slot()] = record_.lsn;
    return true;
  }

  bool Apply(const schemas::Batch& table) {
    if (table.number() == 0) return false;
    switch (static_cast<BatchStatus>(table.status())) {
      case BatchStatus::kPending:
        break;
      case BatchStatus::kRunning:
        // One more than can be open is not known as such; a label is no more.
        if (data_.open_batches.size() < kOpenBatchesMax) {
          data_.open_batches.insert(table.number());
        }
        break;
      case BatchStatus::kCompleted:
        data_.open_batches.erase(table.number());
        data_.batches_completed =
            std::max(data_.batches_completed, table.number());
        break;
      case BatchStatus::kRegrouped:
        data_.open_batches.erase(table.number());
        break;
    }
    return true;
  }

  static ProgressKey KeyOf(const schemas::QueryKey& key) {
    return {key.run(), key.index()};
  }

  bool Exists(const ProgressKey& key) const {
    return key.run > 0 && key.index < data_.rows;
  }

  bool IsAnswered(const ProgressKey& key) const {
    const auto run = data_.runs.find(key.run);
    return run != data_.runs.end() && run->second.answered.Get(key.index);
  }

  OpenState* FindOrAdd(const schemas::QueryKey& table) {
    const ProgressKey key = KeyOf(table);
    if (!Exists(key)) return nullptr;
    const auto open = data_.open.find(key);
    if (open != data_.open.end()) return &open->second;
    if (data_.open.size() >= kOpenQueriesMax) return nullptr;
    return &data_.open[key];
  }

  // Nothing is left to say about a query that is answered, scored and idle.
  // One without an answer stays, for the number of its attempts.
  void EraseIfClosed(absl::btree_map<ProgressKey, OpenState>::iterator open) {
    const OpenState& state = open->second;
    if (state.failed || state.unscored || state.in_flight) return;
    if (IsAnswered(open->first)) data_.open.erase(open);
  }

  // How much both bitmaps of the key's run must grow.
  uint64_t BytesToAdd(const ProgressKey& key) const {
    const auto run = data_.runs.find(key.run);
    const Bitmap none;
    const Bitmap& bitmap =
        run == data_.runs.end() ? none : run->second.answered;
    return 2 * bitmap.BytesToAdd(key.index);
  }

  void SetAnswered(const ProgressKey& key) {
    data_.bitmap_bytes += BytesToAdd(key);
    RunState& run = data_.runs[key.run];
    run.answered.GrowTo(key.index);
    run.scored.GrowTo(key.index);
    if (!run.answered.Get(key.index)) ++data_.totals.answered;
    run.answered.Set(key.index);
    if (run.scored.Get(key.index)) {
      run.scored.Clear(key.index);
      --data_.totals.completed;
    }
  }

  // The sum saturates, in 64-bit nanoseconds as it is saved.
  void AddElapsed(absl::Duration more) {
    data_.totals.elapsed = absl::Nanoseconds(
        absl::ToInt64Nanoseconds(data_.totals.elapsed + more));
  }

  // A cost that none can be is not known.
  template <typename EndTable>
  static bool HasCost(const EndTable& table) {
    return table.cost_known() && std::isfinite(table.cost()) &&
           table.cost() >= 0;
  }

  template <typename EndTable>
  void AddUsage(const EndTable& table) {
    ProgressTotals& totals = data_.totals;
    const schemas::Usage* usage = table.usage();
    if (usage != nullptr && usage->metered()) {
      totals.prompt_tokens =
          SaturatingAdd(totals.prompt_tokens, usage->prompt_tokens());
      totals.completion_tokens =
          SaturatingAdd(totals.completion_tokens, usage->completion_tokens());
      totals.metered = SaturatingAdd(totals.metered, 1);
    } else {
      ++totals.unmetered;
    }
    const double cost = totals.cost + table.cost();
    if (HasCost(table) && std::isfinite(cost)) totals.cost = cost;
  }

  ProgressData& data_;
  const journal::Record& record_;
};

}  // namespace

std::vector<OpenQuery> InOrderOfLsn(absl::Span<const OpenQuery> queries) {
  std::vector<OpenQuery> sorted(queries.begin(), queries.end());
  std::sort(
      sorted.begin(), sorted.end(),
      [](const OpenQuery& a, const OpenQuery& b) { return a.lsn < b.lsn; });
  return sorted;
}

ProgressState::ProgressState() : data_(std::make_unique<ProgressData>()) {}

ProgressState::~ProgressState() = default;

uint32_t ProgressState::version() const { return kFolderVersion; }

bool ProgressState::CanRestore(uint32_t version) const {
  return version == kFolderVersion;
}

void ProgressState::Reset() {
  absl::MutexLock lock(&mutex_);
  *data_ = ProgressData();
}

absl::Status ProgressState::Restore(absl::string_view state) {
  absl::StatusOr<ProgressData> data = DecodeProgress(state);
  if (!data.ok()) return data.status();
  absl::MutexLock lock(&mutex_);
  *data_ = *std::move(data);
  return absl::OkStatus();
}

void ProgressState::Fold(const journal::Record& record) {
  absl::MutexLock lock(&mutex_);
  OddRecords& odd = data_->odd;
  if (!IsKnownRecordType(record.type)) {
    if (record.ignorable || odd.unknown_lsn != 0) return;
    odd.unknown_type = record.type;
    odd.unknown_lsn = record.lsn;
    return;
  }
  if (Folding(*data_, record).Fold()) return;
  if (odd.poison == 0) odd.first_poison_lsn = record.lsn;
  ++odd.poison;
}

std::string ProgressState::Save() {
  absl::MutexLock lock(&mutex_);
  return EncodeProgress(*data_);
}

bool ProgressState::IsDone(uint32_t run, uint32_t index) const {
  absl::MutexLock lock(&mutex_);
  const auto found = data_->runs.find(run);
  return found != data_->runs.end() && found->second.answered.Get(index);
}

bool ProgressState::NeedsScore(uint32_t run, uint32_t index) const {
  absl::MutexLock lock(&mutex_);
  const auto found = data_->runs.find(run);
  return found != data_->runs.end() && found->second.answered.Get(index) &&
         !found->second.scored.Get(index);
}

std::vector<OpenQuery> ProgressState::open_queries() const {
  absl::MutexLock lock(&mutex_);
  std::vector<OpenQuery> queries;
  queries.reserve(data_->open.size());
  for (const auto& [key, open] : data_->open) {
    queries.push_back({.run = key.run,
                       .index = key.index,
                       .attempts = open.attempts,
                       .failed = open.failed,
                       .retryable = open.retryable,
                       .unscored = open.unscored,
                       .in_flight = open.in_flight,
                       .lsn = open.lsn});
  }
  return queries;
}

uint64_t ProgressState::open_count() const {
  absl::MutexLock lock(&mutex_);
  return data_->open.size();
}

ProgressTotals ProgressState::totals() const {
  absl::MutexLock lock(&mutex_);
  ProgressTotals totals = data_->totals;
  totals.elapsed += data_->OpenElapsed();
  return totals;
}

std::vector<RunCounts> ProgressState::run_counts() const {
  absl::MutexLock lock(&mutex_);
  std::vector<RunCounts> counts;
  counts.reserve(data_->runs.size());
  for (const auto& [run, state] : data_->runs) {
    counts.push_back({.run = run,
                      .answered = state.answered.Count(),
                      .scored = state.scored.Count()});
  }
  return counts;
}

bool ProgressState::complete() const {
  absl::MutexLock lock(&mutex_);
  return data_->complete;
}

int ProgressState::complete_exit_code() const {
  absl::MutexLock lock(&mutex_);
  return data_->complete_exit_code;
}

absl::Time ProgressState::complete_time() const {
  absl::MutexLock lock(&mutex_);
  return absl::FromUnixNanos(data_->complete_unix_ns);
}

uint64_t ProgressState::rows() const {
  absl::MutexLock lock(&mutex_);
  return data_->rows;
}

std::vector<journal::Lsn> ProgressState::dataset_lsns() const {
  absl::MutexLock lock(&mutex_);
  return data_->dataset_lsns;
}

journal::Lsn ProgressState::benchmark_lsn() const {
  absl::MutexLock lock(&mutex_);
  return data_->benchmark_lsn;
}

uint64_t ProgressState::announced_queries() const {
  absl::MutexLock lock(&mutex_);
  return data_->announced_queries;
}

uint32_t ProgressState::selected_runs() const {
  absl::MutexLock lock(&mutex_);
  return data_->selected_runs;
}

journal::Lsn ProgressState::newest_selection_lsn() const {
  absl::MutexLock lock(&mutex_);
  return data_->newest_selection_lsn;
}

uint64_t ProgressState::selected_queries() const {
  absl::MutexLock lock(&mutex_);
  return data_->selected_queries;
}

bool ProgressState::session_open() const {
  absl::MutexLock lock(&mutex_);
  return data_->session_open;
}

journal::Lsn ProgressState::newest_scoring_lsn() const {
  absl::MutexLock lock(&mutex_);
  return data_->newest_scoring_lsn;
}

uint32_t ProgressState::session_workers() const {
  absl::MutexLock lock(&mutex_);
  return data_->session_workers;
}

std::map<uint32_t, journal::Lsn> ProgressState::worker_state_lsns() const {
  absl::MutexLock lock(&mutex_);
  return {data_->worker_states.begin(), data_->worker_states.end()};
}

BatchProgress ProgressState::batches() const {
  absl::MutexLock lock(&mutex_);
  return {data_->batches_completed,
          {data_->open_batches.begin(), data_->open_batches.end()}};
}

journal::Lsn ProgressState::limit_lsn() const {
  absl::MutexLock lock(&mutex_);
  return data_->limit_lsn;
}

journal::Lsn ProgressState::newest_session_lsn() const {
  absl::MutexLock lock(&mutex_);
  return data_->newest_session_lsn;
}

journal::Lsn ProgressState::newest_identity_lsn() const {
  absl::MutexLock lock(&mutex_);
  return data_->newest_identity_lsn;
}

journal::Lsn ProgressState::newest_dataset_lsn() const {
  absl::MutexLock lock(&mutex_);
  return data_->newest_dataset_lsn;
}

bool ProgressState::mixed_config() const {
  absl::MutexLock lock(&mutex_);
  return data_->mixed_config;
}

OddRecords ProgressState::odd_records() const {
  absl::MutexLock lock(&mutex_);
  return data_->odd;
}

}  // namespace runner
