// "{model}" and the like in names and paths.
#ifndef RUNNER_BASE_PLACEHOLDERS_H_
#define RUNNER_BASE_PLACEHOLDERS_H_

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace runner {

using PlaceholderValues =
    std::initializer_list<std::pair<absl::string_view, absl::string_view>>;

// `text` with each "{name}" replaced by its value. InvalidArgument for a name
// that is not among `values`, and for one whose value is empty. A brace that
// encloses no name ("{}", "{a b}", "{") stays.
absl::StatusOr<std::string> FillPlaceholders(absl::string_view text,
                                             PlaceholderValues values);

}  // namespace runner

#endif  // RUNNER_BASE_PLACEHOLDERS_H_
