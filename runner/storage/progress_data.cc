#include "runner/storage/progress_data.h"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "journal/error.h"
#include "runner/storage/record_buffer.h"
#include "schemas/state_generated.h"

namespace runner {
namespace {

// No session is silent for longer. A larger step in its records' times is a
// clock that was set, or nonsense, and no time that was spent.
constexpr int64_t kSilenceMaxNs = int64_t{24} * 3600 * 1'000'000'000;

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

Offset<schemas::RunProgress> EncodeRun(FlatBufferBuilder& builder, uint32_t run,
                                       const RunState& state) {
  const auto answered = builder.CreateVector(state.answered.bytes());
  const auto scored = builder.CreateVector(state.scored.bytes());
  return schemas::CreateRunProgress(builder, run, answered, scored,
                                    state.ended);
}

Offset<schemas::OpenQuery> EncodeOpen(FlatBufferBuilder& builder,
                                      const ProgressKey& key,
                                      const OpenState& open) {
  return schemas::CreateOpenQuery(builder, key.run, key.index, open.attempts,
                                  open.lsn, open.failed, open.retryable,
                                  open.unscored, open.in_flight);
}

void AddTotals(schemas::ProgressStateBuilder& builder,
               const ProgressTotals& totals) {
  builder.add_sessions(totals.sessions);
  builder.add_elapsed_ns(absl::ToInt64Nanoseconds(totals.elapsed));
  builder.add_completed(totals.completed);
  builder.add_failed(totals.failed);
  builder.add_attempts(totals.attempts);
  builder.add_prompt_tokens(totals.prompt_tokens);
  builder.add_completion_tokens(totals.completion_tokens);
  builder.add_cost(totals.cost);
  builder.add_unmetered(totals.unmetered);
  builder.add_in_doubt(totals.in_doubt);
  builder.add_metered(totals.metered);
  builder.add_unpriced(totals.unpriced);
}

// The keys and the values of a map, in order.
template <typename Map>
auto KeysOf(const Map& map) {
  std::vector<typename Map::key_type> keys;
  keys.reserve(map.size());
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}
template <typename Map>
auto ValuesOf(const Map& map) {
  std::vector<typename Map::mapped_type> values;
  values.reserve(map.size());
  for (const auto& [key, value] : map) values.push_back(value);
  return values;
}

// Copied as bytes: the verifier does not check that they are aligned.
template <typename Number>
std::vector<Number> NumbersOf(const flatbuffers::Vector<Number>* vector) {
  std::vector<Number> numbers;
  if (vector == nullptr || vector->size() == 0) return numbers;
  numbers.resize(vector->size());
  std::memcpy(numbers.data(), vector->Data(), numbers.size() * sizeof(Number));
  return numbers;
}

template <typename Number>
bool Ascend(const std::vector<Number>& numbers) {
  return std::adjacent_find(numbers.begin(), numbers.end(),
                            std::greater_equal<Number>()) == numbers.end();
}

void AddOdd(schemas::ProgressStateBuilder& builder, const OddRecords& odd) {
  builder.add_poison(odd.poison);
  builder.add_first_poison_lsn(odd.first_poison_lsn);
  builder.add_unknown_type(odd.unknown_type);
  builder.add_unknown_lsn(odd.unknown_lsn);
}

// Rebuilds the data and checks what folding could not have produced, so that
// everything that works on it may rely on it.
class ProgressDecoder {
 public:
  explicit ProgressDecoder(const schemas::ProgressState& table, size_t bytes)
      : table_(table), bytes_left_(bytes), text_(bytes) {}

  absl::StatusOr<ProgressData> Decode() {
    ReadScalars();
    if (!ReadRows()) return Bad("its rows");
    if (!ReadTotals()) return Bad("its totals");
    if (!ReadWorkers()) return Bad("its workers");
    if (!ReadBatches()) return Bad("its batches");
    if (!ReadRuns()) return Bad("its runs");
    if (!ReadOpen()) return Bad("its open queries");
    if (!CountsAgree()) return Bad("its counts");
    return std::move(data_);
  }

 private:
  absl::Status Bad(absl::string_view what) {
    return journal::MakeError(
        journal::ErrorKind::kDamage,
        absl::StrCat("the saved progress contradicts itself in ", what));
  }

  void ReadScalars() {
    data_.benchmark_lsn = table_.benchmark_lsn();
    data_.announced_queries = table_.announced_queries();
    data_.newest_selection_lsn = table_.newest_selection_lsn();
    data_.scoring_hash = text_.Take(table_.scoring_hash());
    data_.newest_scoring_lsn = table_.newest_scoring_lsn();
    data_.limit_lsn = table_.limit_lsn();
    data_.newest_session_lsn = table_.newest_session_lsn();
    data_.newest_identity_lsn = table_.newest_identity_lsn();
    data_.newest_dataset_lsn = table_.newest_dataset_lsn();
    data_.mixed_config = table_.mixed_config();
    data_.complete = table_.complete();
    data_.complete_exit_code = table_.complete_exit_code();
    data_.complete_unix_ns = table_.complete_unix_ns();
    data_.session_open = table_.session_open();
    data_.session_started_unix_ns = table_.session_started_unix_ns();
    data_.session_seen_unix_ns = table_.session_seen_unix_ns();
    data_.selected_runs = table_.selected_runs();
    data_.selected_queries = table_.selected_queries();
    data_.odd = {.poison = table_.poison(),
                 .first_poison_lsn = table_.first_poison_lsn(),
                 .unknown_type = table_.unknown_type(),
                 .unknown_lsn = table_.unknown_lsn()};
  }

  bool ReadRows() {
    data_.rows = table_.queries();
    data_.dataset_lsns = NumbersOf(table_.dataset_lsns());
    return data_.rows <= kQueryRunsMax;
  }

  bool ReadTotals() {
    data_.totals = {.completed = table_.completed(),
                    .failed = table_.failed(),
                    .attempts = table_.attempts(),
                    .prompt_tokens = table_.prompt_tokens(),
                    .completion_tokens = table_.completion_tokens(),
                    .cost = table_.cost(),
                    .unmetered = table_.unmetered(),
                    .metered = table_.metered(),
                    .unpriced = table_.unpriced(),
                    .sessions = table_.sessions(),
                    .elapsed = absl::Nanoseconds(table_.elapsed_ns()),
                    .in_doubt = table_.in_doubt()};
    return std::isfinite(table_.cost()) && table_.cost() >= 0 &&
           table_.elapsed_ns() >= 0 && table_.session_started_unix_ns() >= 0 &&
           table_.session_seen_unix_ns() >= 0;
  }

  bool ReadWorkers() {
    data_.session_workers = table_.session_workers();
    const auto slots = NumbersOf(table_.worker_slots());
    const auto lsns = NumbersOf(table_.worker_state_lsns());
    if (slots.size() != lsns.size() || !Ascend(slots)) return false;
    if (!slots.empty() && slots.back() >= kWorkerStatesMax) return false;
    for (size_t i = 0; i < slots.size(); ++i) {
      data_.worker_states.emplace_hint(data_.worker_states.end(), slots[i],
                                       lsns[i]);
    }
    return true;
  }

  bool ReadBatches() {
    data_.batches_completed = table_.batches_completed();
    const auto open = NumbersOf(table_.open_batches());
    if (open.size() > kOpenBatchesMax || !Ascend(open)) return false;
    data_.open_batches.insert(open.begin(), open.end());
    return true;
  }

  // A bitmap of nothing but existing rows. Vectors may share their bytes: all
  // of them together are no longer than the buffer.
  bool ReadBitmap(const flatbuffers::Vector<uint8_t>* bytes, Bitmap* bitmap) {
    if (bytes == nullptr || bytes->size() == 0) return true;
    const uint64_t size = bytes->size();
    if (size > bytes_left_ || size > (data_.rows + 7) / 8) return false;
    bytes_left_ -= size;
    data_.bitmap_bytes += size;
    const uint64_t bits_beyond =
        size * 8 > data_.rows ? size * 8 - data_.rows : 0;
    if (bits_beyond > 0 && bytes->Get(size - 1) >> (8 - bits_beyond) != 0) {
      return false;
    }
    *bitmap = Bitmap(std::vector<uint8_t>(bytes->begin(), bytes->end()));
    return data_.bitmap_bytes <= kBitmapBytesMax;
  }

  static bool IsSubset(const Bitmap& part, const Bitmap& whole) {
    if (part.bytes().size() != whole.bytes().size()) return false;
    for (size_t i = 0; i < part.bytes().size(); ++i) {
      if ((part.bytes()[i] & ~whole.bytes()[i]) != 0) return false;
    }
    return true;
  }

  bool ReadRuns() {
    if (table_.runs() == nullptr) return true;
    uint32_t previous = 0;
    for (const schemas::RunProgress* run : *table_.runs()) {
      if (run->run() <= previous) return false;
      previous = run->run();
      RunState state;
      state.ended = run->ended();
      if (!ReadBitmap(run->answered(), &state.answered) ||
          !ReadBitmap(run->scored(), &state.scored) ||
          !IsSubset(state.scored, state.answered)) {
        return false;
      }
      data_.totals.answered += state.answered.Count();
      data_.runs.emplace_hint(data_.runs.end(), previous, std::move(state));
    }
    return true;
  }

  bool ReadOpen() {
    if (table_.open() == nullptr) return true;
    if (table_.open()->size() > kOpenQueriesMax) return false;
    for (const schemas::OpenQuery* query : *table_.open()) {
      const ProgressKey key = {query->run(), query->index()};
      const bool sorted =
          data_.open.empty() || data_.open.rbegin()->first < key;
      if (!sorted || key.run == 0 || key.index >= data_.rows) return false;
      const OpenState open = {.lsn = query->lsn(),
                              .attempts = query->attempts(),
                              .failed = query->failed(),
                              .retryable = query->retryable(),
                              .unscored = query->unscored(),
                              .in_flight = query->in_flight()};
      if (!Fits(key, open)) return false;
      data_.open.emplace_hint(data_.open.end(), key, open);
    }
    return true;
  }

  // The entry agrees with the query's bits.
  bool Fits(const ProgressKey& key, const OpenState& open) {
    const auto run = data_.runs.find(key.run);
    const bool answered =
        run != data_.runs.end() && run->second.answered.Get(key.index);
    const bool scored = answered && run->second.scored.Get(key.index);
    // An answer from before the newest Scoring has no entry, or one that says
    // nothing of its score.
    const bool waits = answered && !scored;
    return (waits || !open.unscored) && !(open.failed && answered) &&
           (open.unscored || !waits || data_.newest_scoring_lsn != 0);
  }

  bool CountsAgree() {
    uint64_t answered = 0;
    uint64_t scored = 0;
    for (const auto& [number, run] : data_.runs) {
      answered += run.answered.Count();
      scored += run.scored.Count();
    }
    uint64_t unscored = 0;
    uint64_t failed = 0;
    for (const auto& [key, open] : data_.open) {
      unscored += open.unscored;
      failed += open.failed;
    }
    return data_.totals.completed == scored && data_.totals.failed == failed &&
           (data_.newest_scoring_lsn != 0 ? unscored <= answered - scored
                                          : unscored == answered - scored);
  }

  const schemas::ProgressState& table_;
  uint64_t bytes_left_;
  TextBudget text_;
  ProgressData data_;
};

}  // namespace

uint64_t Bitmap::Count() const {
  uint64_t count = 0;
  for (const uint8_t byte : bytes_) count += std::bitset<8>(byte).count();
  return count;
}

absl::Duration ProgressData::OpenElapsed() const {
  // A record may say that it began at no time.
  if (!session_open || session_started_unix_ns == 0 ||
      session_seen_unix_ns <= session_started_unix_ns) {
    return absl::ZeroDuration();
  }
  return absl::FromUnixNanos(session_seen_unix_ns) -
         absl::FromUnixNanos(session_started_unix_ns);
}

void ProgressData::Saw(int64_t at_unix_ns) {
  int64_t& started = session_started_unix_ns;
  int64_t& seen = session_seen_unix_ns;
  if (!session_open || started == 0 || at_unix_ns <= 0) return;
  if (std::abs(at_unix_ns - seen) <= kSilenceMaxNs) {
    seen = std::max(seen, at_unix_ns);
    return;
  }
  // From here on by the other time; what was spent so far is kept.
  const int64_t spent = std::max<int64_t>(seen - started, 0);
  if (at_unix_ns <= spent) return;
  started = at_unix_ns - spent;
  seen = at_unix_ns;
}

std::string EncodeProgress(const ProgressData& data) {
  FlatBufferBuilder builder;
  std::vector<Offset<schemas::RunProgress>> runs;
  for (const auto& [number, run] : data.runs) {
    runs.push_back(EncodeRun(builder, number, run));
  }
  std::vector<Offset<schemas::OpenQuery>> open;
  open.reserve(data.open.size());
  for (const auto& [key, state] : data.open) {
    open.push_back(EncodeOpen(builder, key, state));
  }
  const auto runs_offset = builder.CreateVector(runs);
  const auto open_offset = builder.CreateVector(open);
  const auto lsns = builder.CreateVector(data.dataset_lsns);
  const auto scoring_hash = builder.CreateString(data.scoring_hash);
  const auto slots = builder.CreateVector(KeysOf(data.worker_states));
  const auto states = builder.CreateVector(ValuesOf(data.worker_states));
  const auto batches = builder.CreateVector(std::vector<uint32_t>(
      data.open_batches.begin(), data.open_batches.end()));
  schemas::ProgressStateBuilder state(builder);
  state.add_benchmark_lsn(data.benchmark_lsn);
  state.add_dataset_lsns(lsns);
  state.add_newest_selection_lsn(data.newest_selection_lsn);
  state.add_queries(data.rows);
  state.add_announced_queries(data.announced_queries);
  state.add_runs(runs_offset);
  state.add_open(open_offset);
  state.add_complete(data.complete);
  state.add_complete_exit_code(data.complete_exit_code);
  state.add_complete_unix_ns(data.complete_unix_ns);
  state.add_session_open(data.session_open);
  state.add_session_started_unix_ns(data.session_started_unix_ns);
  state.add_session_seen_unix_ns(data.session_seen_unix_ns);
  state.add_scoring_hash(scoring_hash);
  state.add_newest_scoring_lsn(data.newest_scoring_lsn);
  state.add_limit_lsn(data.limit_lsn);
  state.add_newest_session_lsn(data.newest_session_lsn);
  state.add_newest_identity_lsn(data.newest_identity_lsn);
  state.add_newest_dataset_lsn(data.newest_dataset_lsn);
  state.add_mixed_config(data.mixed_config);
  state.add_selected_runs(data.selected_runs);
  state.add_selected_queries(data.selected_queries);
  state.add_worker_slots(slots);
  state.add_worker_state_lsns(states);
  state.add_session_workers(data.session_workers);
  state.add_batches_completed(data.batches_completed);
  state.add_open_batches(batches);
  AddTotals(state, data.totals);
  AddOdd(state, data.odd);
  builder.Finish(state.Finish());
  return std::string(reinterpret_cast<const char*>(builder.GetBufferPointer()),
                     builder.GetSize());
}

absl::StatusOr<ProgressData> DecodeProgress(absl::string_view state) {
  const AlignedBytes bytes(state);
  // Tables nest in no table of which there are many, so that offsets alone
  // bound how many are visited.
  const uint32_t tables_max =
      static_cast<uint32_t>(state.size() / sizeof(flatbuffers::uoffset_t) + 1);
  const auto* table = VerifiedRoot<schemas::ProgressState>(bytes, tables_max);
  if (table == nullptr) {
    return journal::MakeError(
        journal::ErrorKind::kDamage,
        absl::StrCat("the saved progress, ", state.size(),
                     " bytes, is not a valid FlatBuffer"));
  }
  return ProgressDecoder(*table, state.size()).Decode();
}

}  // namespace runner
