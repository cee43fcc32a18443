// bench-runner: runs a benchmark, and goes on where it stopped.

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "journal/format.h"
#include "runner/base/exit_code.h"
#include "runner/base/printable.h"
#include "runner/base/version.h"
#include "runner/config/api_key.h"
#include "runner/config/command.h"
#include "runner/config/encryption_key.h"
#include "runner/config/merge_options.h"
#include "runner/display/console.h"
#include "runner/display/progress_display.h"
#include "runner/storage/journal_access.h"
#include "runner/study/estimate_command.h"
#include "runner/study/merge_command.h"
#include "runner/study/resume_command.h"
#include "runner/study/study.h"

namespace runner {
namespace {

std::string VersionText() {
  return absl::StrCat("bench-runner ", kVersion, " (commit ", BuildCommit(),
                      ", journal format ", journal::kFormatVersion, ")");
}

// What the command line leaves to a journal to say.
absl::optional<Refusal> Complete(Command& command,
                                 const journal::Cipher* cipher) {
  JournalAccess access;
  access.cipher = cipher;
  if (command.action == Action::kResume || command.action == Action::kRescore) {
    return PrepareResume(access, command);
  }
  if (command.run.resume_from.empty()) return absl::nullopt;
  absl::StatusOr<std::string> directory =
      FindNamedJournal(command.run.resume_from, command.run.journal_dir);
  if (!directory.ok()) {
    return Refusal{kExitUsage, std::string(directory.status().message())};
  }
  command.run.resume_from = *std::move(directory);
  return absl::nullopt;
}

int UsageFailure(const absl::Status& status) {
  std::fprintf(stderr, "bench-runner: %s\n",
               Printable(status.message()).c_str());
  return kExitUsage;
}

int PrintEstimate(const Command& command, const journal::Cipher* cipher) {
  JournalAccess access;
  access.cipher = cipher;
  const absl::StatusOr<std::string> text = EstimateStudy(command, access);
  if (!text.ok()) return UsageFailure(text.status());
  std::fputs(text->c_str(), stdout);
  return std::fflush(stdout) == 0 ? kExitDone : kExitOperation;
}

int Merge(absl::Span<const std::string> args) {
  const absl::StatusOr<MergeOptions> options = ParseMergeOptions(args);
  if (!options.ok()) return UsageFailure(options.status());
  if (options->help) {
    std::fputs(MergeHelpText().c_str(), stdout);
    return kExitDone;
  }
  const absl::StatusOr<std::unique_ptr<journal::Cipher>> cipher =
      TakeEncryptionKey(options->encryption_key_file);
  if (!cipher.ok()) return UsageFailure(cipher.status());
  ProgressDisplay display(
      ProgressDisplay::Options::ForFlags(options->quiet, true, false, false));
  return RunMerge(*options, cipher->get(), *NewDisplayConsole(display));
}

int Main(const std::vector<std::string>& args) {
  if (!args.empty() && args[0] == kMergeCommand) {
    return Merge(absl::MakeConstSpan(args).subspan(1));
  }
  absl::StatusOr<Command> command =
      ParseCommand(args, ProcessEnvironment(), VersionText());
  if (!command.ok()) {
    std::fprintf(stderr, "bench-runner: %s\n",
                 Printable(command.status().message()).c_str());
    return kExitUsage;
  }
  if (command->action == Action::kShow) {
    std::fputs(command->text.c_str(), stdout);
    return kExitDone;
  }
  const RunOptions& options = command->run;
  const absl::StatusOr<std::unique_ptr<journal::Cipher>> cipher =
      TakeEncryptionKey(options.encryption_key_file);
  if (!cipher.ok()) {
    std::fprintf(stderr, "bench-runner: %s\n",
                 Printable(cipher.status().message()).c_str());
    return kExitUsage;
  }
  if (command->file.needs_key && *cipher == nullptr) {
    std::fprintf(stderr,
                 "bench-runner: the configuration asks for encryption: give "
                 "--encryption-key-file or $%s\n",
                 kEncryptionKeyVariable);
    return kExitUsage;
  }
  if (absl::optional<Refusal> refusal = Complete(*command, cipher->get());
      refusal.has_value()) {
    std::fprintf(stderr, "bench-runner: %s\n", refusal->message.c_str());
    return refusal->exit_code;
  }
  if (!options.quiet) {
    for (const std::string& note : command->file.notes) {
      std::fprintf(stderr, "%s\n", Printable(note).c_str());
    }
  }
  if (command->action == Action::kEstimate) {
    return PrintEstimate(*command, cipher->get());
  }
  ProgressDisplay display(ProgressDisplay::Options::ForFlags(
      options.quiet, !options.progress_bar, options.json, options.verbose));
  return RunStudy(*command, cipher->get(), display);
}

}  // namespace
}  // namespace runner

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  runner::HideApiKey(argc, argv);
  return runner::Main(args);
}
