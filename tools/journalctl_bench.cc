#include "tools/journalctl_bench.h"

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "journal/cipher.h"
#include "journal/format.h"
#include "runner/base/text.h"
#include "runner/base/version.h"
#include "runner/config/encryption_key.h"
#include "runner/config/option_values.h"
#include "tools/dump_command.h"
#include "tools/info_command.h"
#include "tools/list_command.h"
#include "tools/repair_command.h"
#include "tools/show_command.h"
#include "tools/snapshot_command.h"
#include "tools/verify_command.h"
#include "tools/watch_command.h"

namespace inspector {
namespace {

std::vector<const Command*> Commands() {
  return {&ListCommand(),     &InfoCommand(), &ShowCommand(),
          &VerifyCommand(),   &DumpCommand(), &RepairCommand(),
          &SnapshotCommand(), &WatchCommand()};
}

std::string Overview() {
  std::string text =
      "Usage: journalctl-bench COMMAND [options] J\n"
      "\n"
      "Looks into a benchmark's journal: living, finished, torn or damaged.\n"
      "\n";
  for (const Command* command : Commands()) {
    absl::StrAppendFormat(&text, "  %-8s %s\n", command->spec.name,
                          command->spec.summary);
  }
  absl::StrAppend(
      &text,
      "\n"
      "J is a journal's directory, or a run id (or latest) in journals/. All\n"
      "but repair and snapshot need no write permission, take no lock and\n"
      "change nothing. Encrypted journals want --encryption-key-file FILE, or\n"
      "the key in BENCH_JOURNAL_KEY; what needs no key works without.\n"
      "journalctl-bench COMMAND --help says more; --version names the "
      "version.\n"
      "\n"
      "Exit codes: 0 done, 1 an operation failed, 2 usage, 10 a torn tail\n"
      "only, 11 acknowledged data is damaged or missing, 12 in use by a "
      "living\n"
      "process, 14 written by a newer version.\n");
  return text;
}

std::string VersionText() {
  return absl::StrCat("journalctl-bench ", runner::kVersion,
                      ", journal format ", journal::kFormatVersion, ", commit ",
                      std::string(runner::BuildCommit()), "\n");
}

int UnknownCommand(const std::string& name, Context& context) {
  std::vector<std::string> names;
  for (const Command* command : Commands()) {
    names.push_back(command->spec.name);
  }
  return Fail(
      context, kExitUsage,
      absl::StrCat("unknown command ", runner::Quoted(name),
                   runner::DidYouMean(name, names,
                                      "; journalctl-bench --help lists all")));
}

int RunCommand(const Command& command, const std::vector<std::string>& args,
               Context& context) {
  const absl::StatusOr<Arguments> arguments =
      ParseArguments(command.spec, args);
  if (!arguments.ok()) {
    return Fail(context, kExitUsage, std::string(arguments.status().message()));
  }
  if (arguments->Has("help")) {
    context.out << HelpText(command.spec);
    return kExitOk;
  }
  const absl::StatusOr<std::unique_ptr<journal::Cipher>> cipher =
      runner::TakeEncryptionKey(arguments->Get(kKeyFileOption));
  if (!cipher.ok()) return Fail(context, cipher.status());
  context.cipher = cipher->get();
  const int exit_code = command.run(*arguments, context);
  context.cipher = nullptr;
  return exit_code;
}

int Dispatch(const std::vector<std::string>& args, Context& context) {
  if (args.empty()) {
    context.err << Overview();
    return kExitUsage;
  }
  const std::string& name = args[0];
  if (name == "--version") {
    context.out << VersionText();
    return kExitOk;
  }
  const std::vector<std::string> rest(args.begin() + 1, args.end());
  if (name == "--help" || name == "-h" || name == "help") {
    if (name == "help" && !rest.empty()) {
      return Dispatch({rest[0], "--help"}, context);
    }
    context.out << Overview();
    return kExitOk;
  }
  for (const Command* command : Commands()) {
    if (command->spec.name == name) return RunCommand(*command, rest, context);
  }
  return UnknownCommand(name, context);
}

}  // namespace

int RunJournalctlBench(const std::vector<std::string>& args, Context& context) {
  const int exit_code = Dispatch(args, context);
  context.out.flush();
  // An answer that did not arrive is no answer.
  if (!context.out) {
    return Fail(context, kExitFailed, "the output could not be written");
  }
  return exit_code;
}

}  // namespace inspector
