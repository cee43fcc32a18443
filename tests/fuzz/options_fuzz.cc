// The command lines of bench-runner and journalctl-bench.
//
// Input: arguments, one on each line; "$NAME=VALUE" sets an environment
// variable.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "runner/base/json.h"
#include "runner/config/command.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/text_checks.h"
#include "tools/command_line.h"
#include "tools/record_filter.h"

namespace {

constexpr size_t kArgumentsMax = 64;

void CheckMessage(const absl::Status& status) {
  FUZZ_CHECK(fuzz::IsSafeForTerminal(status.message()));
  FUZZ_CHECK(fuzz::IsPlainOrder(status.message()));
}

void TryRunner(const std::vector<std::string>& args,
               const runner::Environment& environment) {
  const auto command = runner::ParseCommand(args, environment, "1.0");
  if (!command.ok()) {
    CheckMessage(command.status());
    return;
  }
  FUZZ_CHECK((command->action == runner::Action::kShow) ==
             !command->text.empty());
  if (command->action != runner::Action::kRun) return;
  FUZZ_CHECK(!command->run.dataset.empty());
  FUZZ_CHECK(runner::ParseJson(runner::ConfigJson(command->run)).ok());
}

// The options of `show`, with which most values are parsed.
const inspector::CommandSpec& ShowSpec() {
  static const auto& spec =
      *new inspector::CommandSpec{.name = "show",
                                  .operands = "J",
                                  .operands_min = 1,
                                  .operands_max = 1,
                                  .summary = "",
                                  .details = "",
                                  .options = {{"run", 0, "N", ""},
                                              {"query-id", 'q', "GLOB", ""},
                                              {"status", 0, "STATUS", ""},
                                              {"type", 0, "TYPE", ""},
                                              {"since", 0, "TIME", ""},
                                              {"until", 0, "TIME", ""},
                                              {"lsn", 0, "A..B", ""},
                                              {"reverse", 'r', "", ""}}};
  return spec;
}

void TryInspector(const std::vector<std::string>& args) {
  const auto arguments = inspector::ParseArguments(ShowSpec(), args);
  if (!arguments.ok()) {
    CheckMessage(arguments.status());
    return;
  }
  const auto filter =
      inspector::ParseFilterOptions(*arguments, absl::UTCTimeZone());
  if (!filter.ok()) CheckMessage(filter.status());
}

void TryValue(const std::string& text) {
  const auto time = inspector::ParseTime(
      text, absl::FromUnixSeconds(1760000000), absl::UTCTimeZone());
  if (!time.ok()) CheckMessage(time.status());
  const auto range = inspector::ParseLsnRange(text);
  if (!range.ok()) CheckMessage(range.status());
  const auto number = inspector::ParseNumber("n", text, 3, 1000);
  if (!number.ok()) CheckMessage(number.status());
  FUZZ_CHECK(!number.ok() || (*number >= 3 && *number <= 1000));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::FuzzInput input(data, size);
  std::vector<std::string> args;
  runner::Environment environment;
  for (size_t i = 0; i < kArgumentsMax && !input.empty(); ++i) {
    absl::string_view line = input.TakeLine();
    if (!absl::ConsumePrefix(&line, "$")) {
      args.emplace_back(line);
      continue;
    }
    const size_t equals = line.find('=');
    if (equals == absl::string_view::npos) continue;
    environment[std::string(line.substr(0, equals))] =
        std::string(line.substr(equals + 1));
  }
  TryRunner(args, environment);
  TryInspector(args);
  for (const std::string& arg : args) TryValue(arg);
  return 0;
}
