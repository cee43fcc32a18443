// bench-runner: runs a benchmark, and goes on where it stopped.

#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
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
#include "runner/display/log_file.h"
#include "runner/display/progress_display.h"
#include "runner/storage/journal_access.h"
#include "runner/study/estimate_command.h"
#include "runner/study/merge_command.h"
#include "runner/study/resume_command.h"
#include "runner/study/study.h"

namespace runner {
namespace {

// Larger blocks go back to the system when they are freed. Without a word from
// us glibc raises this with each of them, and lists of a million rows would
// stay among small things that still live.
constexpr int kMappedBytesMin = 256 << 10;

// Most threads of a run wait most of the time, and would each keep what it has
// freed in an arena of its own.
constexpr int kArenasMax = 4;

std::string VersionText() {
  return absl::StrCat("bench-runner ", kVersion, " (commit ", BuildCommit(),
                      ", journal format ", journal::kFormatVersion, ")");
}

// What the command line leaves to a journal to say.
absl::optional<Refusal> Complete(Command& command,
                                 const journal::Cipher* cipher) {
  bool imports = false;
  absl::optional<Refusal> refusal = PrepareImport(command, &imports);
  if (refusal.has_value() || imports) return refusal;
  JournalAccess access;
  access.cipher = cipher;
  if (command.action == Action::kResume || command.action == Action::kRescore) {
    return PrepareResume(access, command);
  }
  if (command.run.resume_from.empty()) return absl::nullopt;
  absl::StatusOr<NamedJournal> found =
      FindNamedJournal(command.run.resume_from, command.run.journal_dir);
  if (!found.ok()) {
    return Refusal{kExitUsage, std::string(found.status().message())};
  }
  command.run.resume_from = std::move(found->directory);
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
  const absl::StatusOr<StudyEstimate> estimate = EstimateStudy(command, access);
  if (!estimate.ok()) return UsageFailure(estimate.status());
  std::fputs(estimate->text.c_str(), stdout);
  return std::fflush(stdout) == 0 ? estimate->exit_code : kExitOperation;
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

// For what is said before there is a display.
int Fail(LogFile* log, absl::string_view message, int exit_code) {
  std::fprintf(stderr, "bench-runner: %s\n", std::string(message).c_str());
  if (log != nullptr) {
    log->Append(LogLines(message, absl::Now(), absl::LocalTimeZone()));
  }
  return exit_code;
}

// Null if there is none. Who only looks writes nothing.
std::unique_ptr<LogFile> OpenLog(const RunOptions& options) {
  if (options.log_file.empty() || options.looks_only()) return nullptr;
  return std::make_unique<LogFile>(options.log_file,
                                   [](absl::string_view message) {
                                     std::fprintf(stderr, "bench-runner: %s\n",
                                                  std::string(message).c_str());
                                   });
}

int RunCommand(Command& command) {
  const RunOptions& options = command.run;
  const std::unique_ptr<LogFile> log = OpenLog(options);
  const absl::StatusOr<std::unique_ptr<journal::Cipher>> cipher =
      TakeEncryptionKey(options.encryption_key_file);
  if (!cipher.ok()) {
    return Fail(log.get(), Printable(cipher.status().message()), kExitUsage);
  }
  if (command.file.needs_key && *cipher == nullptr) {
    return Fail(log.get(),
                absl::StrCat("the configuration asks for encryption: give "
                             "--encryption-key-file or $",
                             kEncryptionKeyVariable),
                kExitUsage);
  }
  if (absl::optional<Refusal> refusal = Complete(command, cipher->get());
      refusal.has_value()) {
    return Fail(log.get(), refusal->message, refusal->exit_code);
  }
  ProgressDisplay::Options shown = ProgressDisplay::Options::ForFlags(
      options.quiet, !options.progress_bar, options.json, options.verbose);
  if (log != nullptr) {
    shown.log = [&log](absl::string_view lines) { log->Append(lines); };
  }
  for (const std::string& note : command.file.notes) {
    if (!options.quiet) std::fprintf(stderr, "%s\n", Printable(note).c_str());
    if (log != nullptr) {
      log->Append(LogLines(note, absl::Now(), absl::LocalTimeZone()));
    }
  }
  if (command.action == Action::kEstimate) {
    return PrintEstimate(command, cipher->get());
  }
  ProgressDisplay display(std::move(shown));
  return RunStudy(command, cipher->get(), display);
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
  return RunCommand(*command);
}

}  // namespace
}  // namespace runner

int main(int argc, char** argv) {
  mallopt(M_MMAP_THRESHOLD, runner::kMappedBytesMin);
  mallopt(M_ARENA_MAX, runner::kArenasMax);
  const std::vector<std::string> args(argv + 1, argv + argc);
  runner::HideApiKey(argc, argv);
  return runner::Main(args);
}
