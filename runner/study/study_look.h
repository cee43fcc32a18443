// Looking at all benchmarks of a study before anything is done.
#ifndef RUNNER_STUDY_STUDY_LOOK_H_
#define RUNNER_STUDY_STUDY_LOOK_H_

#include <vector>

#include "absl/types/optional.h"
#include "journal/cipher.h"
#include "runner/base/signals.h"
#include "runner/config/options.h"
#include "runner/display/console.h"
#include "runner/scoring/scorer.h"
#include "runner/study/cells.h"
#include "runner/study/study_inputs.h"

namespace runner {

// All borrowed.
struct StudyLook {
  const RunOptions* options = nullptr;
  const std::vector<Cell>* cells = nullptr;
  const std::vector<StudyDataset>* datasets = nullptr;
  const Scoring* scoring = nullptr;
  const journal::Cipher* cipher = nullptr;  // May be null.
  Console* console = nullptr;
};

// --info, --validate-only or --dry-run: prints to stdout what there is to say
// of each. Returns the program's exit code.
int LookAtStudy(const StudyLook& study);

// --interactive: shows what would be done, asks, and changes `cells` where new
// journals are to be started. The exit code if nothing is to be done.
absl::optional<int> AskFirst(const StudyLook& study,
                             const SignalCatcher& signals,
                             std::vector<Cell>* cells);

}  // namespace runner

#endif  // RUNNER_STUDY_STUDY_LOOK_H_
