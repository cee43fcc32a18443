// One table per command says its options; parsing and help are made from it.
#ifndef TOOLS_COMMAND_LINE_H_
#define TOOLS_COMMAND_LINE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace inspector {

struct OptionSpec {
  std::string name;        // Without dashes.
  char short_name = 0;     // 0: none.
  std::string value_name;  // Empty: a switch.
  std::string help;
};

// An option of every command.
inline constexpr char kKeyFileOption[] = "encryption-key-file";

struct CommandSpec {
  std::string name;
  std::string operands;  // "J", "[DIR]": as in the help.
  int operands_min = 0;
  int operands_max = 1;
  std::string summary;  // One line, for the list of commands.
  std::string details;  // For the command's own help; lines of at most 80.
  std::vector<OptionSpec> options;
};

// What was given.
class Arguments {
 public:
  bool Has(absl::string_view option) const;
  // Empty when the option was not given.
  std::string Get(absl::string_view option) const;
  const std::vector<std::string>& operands() const { return operands_; }

 private:
  friend absl::StatusOr<Arguments> ParseArguments(
      const CommandSpec& spec, const std::vector<std::string>& args);

  std::map<std::string, std::string, std::less<>> options_;
  std::vector<std::string> operands_;
};

// InvalidArgument: an unknown option (with the nearest name), a missing or
// superfluous value, too few or too many operands, an option given twice.
// `--help` and `--encryption-key-file` are options of every command.
absl::StatusOr<Arguments> ParseArguments(const CommandSpec& spec,
                                         const std::vector<std::string>& args);

// Fits 80 columns.
std::string HelpText(const CommandSpec& spec);

// A whole number within [min, max]; the error names `option`.
absl::StatusOr<uint64_t> ParseNumber(absl::string_view option,
                                     absl::string_view text, uint64_t min,
                                     uint64_t max);

// "A..B", "A..", "..B", "A": LSNs, both inclusive.
struct LsnRange {
  uint64_t first = 1;
  uint64_t last = UINT64_MAX;
};
absl::StatusOr<LsnRange> ParseLsnRange(absl::string_view text);

}  // namespace inspector

#endif  // TOOLS_COMMAND_LINE_H_
