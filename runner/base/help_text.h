// The two columns of a program's --help.
#ifndef RUNNER_BASE_HELP_TEXT_H_
#define RUNNER_BASE_HELP_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace runner {

inline constexpr size_t kHelpColumns = 80;

// Appends a row: `names`, as wide as they are, and from `column` on
// `description`, wrapped at kHelpColumns. Names that leave less than two blanks
// between the columns have a line of their own.
void AppendHelpRow(absl::string_view names, size_t column,
                   absl::string_view description, std::string& out);

}  // namespace runner

#endif  // RUNNER_BASE_HELP_TEXT_H_
