// One process at a time looks for a journal and begins one where there is none:
// two that start at once would both find none, and both pay.
#ifndef RUNNER_STUDY_CREATION_LOCK_H_
#define RUNNER_STUDY_CREATION_LOCK_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "journal/file_system.h"
#include "runner/base/exit_code.h"
#include "runner/base/signals.h"
#include "runner/display/console.h"

namespace runner {

// Lies in the journal directory, also while nobody holds it.
inline constexpr absl::string_view kCreationLockName = ".lock";

// Others hold it for as long as it takes to begin a journal.
inline constexpr absl::Duration kCreationWaitMax = absl::Seconds(30);

struct CreationLockOptions {
  std::string journal_dir;
  absl::Duration wait_max = kCreationWaitMax;
  const SignalCatcher* signals = nullptr;  // Borrowed. Null: none ends it.
};

// Makes the journal directory if it is missing, and waits for who has the lock;
// says so on the console if that takes long. Refused: after `wait_max` (exit
// 12, naming the holder), and for a signal (128 and its number). `lock` stays
// null where nothing can be locked: whatever is wrong there shows when a
// journal is begun.
absl::optional<Refusal> TakeCreationLock(
    journal::FileSystem& fs, const CreationLockOptions& options,
    Console& console, std::unique_ptr<journal::FileLock>* lock);

}  // namespace runner

#endif  // RUNNER_STUDY_CREATION_LOCK_H_
