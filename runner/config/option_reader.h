// Reads option texts from the command line and the environment.
#ifndef RUNNER_CONFIG_OPTION_READER_H_
#define RUNNER_CONFIG_OPTION_READER_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "runner/config/given_options.h"
#include "runner/config/option_table.h"
#include "runner/config/options.h"

namespace runner {

// Adds one, a shorthand as what it stands for. InvalidArgument when the same
// source has said it already, or something else.
absl::Status AddGiven(const OptionRow& row, std::string value,
                      OptionSource source, std::string given_as,
                      GivenOptions& given);

struct CommandLine {
  GivenOptions options;
  std::vector<std::string> arguments;  // What is no option, in order.
};

// InvalidArgument: an unknown option (with the nearest name), a missing or
// superfluous value, an option that is given twice.
absl::StatusOr<CommandLine> ReadCommandLine(absl::Span<const std::string> args);

using Environment = std::map<std::string, std::string>;

// The variables of this process, but for the encryption key. Not safe beside
// setenv.
Environment ProcessEnvironment();

inline constexpr absl::string_view kEnvironmentPrefix = "BENCH_RUNNER_";

// The variables BENCH_RUNNER_<OPTION>; an empty one counts as not set.
// InvalidArgument as above: a misspelt variable must not go unnoticed.
absl::StatusOr<GivenOptions> ReadEnvironment(const Environment& environment);

}  // namespace runner

#endif  // RUNNER_CONFIG_OPTION_READER_H_
