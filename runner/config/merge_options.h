// The command line of `bench-runner merge`.
#ifndef RUNNER_CONFIG_MERGE_OPTIONS_H_
#define RUNNER_CONFIG_MERGE_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace runner {

inline constexpr absl::string_view kMergeCommand = "merge";

struct MergeOptions {
  bool help = false;                // The rest is not set.
  std::vector<std::string> inputs;  // Journals, or directories that hold some.
  std::string output;
  std::string encryption_key_file;  // Empty: see encryption_key.h.
  bool quiet = false;
};

// `args` behind the command's name. InvalidArgument: usage, exit code 2.
absl::StatusOr<MergeOptions> ParseMergeOptions(
    absl::Span<const std::string> args);

// At most 80 columns.
std::string MergeHelpText();

}  // namespace runner

#endif  // RUNNER_CONFIG_MERGE_OPTIONS_H_
