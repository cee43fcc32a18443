#include "tools/command_line.h"

#include <algorithm>
#include <boost/make_shared.hpp>
#include <boost/program_options.hpp>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "runner/base/help_text.h"
#include "runner/base/printable.h"
#include "runner/base/text.h"
#include "runner/config/option_values.h"

namespace inspector {
namespace {

namespace po = boost::program_options;

constexpr size_t kHelpColumn = 28;
constexpr char kHelpOption[] = "help";

absl::Status Usage(const CommandSpec& spec, absl::string_view message) {
  return absl::InvalidArgumentError(
      absl::StrCat(message, "; see journalctl-bench ", spec.name, " --help"));
}

std::vector<OptionSpec> AllOptions(const CommandSpec& spec) {
  std::vector<OptionSpec> options = spec.options;
  options.push_back(
      {kKeyFileOption, 0, "F",
       "the key of an encrypted journal: 32 bytes or 64 hex digits; without "
       "it, BENCH_JOURNAL_KEY"});
  options.push_back({kHelpOption, 'h', "", "this page"});
  return options;
}

const OptionSpec* Find(const std::vector<OptionSpec>& options,
                       absl::string_view name) {
  for (const OptionSpec& option : options) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

absl::Status UnknownOption(const CommandSpec& spec, const std::string& given) {
  std::vector<std::string> names;
  for (const OptionSpec& option : AllOptions(spec)) {
    names.push_back(option.name);
  }
  absl::string_view name = given;
  while (absl::ConsumePrefix(&name, "-")) {
  }
  return Usage(spec, absl::StrCat("unknown option ", runner::Quoted(given),
                                  runner::DidYouMean(name, names,
                                                     /*otherwise=*/"", "--")));
}

absl::Status SyntaxError(const CommandSpec& spec,
                         const po::invalid_command_line_syntax& error) {
  const std::string given = error.get_option_name();
  const absl::string_view name = absl::StripPrefix(given, "--");
  // "--x=" is wrong before anybody asks whether there is an option x.
  if (Find(AllOptions(spec), name) == nullptr) {
    return UnknownOption(spec, given);
  }
  if (error.kind() == po::invalid_syntax::extra_parameter) {
    return Usage(spec, absl::StrCat("--", name, " takes no value"));
  }
  return Usage(spec, absl::StrCat("--", name, " needs a value"));
}

absl::StatusOr<std::vector<po::option>> ParseWithLibrary(
    const CommandSpec& spec, const std::vector<std::string>& args) {
  const int style = po::command_line_style::unix_style &
                    ~po::command_line_style::allow_guessing;
  try {
    po::options_description description;
    for (const OptionSpec& option : AllOptions(spec)) {
      std::string name = option.name;
      if (option.short_name != 0) name += {',', option.short_name};
      description.add(boost::make_shared<po::option_description>(
          name.c_str(),
          new po::untyped_value(/*zero_tokens=*/option.value_name.empty())));
    }
    return po::command_line_parser(args)
        .options(description)
        .style(style)
        .run()
        .options;
  } catch (const po::unknown_option& error) {
    return UnknownOption(spec, error.get_option_name());
  } catch (const po::invalid_command_line_syntax& error) {
    return SyntaxError(spec, error);
  } catch (const po::error& error) {
    return Usage(spec, runner::Printable(error.what()));
  }
}

}  // namespace

bool Arguments::Has(absl::string_view option) const {
  return options_.count(std::string(option)) > 0;
}

std::string Arguments::Get(absl::string_view option) const {
  const auto found = options_.find(std::string(option));
  return found == options_.end() ? "" : found->second;
}

absl::StatusOr<Arguments> ParseArguments(const CommandSpec& spec,
                                         const std::vector<std::string>& args) {
  const std::vector<OptionSpec> options = AllOptions(spec);
  absl::StatusOr<std::vector<po::option>> parsed = ParseWithLibrary(spec, args);
  if (!parsed.ok()) return parsed.status();
  Arguments arguments;
  for (const po::option& option : *parsed) {
    const std::string value = option.value.empty() ? "" : option.value[0];
    if (option.position_key >= 0 || option.string_key.empty()) {
      arguments.operands_.push_back(value);
      continue;
    }
    // The library gives a short option as "-n".
    const OptionSpec* found = Find(options, option.string_key);
    if (found == nullptr) return UnknownOption(spec, option.string_key);
    if (!found->value_name.empty() && value.empty()) {
      return Usage(spec, absl::StrCat("--", found->name, " needs a value"));
    }
    if (!arguments.options_.emplace(found->name, value).second &&
        !found->value_name.empty()) {
      return Usage(spec, absl::StrCat("--", found->name, " is given twice"));
    }
  }
  if (arguments.Has(kHelpOption)) return arguments;
  const int count = static_cast<int>(arguments.operands_.size());
  if (count < spec.operands_min) {
    return Usage(spec, absl::StrCat(spec.name, " needs ", spec.operands));
  }
  if (count > spec.operands_max) {
    return Usage(
        spec,
        absl::StrCat("unexpected argument ",
                     runner::Quoted(arguments.operands_[spec.operands_max])));
  }
  return arguments;
}

std::string HelpText(const CommandSpec& spec) {
  std::string out =
      absl::StrCat("Usage: journalctl-bench ", spec.name, " [options] ",
                   spec.operands, "\n\n", spec.summary, "\n");
  if (!spec.details.empty()) absl::StrAppend(&out, "\n", spec.details);
  absl::StrAppend(&out, "\nOptions\n");
  for (const OptionSpec& option : AllOptions(spec)) {
    std::string line =
        option.short_name == 0
            ? "      "
            : absl::StrCat("  -", std::string(1, option.short_name), ", ");
    absl::StrAppend(&line, "--", option.name);
    if (!option.value_name.empty()) {
      absl::StrAppend(&line, " ", option.value_name);
    }
    runner::AppendHelpRow(line, kHelpColumn, option.help, out);
  }
  return out;
}

absl::StatusOr<uint64_t> ParseNumber(absl::string_view option,
                                     absl::string_view text, uint64_t min,
                                     uint64_t max) {
  absl::StatusOr<uint64_t> number = runner::ParseCount(text, min, max);
  if (number.ok()) return number;
  return absl::InvalidArgumentError(
      absl::StrCat(option, ": ", number.status().message()));
}

absl::StatusOr<LsnRange> ParseLsnRange(absl::string_view text) {
  LsnRange range;
  const std::pair<absl::string_view, absl::string_view> ends =
      absl::StrSplit(text, absl::MaxSplits("..", 1));
  const bool is_range = text.find("..") != absl::string_view::npos;
  const bool first_good = ends.first.empty()
                              ? is_range && text != ".."
                              : absl::SimpleAtoi(ends.first, &range.first);
  if (!is_range) range.last = range.first;
  const bool last_good = !is_range || ends.second.empty() ||
                         absl::SimpleAtoi(ends.second, &range.last);
  if (first_good && last_good && range.first <= range.last) return range;
  return absl::InvalidArgumentError(
      absl::StrCat("--lsn ", runner::Quoted(text),
                   " is no range of LSNs: A..B, A.., ..B or A"));
}

}  // namespace inspector
