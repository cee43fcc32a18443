// Reads option texts from the command line and the environment.
#ifndef RUNNER_CONFIG_OPTION_READER_H_
#define RUNNER_CONFIG_OPTION_READER_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "runner/config/options.h"

namespace runner {

// A value as it was given.
struct GivenOption {
  std::string value;
  OptionSource source = OptionSource::kCommandLine;
  std::string given_as;  // "--save-incremental", "BENCH_RUNNER_SYNC".
};

// By long name; shorthands are resolved.
using GivenOptions = std::map<std::string, GivenOption>;

// InvalidArgument: an unknown option (with the nearest name), a missing or
// superfluous value, an option that is given twice, an argument that is none.
absl::StatusOr<GivenOptions> ReadCommandLine(
    absl::Span<const std::string> args);

inline constexpr absl::string_view kEnvironmentPrefix = "BENCH_RUNNER_";

// The variables BENCH_RUNNER_<OPTION>; an empty one counts as not set.
// InvalidArgument as above: a misspelt variable must not go unnoticed.
absl::StatusOr<GivenOptions> ReadEnvironment(const Environment& environment);

}  // namespace runner

#endif  // RUNNER_CONFIG_OPTION_READER_H_
