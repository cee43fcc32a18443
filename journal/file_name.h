// The names of a journal's numbered files: segments, parts, manifests.
#ifndef JOURNAL_FILE_NAME_H_
#define JOURNAL_FILE_NAME_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace journal {

// "0000000012" and the suffix: names sort as their numbers do.
std::string NumberedFileName(uint64_t id, absl::string_view suffix);

// The id, from 1, if `name` is exactly what NumberedFileName writes.
absl::optional<uint64_t> ParseNumberedFileName(absl::string_view name,
                                               absl::string_view suffix);

}  // namespace journal

#endif  // JOURNAL_FILE_NAME_H_
