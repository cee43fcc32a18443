// The directories that a path needs.
#ifndef RUNNER_STORAGE_MAKE_PARENTS_H_
#define RUNNER_STORAGE_MAKE_PARENTS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "journal/file_system.h"

namespace runner {

// Makes the missing directories above `path`, durable on return: a power cut
// must not take the directory away from what is written into it. Errors:
// kInvalidArgument for too many of them; kIo.
absl::Status MakeParents(journal::FileSystem& fs, absl::string_view path);

}  // namespace runner

#endif  // RUNNER_STORAGE_MAKE_PARENTS_H_
