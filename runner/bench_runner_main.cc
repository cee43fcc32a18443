// bench-runner: runs a benchmark, and goes on where it stopped.

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/format.h"
#include "runner/base/exit_code.h"
#include "runner/base/printable.h"
#include "runner/base/version.h"
#include "runner/config/api_key.h"
#include "runner/config/encryption_key.h"
#include "runner/config/options.h"
#include "runner/display/progress_display.h"
#include "runner/study/study.h"

namespace runner {
namespace {

std::string VersionText() {
  return absl::StrCat("bench-runner ", kVersion, " (commit ", BuildCommit(),
                      ", journal format ", journal::kFormatVersion, ")");
}

int Main(const std::vector<std::string>& args) {
  const absl::StatusOr<Command> command =
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
  ProgressDisplay display(ProgressDisplay::Options::ForFlags(
      options.quiet, !options.progress_bar, options.json, options.verbose));
  return RunStudy(options, cipher->get(), display);
}

}  // namespace
}  // namespace runner

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  runner::HideApiKey(argc, argv);
  return runner::Main(args);
}
