#include "runner/base/version.h"

#include "runner/base/build_commit.h"

namespace runner {

absl::string_view BuildCommit() { return kBuildCommit; }

}  // namespace runner
