// What somebody may have meant who mistyped a name.
#ifndef RUNNER_BASE_NEAREST_H_
#define RUNNER_BASE_NEAREST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace runner {

// The entry nearest to `name` by edit distance, empty when none is near.
std::string Nearest(absl::string_view name,
                    const std::vector<std::string>& candidates);

// "; did you mean `exact_match`?", or `otherwise` when none is near. `prefix`
// is what all candidates are written with: "--" of options.
std::string DidYouMean(absl::string_view name,
                       const std::vector<std::string>& candidates,
                       absl::string_view otherwise = "",
                       absl::string_view prefix = "");

}  // namespace runner

#endif  // RUNNER_BASE_NEAREST_H_
