// Splits a command into words as a shell would, without a shell.
#ifndef RUNNER_BASE_SHELL_WORDS_H_
#define RUNNER_BASE_SHELL_WORDS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace runner {

inline constexpr size_t kShellWordsMax = 4096;

// The words of `command`. Blanks separate. Between single quotes all is
// literal; between double quotes a backslash takes ", \, $, ` and a line end;
// elsewhere it takes any character. Nothing is expanded: $, * and ~ stay what
// they are. InvalidArgument for a quote that is not closed, a backslash at the
// end, a NUL byte, no words at all, more than kShellWordsMax, and for an
// unquoted operator
// (| & ; < > ( )), which only a shell could obey.
absl::StatusOr<std::vector<std::string>> SplitShellWords(
    absl::string_view command);

}  // namespace runner

#endif  // RUNNER_BASE_SHELL_WORDS_H_
