// Who writes to a journal just now, asked without a lock.
#ifndef RUNNER_STORAGE_JOURNAL_HOLDER_H_
#define RUNNER_STORAGE_JOURNAL_HOLDER_H_

#include <sys/types.h>

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace runner {

struct JournalHolder {
  pid_t pid = 0;  // 0: alive, but its pid cannot be told.
};

// The living process that has the journal open for writing. Takes no lock and
// needs no write permission.
absl::optional<JournalHolder> FindHolder(absl::string_view directory);

// "pid 12", or "a process" when its pid is not known.
std::string HolderName(const JournalHolder& holder);

}  // namespace runner

#endif  // RUNNER_STORAGE_JOURNAL_HOLDER_H_
