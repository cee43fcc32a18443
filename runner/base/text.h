// UTF-8, and foreign text in messages.
#ifndef RUNNER_BASE_TEXT_H_
#define RUNNER_BASE_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace runner {

// Length of the valid UTF-8 sequence at the start of `text`; 0 if there is
// none. Overlong forms, surrogates and values above U+10FFFF are not valid.
size_t Utf8SequenceLength(absl::string_view text);

// How many bytes `text` begins with that are ASCII.
size_t AsciiPrefix(absl::string_view text);

// `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string ValidUtf8(absl::string_view text);

// `text` as a message quotes it: `text`, printable, and cut when it is longer
// than kQuotedColumnsMax.
inline constexpr size_t kQuotedColumnsMax = 120;
std::string Quoted(absl::string_view text);

}  // namespace runner

#endif  // RUNNER_BASE_TEXT_H_
