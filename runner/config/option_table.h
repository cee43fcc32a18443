// Every option of `bench-runner run`, a row each.
#ifndef RUNNER_CONFIG_OPTION_TABLE_H_
#define RUNNER_CONFIG_OPTION_TABLE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "runner/config/options.h"

namespace runner {

// What a changed value means for an existing journal.
enum class OptionClass {
  kIdentity,   // Hashed: another benchmark.
  kSelection,  // Not hashed: more or less of the same benchmark.
  kScoring,    // A hash of its own: recorded responses are scored again.
  kOperation,  // Never shows in results.
};

absl::string_view OptionClassName(OptionClass option_class);

enum class OptionGroup {
  kWhat,
  kFields,
  kScoring,
  kRequest,
  kEvaluator,
  kLimits,
  kParallel,
  kCheckpoint,
  kResume,
  kDisplay,
  kResult,
};
inline constexpr int kOptionGroupCount = 11;

absl::string_view OptionGroupTitle(OptionGroup group);

struct OptionRow {
  absl::string_view name;  // Long, with '-'. '_' is understood too.
  char short_name = 0;
  std::vector<absl::string_view> aliases = {};
  OptionClass option_class = OptionClass::kOperation;
  OptionGroup group = OptionGroup::kWhat;
  absl::string_view value_name = {};     // Empty: a switch.
  absl::string_view default_value = {};  // Empty: not set.
  absl::string_view help = {};
  bool secret = false;  // Its value is never shown nor saved.
  // A shorthand has no value of its own: it sets option `sets_name`.
  absl::string_view sets_name = {};
  absl::string_view sets_value = {};
  // Puts a value into its place. Null for a shorthand.
  absl::Status (*set)(absl::string_view value, RunOptions& options) = nullptr;

  bool is_switch() const { return value_name.empty(); }
  bool is_shorthand() const { return !sets_name.empty(); }
};

absl::Span<const OptionRow> OptionTable();

// The row of a long name or alias, '_' for '-' allowed; null if there is none.
const OptionRow* FindOption(absl::string_view name);

// Long names and aliases.
std::vector<std::string> AllOptionNames();

// Of one session alone, or of where the options come from: not what a resume
// goes on with.
bool BelongsToSession(const OptionRow& row);

// Two options that contradict each other when both are given. From different
// sources the nearer one wins.
struct ExclusiveOptions {
  absl::string_view one;
  absl::string_view other;
};
absl::Span<const ExclusiveOptions> ExclusiveTable();

// The text of `bench-runner COMMAND --help`, grouped, at most 80 columns: of
// `resume`, `rescore` or `estimate` with the options that mean something there;
// of anything else that of `run`, with all of them.
std::string HelpText(absl::string_view command = "");

}  // namespace runner

#endif  // RUNNER_CONFIG_OPTION_TABLE_H_
