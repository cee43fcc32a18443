// Text from outside made safe for a terminal and for one line.
#ifndef RUNNER_BASE_PRINTABLE_H_
#define RUNNER_BASE_PRINTABLE_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace runner {

// Copies `text` with everything that could move a cursor, change a colour,
// reverse the reading direction or break a line replaced by a visible escape:
// "\n", "\t", "\x1b", "\u202e". Bytes that are not UTF-8 become "\xff".
// Backslashes stay as they are: the result is for people, not for parsing.
std::string Printable(absl::string_view text);

// The terminal columns that printable UTF-8 text takes: 0 for combining marks,
// 2 for East Asian wide characters and emoji, else 1.
size_t DisplayWidth(absl::string_view printable);

// The longest prefix of `printable` that takes at most `columns_max` columns;
// never cuts a character.
std::string CutToWidth(absl::string_view printable, size_t columns_max);

// Printable(text), cut to `columns_max` columns with "..." when it is longer.
std::string Excerpt(absl::string_view text, size_t columns_max);

}  // namespace runner

#endif  // RUNNER_BASE_PRINTABLE_H_
