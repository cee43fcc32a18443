#include "runner/config/option_reader.h"

#include <unistd.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "runner/base/printable.h"
#include "runner/base/text.h"
#include "runner/config/encryption_key.h"
#include "runner/config/option_table.h"
#include "runner/config/option_values.h"

namespace runner {
namespace {

namespace po = boost::program_options;

absl::Status UsageError(absl::string_view message) {
  return absl::InvalidArgumentError(message);
}

absl::Status UnknownOption(absl::string_view given, absl::string_view name) {
  return UsageError(absl::StrCat(
      "unknown option ", Quoted(given),
      DidYouMean(name, AllOptionNames(), "; --help lists all of them", "--")));
}

// The library's description of the table: each name and alias is an option.
po::options_description Describe() {
  po::options_description description;
  for (const OptionRow& row : OptionTable()) {
    std::vector<std::string> names = {std::string(row.name)};
    if (row.short_name != 0) names[0] += {',', row.short_name};
    for (const absl::string_view alias : row.aliases) names.emplace_back(alias);
    for (const std::string& name : names) {
      description.add(
          boost::shared_ptr<po::option_description>(new po::option_description(
              name.c_str(), new po::untyped_value(row.is_switch()))));
    }
  }
  return description;
}

// "--num_samples=5" as "--num-samples=5".
std::string WithDashes(const std::string& argument) {
  if (!absl::StartsWith(argument, "--")) return argument;
  const size_t end = std::min(argument.find('='), argument.size());
  return absl::StrReplaceAll(argument.substr(0, end), {{"_", "-"}}) +
         argument.substr(end);
}

absl::Status SyntaxError(const po::invalid_command_line_syntax& error) {
  const std::string given = error.get_option_name();
  const absl::string_view name = absl::StripPrefix(given, "--");
  const OptionRow* row = FindOption(name);
  // "--x=" is wrong before anybody asks whether there is an option x.
  if (row == nullptr) return UnknownOption(given, name);
  if (error.kind() == po::invalid_syntax::extra_parameter) {
    return UsageError(absl::StrCat("--", name, " takes no value"));
  }
  return UsageError(
      absl::StrCat("--", name, " needs a value: ", row->value_name));
}

absl::StatusOr<std::vector<po::option>> ParseWithLibrary(
    absl::Span<const std::string> args) {
  std::vector<std::string> arguments;
  for (const std::string& arg : args) arguments.push_back(WithDashes(arg));
  const int style = po::command_line_style::unix_style &
                    ~po::command_line_style::allow_guessing;
  try {
    const po::options_description description = Describe();
    return po::command_line_parser(arguments)
        .options(description)
        .style(style)
        .run()
        .options;
  } catch (const po::unknown_option& error) {
    const std::string name = error.get_option_name();
    return UnknownOption(name, absl::StripPrefix(name, "--"));
  } catch (const po::invalid_command_line_syntax& error) {
    return SyntaxError(error);
  } catch (const po::error& error) {
    return UsageError(Printable(error.what()));
  }
}

// "sync-interval" as it stands behind kEnvironmentPrefix.
std::string InVariable(absl::string_view option_name) {
  return absl::AsciiStrToUpper(absl::StrReplaceAll(option_name, {{"-", "_"}}));
}

absl::Status UnknownVariable(absl::string_view variable,
                             absl::string_view name) {
  std::vector<std::string> known;
  for (const std::string& option : AllOptionNames()) {
    known.push_back(InVariable(option));
  }
  return UsageError(absl::StrCat(
      "the environment has ", Quoted(variable), ", which is no option",
      DidYouMean(InVariable(name), known, "; unset it", kEnvironmentPrefix)));
}

}  // namespace

absl::Status AddGiven(const OptionRow& row, std::string value,
                      OptionSource source, std::string given_as,
                      GivenOptions& given) {
  std::string name(row.is_shorthand() ? row.sets_name : row.name);
  if (row.is_shorthand()) value = std::string(row.sets_value);
  const auto found = given.find(name);
  if (found != given.end()) {
    const GivenOption& earlier = found->second;
    if (earlier.given_as == given_as) {
      return UsageError(absl::StrCat(given_as, " is given twice"));
    }
    if (earlier.value != value) {
      return UsageError(absl::StrCat(earlier.given_as, " and ", given_as,
                                     " contradict each other"));
    }
  }
  given[std::move(name)] = {std::move(value), source, std::move(given_as)};
  return absl::OkStatus();
}

absl::StatusOr<CommandLine> ReadCommandLine(
    absl::Span<const std::string> args) {
  absl::StatusOr<std::vector<po::option>> parsed = ParseWithLibrary(args);
  if (!parsed.ok()) return parsed.status();
  CommandLine line;
  for (const po::option& option : *parsed) {
    const std::string value = option.value.empty() ? "" : option.value[0];
    if (option.position_key >= 0 || option.string_key.empty()) {
      line.arguments.push_back(value);
      continue;
    }
    const OptionRow* row = FindOption(option.string_key);
    if (row == nullptr) return UnknownOption(option.string_key, "");
    const std::string given_as = absl::StrCat("--", option.string_key);
    if (!row->is_switch() && value.empty()) {
      return UsageError(absl::StrCat(given_as, ": the value is empty"));
    }
    absl::Status status =
        AddGiven(*row, row->is_switch() ? "true" : value,
                 OptionSource::kCommandLine, given_as, line.options);
    if (!status.ok()) return status;
  }
  return line;
}

Environment ProcessEnvironment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const absl::string_view text = *entry;
    const size_t equals = text.find('=');
    // A copy of the key would outlive it.
    if (equals == absl::string_view::npos ||
        text.substr(0, equals) == kEncryptionKeyVariable) {
      continue;
    }
    environment.emplace(std::string(text.substr(0, equals)),
                        std::string(text.substr(equals + 1)));
  }
  return environment;
}

absl::StatusOr<GivenOptions> ReadEnvironment(const Environment& environment) {
  GivenOptions given;
  for (const auto& [variable, value] : environment) {
    absl::string_view rest = variable;
    if (!absl::ConsumePrefix(&rest, kEnvironmentPrefix) || value.empty()) {
      continue;
    }
    const std::string name =
        absl::StrReplaceAll(absl::AsciiStrToLower(rest), {{"_", "-"}});
    const OptionRow* row = FindOption(name);
    if (row == nullptr) return UnknownVariable(variable, name);
    if (row->is_shorthand()) {
      const absl::StatusOr<bool> on = ParseBool(value);
      if (!on.ok()) {
        return UsageError(absl::StrCat(variable, ": ", on.status().message()));
      }
      if (!*on) continue;  // "Not the shorthand" says nothing.
    }
    absl::Status status =
        AddGiven(*row, value, OptionSource::kEnvironment, variable, given);
    if (!status.ok()) return status;
  }
  return given;
}

}  // namespace runner
