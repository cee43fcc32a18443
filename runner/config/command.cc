#include "runner/config/command.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "runner/base/json.h"
#include "runner/base/text.h"
#include "runner/config/merge_options.h"
#include "runner/config/option_table.h"
#include "runner/config/option_values.h"

namespace runner {
namespace {

struct CommandRow {
  absl::string_view name;
  Action action;
  size_t journals;  // How many arguments it takes.
};

constexpr absl::string_view kAllMethods = "all";

constexpr CommandRow kCommands[] = {
    {"run", Action::kRun, 0},
    {"resume", Action::kResume, 1},
    {"rescore", Action::kRescore, 1},
    {"estimate", Action::kEstimate, 0},
};

absl::Status UsageError(absl::string_view message) {
  return absl::InvalidArgumentError(message);
}

absl::StatusOr<CommandRow> FindCommand(absl::string_view name) {
  std::vector<std::string> names;
  for (const CommandRow& row : kCommands) {
    if (row.name == name) return row;
    names.emplace_back(row.name);
  }
  names.emplace_back(kMergeCommand);  // Its options are its own.
  return UsageError(absl::StrCat(
      "unknown command ", Quoted(name),
      DidYouMean(name, names,
                 absl::StrCat("; known are ", absl::StrJoin(names, ", ")))));
}

absl::Status CheckArguments(const CommandRow& row,
                            const std::vector<std::string>& arguments) {
  if (arguments.size() > row.journals) {
    return UsageError(
        absl::StrCat("unexpected argument ", Quoted(arguments[row.journals])));
  }
  if (arguments.size() < row.journals) {
    return UsageError(absl::StrCat("`bench-runner ", row.name,
                                   "` needs a journal, or `latest`"));
  }
  return absl::OkStatus();
}

// `-s JOURNAL` is how some write the argument.
void TakeSession(CommandLine& line) {
  const auto session = line.options.find("session");
  if (session == line.options.end()) return;
  line.arguments.push_back(session->second.value);
  line.options.erase(session);
}

// --help and --version go before whatever else is right or wrong.
absl::optional<std::string> TextToShow(absl::Span<const std::string> args,
                                       absl::string_view version) {
  for (const std::string& arg : args) {
    if (arg == "--") break;
    if (arg == "--help" || arg == "-h") return HelpText(args[0]);
    if (arg == "--version") return absl::StrCat(version, "\n");
  }
  return absl::nullopt;
}

absl::Status ReadFile(Command& command) {
  const auto config = command.nearer.find("config");
  if (config == command.nearer.end()) return absl::OkStatus();
  absl::StatusOr<ConfigFile> file = ReadConfigFile(
      config->second.value, IsGiven(command.nearer, "ignore-unknown-config"));
  if (!file.ok()) return file.status();
  command.file = *std::move(file);
  return absl::OkStatus();
}

// What is said nearer goes before what the method says, and that before what
// is said farther.
absl::StatusOr<MethodOptions> MakeMethod(const MethodSettings& method,
                                         const GivenOptions& nearer,
                                         const GivenOptions& farther) {
  GivenOptions given = MergeGiven(MergeGiven(nearer, method.options), farther);
  given.erase("methods");
  given["method"] = {method.name, OptionSource::kFile, "methods"};
  absl::StatusOr<RunOptions> run = MakeRunOptions(std::move(given));
  if (!run.ok()) {
    return UsageError(absl::StrCat("method ", Quoted(method.name), ": ",
                                   run.status().message()));
  }
  return MethodOptions{method.name, *std::move(run)};
}

// `--methods all`: those of the file.
absl::Status NameAllMethods(const std::vector<MethodSettings>& methods,
                            GivenOptions& given) {
  const auto asked = given.find("methods");
  if (asked == given.end() || asked->second.value != kAllMethods) {
    return absl::OkStatus();
  }
  if (methods.empty()) {
    return UsageError(
        absl::StrCat(asked->second.given_as,
                     " all: no configuration file defines `methods`"));
  }
  asked->second.value = absl::StrJoin(
      methods, ",", [](std::string* out, const MethodSettings& method) {
        absl::StrAppend(out, method.name);
      });
  return absl::OkStatus();
}

// Where a file defines methods, another name is a mistake.
absl::Status CheckMethods(const std::vector<MethodSettings>& methods,
                          const RunOptions& run) {
  std::vector<std::string> known;
  for (const MethodSettings& method : methods) known.push_back(method.name);
  std::vector<std::string> asked = run.methods;
  if (!run.method.empty()) asked.push_back(run.method);
  for (const std::string& name : asked) {
    if (known.empty() ||
        std::find(known.begin(), known.end(), name) != known.end()) {
      continue;
    }
    return UsageError(absl::StrCat(
        "method ", Quoted(name), " is not among the file's `methods`",
        name == kAllMethods ? "; all of them: --methods all"
                            : DidYouMean(name, known)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Command> ParseCommand(absl::Span<const std::string> args,
                                     const Environment& environment,
                                     absl::string_view version) {
  Command command;
  absl::optional<std::string> text = TextToShow(args, version);
  if (text.has_value()) {
    command.action = Action::kShow;
    command.text = *std::move(text);
    return command;
  }
  if (args.empty()) {
    return UsageError("no command; try `bench-runner run --help`");
  }
  const absl::StatusOr<CommandRow> row = FindCommand(args[0]);
  if (!row.ok()) return row.status();
  command.action = row->action;
  absl::StatusOr<CommandLine> line = ReadCommandLine(args.subspan(1));
  if (!line.ok()) return line.status();
  if (command.action == Action::kResume) TakeSession(*line);
  absl::Status status = CheckArguments(*row, line->arguments);
  if (!status.ok()) return status;
  command.journals = std::move(line->arguments);
  const absl::StatusOr<GivenOptions> variables = ReadEnvironment(environment);
  if (!variables.ok()) return variables.status();
  command.nearer = MergeGiven(std::move(line->options), *variables);
  status = ReadFile(command);
  if (status.ok() && row->journals == 0) {
    status = ApplyJournal({}, {}, command);
  } else if (status.ok()) {
    absl::StatusOr<RunOptions> run =
        UncheckedOptions(MergeGiven(command.nearer, command.file.options));
    if (run.ok()) command.run = *std::move(run);
    status = run.status();
  }
  if (!status.ok()) return status;
  return command;
}

absl::StatusOr<GivenOptions> OptionsOfJournal(absl::string_view config_json) {
  const absl::StatusOr<nlohmann::json> config = ParseJson(config_json);
  if (!config.ok() || !config->is_object()) {
    return UsageError("the journal's saved configuration cannot be read");
  }
  GivenOptions given;
  for (const auto& [key, value] : config->items()) {
    const OptionRow* row = FindOption(key);
    if (row == nullptr || BelongsToSession(*row) || !value.is_string()) {
      continue;
    }
    given[std::string(row->name)] = {value.get<std::string>(),
                                     OptionSource::kJournal,
                                     absl::StrCat("the journal's ", key)};
  }
  return given;
}

GivenOptions StudyOfJournal(absl::string_view config_json) {
  GivenOptions lists;
  const absl::StatusOr<nlohmann::json> config = ParseJson(config_json);
  if (!config.ok() || !config->is_object()) return lists;
  const auto study = config->find(kStudyKey);
  if (study == config->end() || !study->is_object()) return lists;
  for (const absl::string_view key :
       {"datasets", "models", "methods", kStudyFile, kStudyBegan}) {
    const auto found = study->find(std::string(key));
    if (found == study->end() || !found->is_string()) continue;
    lists[std::string(key)] = {found->get<std::string>(),
                               OptionSource::kJournal, "the journal's study"};
  }
  return lists;
}

absl::Status ApplyJournal(const GivenOptions& pinned,
                          const GivenOptions& journal, Command& command) {
  const GivenOptions nearer = MergeGiven(command.nearer, pinned);
  const GivenOptions farther = MergeGiven(command.file.options, journal);
  GivenOptions all = MergeGiven(nearer, farther);
  absl::Status named = NameAllMethods(command.file.methods, all);
  if (!named.ok()) return named;
  absl::StatusOr<RunOptions> run = MakeRunOptions(std::move(all));
  if (!run.ok()) return run.status();
  command.run = *std::move(run);
  if (absl::Status s = CheckMethods(command.file.methods, command.run);
      !s.ok()) {
    return s;
  }
  command.run.score_only = command.action == Action::kRescore;
  command.methods.clear();
  for (const MethodSettings& method : command.file.methods) {
    absl::StatusOr<MethodOptions> options = MakeMethod(method, nearer, farther);
    if (!options.ok()) return options.status();
    options->run.score_only = command.run.score_only;
    command.methods.push_back(*std::move(options));
  }
  return absl::OkStatus();
}

}  // namespace runner
