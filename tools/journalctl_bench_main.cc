#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tools/journalctl_bench.h"

namespace {

inspector::Style StyleOfStdout() {
  inspector::Style style;
  style.terminal = isatty(STDOUT_FILENO) == 1;
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  const bool dumb = term != nullptr && std::string(term) == "dumb";
  style.colour =
      style.terminal && !dumb && (no_color == nullptr || no_color[0] == '\0');
  style.moves = style.terminal && term != nullptr && !dumb;
  style.zone = absl::LocalTimeZone();
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    style.columns = size.ws_col;
  }
  return style;
}

// The signal that came while waiting; 0: none.
int came = 0;

// A signal that comes while a command waits lets it clean up. At any other time
// it ends the program at once, as it does any that only reads.
bool Wait(absl::Duration interval) {
  sigset_t signals, before;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&signals, signal);
  }
  sigprocmask(SIG_BLOCK, &signals, &before);
  const timespec time = absl::ToTimespec(interval);
  const int signal = sigtimedwait(&signals, nullptr, &time);
  if (signal > 0) came = signal;
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return signal <= 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  inspector::Context context{std::cout, std::cerr, StyleOfStdout(), Wait};
  const int exit_code = inspector::RunJournalctlBench(
      std::vector<std::string>(argv + 1, argv + argc), context);
  if (came == 0) return exit_code;
  std::cout.flush();
  raise(came);
  return 128 + came;
}
