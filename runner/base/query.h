// The words that all of the runner shares.
#ifndef RUNNER_BASE_QUERY_H_
#define RUNNER_BASE_QUERY_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace runner {

// One query of one run. `index` is the row's place in the journal's own list of
// rows; (id, occurrence) is what identifies it in any dataset.
struct QueryKey {
  uint32_t run = 1;         // From 1.
  uint32_t index = 0;       // From 0.
  std::string id;           // The dataset's id, or the content hash in hex.
  uint32_t occurrence = 0;  // From 0, among rows of equal id.
};

// A score or metric and its value, in the order in which they were given.
using NamedValues = std::vector<std::pair<std::string, double>>;

// Tokens of one call. All zero and not `metered` when nothing was said.
struct Usage {
  uint64_t prompt_tokens = 0;
  uint64_t completion_tokens = 0;
  uint64_t cached_tokens = 0;
  uint64_t reasoning_tokens = 0;
  bool metered = false;
};

}  // namespace runner

#endif  // RUNNER_BASE_QUERY_H_
