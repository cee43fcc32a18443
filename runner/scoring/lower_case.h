// Lower case without a locale.
#ifndef RUNNER_SCORING_LOWER_CASE_H_
#define RUNNER_SCORING_LOWER_CASE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace runner {

// UTF-8 in which the capitals of ASCII, Latin-1, Latin Extended-A, Greek and
// Cyrillic are small, each mapped to one letter as Unicode's simple mapping
// does; all else, invalid bytes too, stays as it is.
std::string LowerCase(absl::string_view text);

}  // namespace runner

#endif  // RUNNER_SCORING_LOWER_CASE_H_
