// Where journals lie, and who writes one.
#ifndef TOOLS_JOURNAL_FILES_H_
#define TOOLS_JOURNAL_FILES_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "runner/storage/journal_holder.h"

namespace inspector {

// Where bench-runner puts journals unless told otherwise.
inline constexpr absl::string_view kDefaultJournalDirectory = "journals";
// Beside journals: where replaced ones lie, and the link to the newest.
inline constexpr absl::string_view kReplacedName = "replaced";
inline constexpr absl::string_view kLatestName = "latest";

// The directory that `given` names: itself, or a run id (or `latest`) below
// kDefaultJournalDirectory. kNotFound otherwise.
absl::StatusOr<std::string> ResolveJournal(absl::string_view given);

// True if `directory` holds a segment, or a snapshot.
bool IsJournal(absl::string_view directory);

// The journals right below `directory`, or `directory` itself when it is one,
// by name. `replaced` and the link `latest` are left out.
absl::StatusOr<std::vector<std::string>> FindJournals(
    absl::string_view directory);

// The last part of a path: the run id of a journal where it was written.
std::string BaseName(absl::string_view path);

// Bytes of all regular files in a journal's directory.
uint64_t DirectoryBytes(absl::string_view directory);

using Holder = runner::JournalHolder;
using runner::FindHolder;
using runner::HolderName;

}  // namespace inspector

#endif  // TOOLS_JOURNAL_FILES_H_
