// Option values as texts, with their source.
#ifndef RUNNER_CONFIG_GIVEN_OPTIONS_H_
#define RUNNER_CONFIG_GIVEN_OPTIONS_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace runner {

// Where an effective value comes from; a later one goes before an earlier one.
enum class OptionSource {
  kDefault,
  kJournal,
  kFile,
  kEnvironment,
  kCommandLine
};

absl::string_view OptionSourceName(OptionSource source);

// A value as it was given.
struct GivenOption {
  std::string value;
  OptionSource source = OptionSource::kCommandLine;
  std::string given_as;  // "--save-incremental", "BENCH_RUNNER_SYNC".
};

// By long name; shorthands are resolved.
using GivenOptions = std::map<std::string, GivenOption>;

// `nearer` goes before `farther`, option by option.
GivenOptions MergeGiven(GivenOptions nearer, const GivenOptions& farther);

// False also for a switch that is switched off.
bool IsGiven(const GivenOptions& given, absl::string_view name);

}  // namespace runner

#endif  // RUNNER_CONFIG_GIVEN_OPTIONS_H_
