// Settings that differ from those of an earlier session.
#ifndef RUNNER_CONFIG_OVERRIDES_H_
#define RUNNER_CONFIG_OVERRIDES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "runner/config/options.h"

namespace runner {

struct ConfigOverride {
  std::string name;       // The option's long name.
  std::string old_value;  // Empty: not set.
  std::string new_value;
  std::string source;  // "command line", "environment", "file PATH", "default".
};

// The operation options that have another value than `config_json`
// (ConfigJson of an earlier session) says, in the table's order. Not among
// them: secrets, what concerns one session alone, and what the journal says
// itself. None for a text that is no configuration.
std::vector<ConfigOverride> FindOverrides(absl::string_view config_json,
                                          const RunOptions& options);

// "workers changed from 8 to 4".
std::string OverrideText(const ConfigOverride& change);

// Where the value of the option `name` comes from, as ConfigOverride::source.
std::string OverrideSource(const RunOptions& options, absl::string_view name);

}  // namespace runner

#endif  // RUNNER_CONFIG_OVERRIDES_H_
