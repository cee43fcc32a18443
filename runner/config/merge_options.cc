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
  return R"(Usage: bench-runner merge JOURNAL|DIR... --output JOURNAL

Makes one journal of those of all shards of a benchmark (--shard I/N), each
finished. It can be resumed, rescored and extended like any other. The shards
stay as they are; a journal that is given twice counts once. Missing,
unfinished and overlapping shards are refused by name, and then nothing is
written.

  JOURNAL  the directory of a shard's journal
  DIR      stands for all journals in it

Options
  --output JOURNAL             the new journal; it must not exist
  --encryption-key-file FILE   of encrypted journals; the new one is encrypted,
                               too; or the key in $BENCH_JOURNAL_KEY (hex)
  -q, --quiet                  errors only
  -h, --help                   this page

Exit codes: 0 done; 1 an operation failed; 2 usage, or a shard is missing,
unfinished or there twice; 11 a journal is damaged; 12 one is in use; 13 they
differ in configuration, selection or dataset; 14 one is of a newer version.

Examples
  bench-runner merge shards --output journals/whole
  bench-runner merge j/R_s1of2 j/R_s2of2 --output journals/R
)";
}

}  // namespace runner
