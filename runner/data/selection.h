// Which rows of a dataset are asked for.
#ifndef RUNNER_DATA_SELECTION_H_
#define RUNNER_DATA_SELECTION_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runner/data/dataset.h"

namespace runner {

// One of `count` parts of a dataset, each asked by a process of its own.
struct Shard {
  uint32_t index = 0;  // 1..count; 0 when all is asked by one.
  uint32_t count = 0;

  bool whole() const { return count == 0; }
  friend bool operator==(const Shard& a, const Shard& b) {
    return a.index == b.index && a.count == b.count;
  }
};

inline constexpr uint32_t kShardsMax = 100000;

// "2/4"; empty for the whole.
std::string ShardText(const Shard& shard);

// "i/n", or "slurm/n" or "k8s/n", whose i is $SLURM_ARRAY_TASK_ID, counted from
// 1, or $JOB_COMPLETION_INDEX, counted from 0. `variable` gives a variable of
// the environment, empty when it is not set. InvalidArgument says what is
// wrong with text or variable.
absl::StatusOr<Shard> ParseShard(
    absl::string_view text,
    const std::function<std::string(const std::string&)>& variable);

// Whether a query belongs to the shard, in all runs: XXH3-64 over its id and
// its occurrence (4 bytes, little-endian) mod count is index - 1. Journals and
// merge rely on it: never changed.
bool IsInShard(const Shard& shard, absl::string_view id, uint32_t occurrence);

struct Selection {
  // Globs ("math-*", "q[0-9]?"), of which an id must match one. Empty: all.
  std::vector<std::string> sample_ids = {};
  // The first `num_samples` are those of an order drawn by `seed`, which only
  // id and occurrence decide, so that more of them include the fewer.
  bool shuffle = false;
  uint64_t seed = 0;
  uint64_t num_samples = 0;  // Of what the globs leave, the first; 0: all.
  Shard shard = {};          // Of what the above leave, its part.
};

// The rows asked for, in the dataset's order. InvalidArgument for a glob that
// no id matches. A shard may have none.
absl::StatusOr<std::vector<uint32_t>> SelectRows(const Dataset& dataset,
                                                 const Selection& selection);

}  // namespace runner

#endif  // RUNNER_DATA_SELECTION_H_
