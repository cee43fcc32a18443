// How a run that is watched looks: on a screen, as a line, as JSON.
#ifndef TOOLS_WATCH_TEXT_H_
#define TOOLS_WATCH_TEXT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tools/run_watch.h"
#include "tools/style.h"

namespace inspector {

struct ScreenSize {
  size_t columns = 80;
  size_t rows = 24;
  bool utf8 = true;
};

// Fewer lines than the screen has rows, none wider than it, without their ends.
//
//   gsm8k/gpt-4:  32%|███▏      | 3,240/10,000 [15:32<32:45, 3.50 queries/s, …
//   running, pid 12, session 2, 8 workers, 9 under way, updated 15:47:23
//   snapshot 0000000003.manifest up to LSN 7154, made 15:40:02
//   ERROR         COUNT      LAST  NEWEST
//   rate_limit       12  15:46:11  q17 (run 2): 429 Too Many Requests
std::vector<std::string> WatchScreen(const WatchedRun& run, const Style& style,
                                     const ScreenSize& size);

// One line with its end: the time, bench-runner's own words, what it cost, the
// newest error, who writes it.
std::string WatchLine(const WatchedRun& run, const Style& style,
                      absl::Time now);

// One line with its end; an object with a "format" number.
std::string WatchJson(const WatchedRun& run, absl::Time now);

}  // namespace inspector

#endif  // TOOLS_WATCH_TEXT_H_
