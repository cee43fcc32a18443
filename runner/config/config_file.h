// A configuration file, as options.
//
// The keys are the options' long names with `_`, and those of existing systems
// (existing_keys.h), which may stand in their sections. `methods` maps a name
// to the identity options that make it up.
#ifndef RUNNER_CONFIG_CONFIG_FILE_H_
#define RUNNER_CONFIG_CONFIG_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runner/config/option_reader.h"
#include "runner/config/options.h"

namespace runner {

// An entry of `methods`: a name for a set of identity options.
struct MethodSettings {
  std::string name;
  GivenOptions options;
};

struct ConfigFile {
  GivenOptions options;                 // `given_as` is "FILE:LINE: key".
  std::vector<MethodSettings> methods;  // In the file's order.
  // What people should know: keys that need no doing, or were ignored.
  std::vector<std::string> notes;
  bool needs_key = false;  // The file asks for encryption.
};

// YAML or JSON. InvalidArgument, with file and line: what cannot be read, a
// value that cannot be one, and an unknown key, with the nearest one (with
// `ignore_unknown` a note instead).
absl::StatusOr<ConfigFile> ReadConfigFile(const std::string& path,
                                          bool ignore_unknown);

}  // namespace runner

#endif  // RUNNER_CONFIG_CONFIG_FILE_H_
