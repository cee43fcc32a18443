#include "runner/version.h"

#include "runner/build_commit.h"

namespace runner {

absl::string_view BuildCommit() { return kBuildCommit; }

}  // namespace runner
