// Removing a journal for good.
#ifndef RUNNER_STORAGE_JOURNAL_REMOVAL_H_
#define RUNNER_STORAGE_JOURNAL_REMOVAL_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "journal/file_system.h"

namespace runner {

// Removes the journal `directory` with all that lies in it. A crash in between
// leaves either the journal or files under a name that nothing takes for one.
// Errors: kLocked, naming the holder, while a process writes to it; kNotFound;
// kIo.
absl::Status RemoveJournal(journal::FileSystem& fs,
                           absl::string_view directory);

}  // namespace runner

#endif  // RUNNER_STORAGE_JOURNAL_REMOVAL_H_
