#include "runner/config/merge_options.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runner/base/text.h"
#include "runner/config/option_values.h"

namespace runner {
namespace {

constexpr size_t kInputsMax = 100000;

// The value of `arg`, behind its "=" or the next word.
absl::StatusOr<std::string> ValueOf(const std::string& arg,
                                    absl::Span<const std::string> args,
                                    size_t& i) {
  const size_t equals = arg.find('=');
  std::string value;
  if (equals != std::string::npos) {
    value = arg.substr(equals + 1);
  } else if (i + 1 < args.size()) {
    value = args[++i];
  }
  if (!value.empty()) return value;
  return absl::InvalidArgumentError(
      absl::StrCat(arg.substr(0, equals), " needs a value"));
}

absl::Status Unknown(absl::string_view name) {
  return absl::InvalidArgumentError(absl::StrCat(
      "merge: unknown option ", Quoted(name),
      DidYouMean(name,
                 {"--output", "--encryption-key-file", "--quiet", "--help"},
                 "; merge --help lists all of them")));
}

}  // namespace

absl::StatusOr<MergeOptions> ParseMergeOptions(
    absl::Span<const std::string> args) {
  MergeOptions options;
  bool only_inputs = false;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    const std::string name = arg.substr(0, arg.find('='));
    std::string* value = name == "--output" ? &options.output
                         : name == "--encryption-key-file"
                             ? &options.encryption_key_file
                             : nullptr;
    if (only_inputs || !absl::StartsWith(arg, "-") || arg == "-") {
      options.inputs.push_back(arg);
    } else if (arg == "--") {
      only_inputs = true;
    } else if (arg == "--help" || arg == "-h") {
      options.help = true;
      return options;
    } else if (arg == "--quiet" || arg == "-q") {
      options.quiet = true;
    } else if (value != nullptr) {
      absl::StatusOr<std::string> given = ValueOf(arg, args, i);
      if (!given.ok()) return given.status();
      *value = *std::move(given);
    } else {
      return Unknown(name);
    }
  }
  if (options.inputs.empty()) {
    return absl::InvalidArgumentError(
        "merge: which journals? Give them, or directories that hold them");
  }
  if (options.inputs.size() > kInputsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("merge: more than ", kInputsMax, " journals"));
  }
  if (options.output.empty()) {
    return absl::InvalidArgumentError(
        "merge: --output is missing: where should the journal go?");
  }
  return options;
}

std::string MergeHelpText() {
  return "Usage: bench-runner merge JOURNAL|DIR... --output JOURNAL\n"
         "\n"
         "Makes one journal of those of all shards of a benchmark (--shard "
         "i/n), each\n"
         "finished. It can be resumed like any other; the shards stay as they "
         "are. A DIR\n"
         "stands for the journals in it.\n"
         "\n"
         "  --output JOURNAL             the new journal; it must not exist\n"
         "  --encryption-key-file FILE   of encrypted journals; the new one is "
         "encrypted\n"
         "                               too\n"
         "  -q, --quiet                  errors only\n"
         "\n"
         "Exit codes: 0 done; 2 a shard is missing, unfinished or there twice; "
         "11 damage;\n"
         "12 in use; 13 another configuration, selection or dataset.\n";
}

}  // namespace runner
