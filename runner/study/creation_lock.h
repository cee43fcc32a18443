// One process at a time looks for a journal and begins one where there is none:
// two that start at once would both find none, and both pay.
#ifndef RUNNER_STUDY_CREATION_LOCK_H_
#define RUNNER_STUDY_CREATION_LOCK_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "journal/file_system.h"

namespace runner {

// Lies in the journal directory, also while nobody holds it.
inline constexpr absl::string_view kCreationLockName = ".lock";

// Makes `journal_dir` if it is missing, and waits for others, which hold it for
// as long as it takes to begin a journal. Null, after kCreationWaitMax or where
// it cannot be locked: whatever is wrong there shows when a journal is begun.
std::unique_ptr<journal::FileLock> TakeCreationLock(
    journal::FileSystem& fs, absl::string_view journal_dir);

}  // namespace runner

#endif  // RUNNER_STUDY_CREATION_LOCK_H_
