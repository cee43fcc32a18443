#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tools/journalctl_bench.h"

namespace {

inspector::Style StyleOfStdout() {
  inspector::Style style;
  style.terminal = isatty(STDOUT_FILENO) == 1;
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  style.colour = style.terminal &&
                 (no_color == nullptr || no_color[0] == '\0') &&
                 (term == nullptr || std::string(term) != "dumb");
  style.zone = absl::LocalTimeZone();
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    style.columns = size.ws_col;
  }
  return style;
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  inspector::Context context{std::cout, std::cerr, StyleOfStdout(),
                             [](absl::Duration interval) {
                               absl::SleepFor(interval);
                               return true;
                             }};
  return inspector::RunJournalctlBench(
      std::vector<std::string>(argv + 1, argv + argc), context);
}
