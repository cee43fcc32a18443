// What each command's --help says besides its options, and which those are.
#ifndef RUNNER_CONFIG_HELP_PAGES_H_
#define RUNNER_CONFIG_HELP_PAGES_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "runner/config/option_table.h"

namespace runner {

struct HelpPage {
  absl::string_view command;
  absl::string_view head;  // Usage, what it does, its arguments.
  // The options that mean something to it: those of `groups` but `without`,
  // and `also`. Long names.
  std::vector<OptionGroup> groups;
  std::vector<absl::string_view> without;
  std::vector<absl::string_view> also;
  absl::string_view tail;  // Exit codes and examples.
};

// One page a command, the first that of `run`; immutable.
const std::vector<HelpPage>& HelpPages();

// The page of `command`; of anything else that of `run`.
const HelpPage& HelpPageOf(absl::string_view command);

// Whether the option is on the page.
bool IsOn(const HelpPage& page, const OptionRow& row);

}  // namespace runner

#endif  // RUNNER_CONFIG_HELP_PAGES_H_
