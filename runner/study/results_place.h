// Where a benchmark's results go: whether they can, and not over those of
// another journal.
#ifndef RUNNER_STUDY_RESULTS_PLACE_H_
#define RUNNER_STUDY_RESULTS_PLACE_H_

#include <string>

#include "absl/status/status.h"
#include "runner/config/options.h"
#include "runner/display/console.h"

namespace runner {

// Whether a file may be made at `results_path`, with the directories that are
// missing, as far as can be told without writing. InvalidArgument, naming what
// is in the way: better before a run of hours than at its end.
absl::Status CheckResultsPlace(const std::string& results_path);

// `results_path`, or, where results of another journal that is still there lie
// in its folder, results.json in the first folder with a suffix _2, _3, … in
// which none do; that is said on the console. `journal` is the absolute path of
// the one whose results these are. Who names the file by --results gets it.
std::string OwnResultsPath(const RunOptions& options, std::string results_path,
                           const std::string& journal, Console& console);

}  // namespace runner

#endif  // RUNNER_STUDY_RESULTS_PLACE_H_
