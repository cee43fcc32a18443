// The data behind ProgressState, and its bytes (schemas/state.fbs). Private to
// progress_state.
#ifndef RUNNER_STORAGE_PROGRESS_DATA_H_
#define RUNNER_STORAGE_PROGRESS_DATA_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "journal/types.h"
#include "runner/storage/progress_state.h"

namespace runner {

// One bit a query, by index.
class Bitmap {
 public:
  Bitmap() = default;
  explicit Bitmap(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}

  bool Get(uint32_t index) const {
    return index / 8 < bytes_.size() && (bytes_[index / 8] >> index % 8 & 1);
  }
  // How many bytes GrowTo(index) will add.
  uint64_t BytesToAdd(uint32_t index) const {
    return index / 8 < bytes_.size() ? 0 : index / 8 + 1 - bytes_.size();
  }
  void GrowTo(uint32_t index) {
    if (index / 8 >= bytes_.size()) bytes_.resize(index / 8 + 1);
  }
  // These need GrowTo first.
  void Set(uint32_t index) { bytes_[index / 8] |= 1 << index % 8; }
  void Clear(uint32_t index) { bytes_[index / 8] &= ~(1 << index % 8); }

  uint64_t Count() const;
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

struct ProgressKey {
  uint32_t run;
  uint32_t index;

  friend bool operator<(const ProgressKey& a, const ProgressKey& b) {
    return a.run != b.run ? a.run < b.run : a.index < b.index;
  }
};

struct OpenState {
  journal::Lsn lsn = 0;
  uint32_t attempts = 0;
  bool failed = false;
  bool retryable = false;
  bool unscored = false;
  bool in_flight = false;
};

// Both bitmaps are as long as the last query that was ever answered.
struct RunState {
  Bitmap answered;
  Bitmap scored;  // A subset of `answered`.
  bool ended = false;
};

struct ProgressData {
  // How long the open session has worked so far, as its records tell.
  absl::Duration OpenElapsed() const;
  // A record of this time by the clock on the wall, which may be set meanwhile.
  void Saw(int64_t at_unix_ns);

  journal::Lsn benchmark_lsn = 0;
  uint64_t announced_queries = 0;
  std::vector<journal::Lsn> dataset_lsns;
  journal::Lsn newest_selection_lsn = 0;
  uint64_t rows = 0;
  uint64_t bitmap_bytes = 0;  // Of all runs.
  absl::btree_map<uint32_t, RunState> runs;
  absl::btree_map<ProgressKey, OpenState> open;
  std::string scoring_hash;
  journal::Lsn newest_scoring_lsn = 0;
  journal::Lsn limit_lsn = 0;
  journal::Lsn newest_session_lsn = 0;
  journal::Lsn newest_identity_lsn = 0;
  journal::Lsn newest_dataset_lsn = 0;
  bool mixed_config = false;
  ProgressTotals totals;
  bool complete = false;
  int32_t complete_exit_code = 0;
  int64_t complete_unix_ns = 0;
  bool session_open = false;
  // Of the open one, and its newest record's time; never negative, 0: unknown.
  int64_t session_started_unix_ns = 0;
  int64_t session_seen_unix_ns = 0;
  uint32_t selected_runs = 0;
  uint64_t selected_queries = 0;
  absl::btree_map<uint32_t, journal::Lsn> worker_states;  // By slot.
  uint32_t session_workers = 0;
  uint32_t batches_completed = 0;
  absl::btree_set<uint32_t> open_batches;
  OddRecords odd;
};

// Two bits for each of kQueryRunsMax.
inline constexpr uint64_t kBitmapBytesMax = kQueryRunsMax / 4;

// Equal data gives equal bytes.
std::string EncodeProgress(const ProgressData& data);

// Errors: kDamage, for bytes that no EncodeProgress made.
absl::StatusOr<ProgressData> DecodeProgress(absl::string_view state);

}  // namespace runner

#endif  // RUNNER_STORAGE_PROGRESS_DATA_H_
