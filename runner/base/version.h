// Which program wrote a journal.
#ifndef RUNNER_BASE_VERSION_H_
#define RUNNER_BASE_VERSION_H_

#include "absl/strings/string_view.h"

namespace runner {

inline constexpr char kVersion[] = "0.1.0";

// The commit it was built from; "unknown" when the build was not stamped
// (STABLE_COMMIT of Bazel's --workspace_status_command).
absl::string_view BuildCommit();

}  // namespace runner

#endif  // RUNNER_BASE_VERSION_H_
