// The configuration keys by which users of existing checkpoint systems know
// what they want, as options of this program.
#ifndef RUNNER_CONFIG_EXISTING_KEYS_H_
#define RUNNER_CONFIG_EXISTING_KEYS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "runner/config/yaml_tree.h"

namespace runner {

// What a key with its value means here.
struct Translation {
  absl::string_view option;  // The long name it sets; empty: none.
  std::string value;
  std::string note;        // For people, where there is something to say.
  bool needs_key = false;  // Encryption is asked for.
  // No journal, whatever else is said of it.
  bool switches_off = false;
};

// The folders in which those systems group their keys, such as "processing".
absl::Span<const absl::string_view> ExistingSections();
bool IsExistingSection(absl::string_view key);

// `key` with its section ("paths.checkpoint_file") or without. nullopt when no
// existing system has it. InvalidArgument for a value it cannot have, or one
// that nothing here can honour.
absl::StatusOr<absl::optional<Translation>> TranslateExistingKey(
    absl::string_view key, const YamlNode& value);

// All keys, with their sections.
std::vector<std::string> ExistingKeyNames();

}  // namespace runner

#endif  // RUNNER_CONFIG_EXISTING_KEYS_H_
