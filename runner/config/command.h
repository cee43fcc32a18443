// The command line of bench-runner.
//
//   auto command = ParseCommand(args, ProcessEnvironment(), version);
//   if (!command.ok()) { /* message, exit code 2 */ }
//   if (command->action == Action::kRun) Run(command->run);
#ifndef RUNNER_CONFIG_COMMAND_H_
#define RUNNER_CONFIG_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "runner/config/config_file.h"
#include "runner/config/given_options.h"
#include "runner/config/option_reader.h"
#include "runner/config/options.h"

namespace runner {

// kRescore is kResume that asks nothing.
enum class Action { kShow, kRun, kResume, kRescore, kEstimate };

// A method that the configuration file defines, with all that is effective for
// it.
struct MethodOptions {
  std::string name;
  RunOptions run;
};

struct Command {
  Action action = Action::kRun;
  std::string text;  // kShow: the help or the version, for stdout; exit 0.
  std::vector<std::string> journals;  // kResume, kRescore: one, or `latest`.

  // Checked for kRun. For the others only what is said without a journal, as
  // far as it goes, until ApplyJournal.
  RunOptions run;
  std::vector<MethodOptions> methods;  // In the file's order.

  // What `run` and `methods` are made of.
  GivenOptions nearer;  // Command line and environment.
  ConfigFile file;
};

// `args` without the program's name. `version` is what --version shows. All
// errors are InvalidArgument: usage, exit code 2; the message names the option
// and its source, and the nearest name where one is unknown.
absl::StatusOr<Command> ParseCommand(absl::Span<const std::string> args,
                                     const Environment& environment,
                                     absl::string_view version);

// The options that a journal's `config_json` saved (ConfigJson). What concerns
// one session alone, such as --quiet or --overwrite, is left out, and so is
// what this version does not know.
absl::StatusOr<GivenOptions> OptionsOfJournal(absl::string_view config_json);

// The lists of the study that a journal's benchmark is one of, by option, the
// file that defines its methods (kStudyFile), if one does, and when it was
// begun (kStudyBegan), if that was anew.
GivenOptions StudyOfJournal(absl::string_view config_json);

// Makes `run` and `methods` anew: command line, environment, `pinned`, the
// file, `journal`, defaults. InvalidArgument as of ParseCommand.
absl::Status ApplyJournal(const GivenOptions& pinned,
                          const GivenOptions& journal, Command& command);

}  // namespace runner

#endif  // RUNNER_CONFIG_COMMAND_H_
