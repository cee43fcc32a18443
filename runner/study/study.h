// A study: one benchmark for each dataset, model and method, one after the
// other.
#ifndef RUNNER_STUDY_STUDY_H_
#define RUNNER_STUDY_STUDY_H_

#include "journal/cipher.h"
#include "runner/config/command.h"
#include "runner/display/progress_display.h"

namespace runner {

// Checks everything that can be checked before anything is asked, runs the
// benchmarks, and prints the table of scores to stdout (nothing with quiet,
// JSON with json). Returns the program's exit code; of several benchmarks that
// ended differently the gravest (GraverCode). One whose journal is in use,
// differs or is damaged costs itself only; a full disk, a limit and what does
// not start end the study.
// `cipher`, which is borrowed, encrypts the journals; null: plain.
int RunStudy(const Command& command, const journal::Cipher* cipher,
             ProgressDisplay& display);

}  // namespace runner

#endif  // RUNNER_STUDY_STUDY_H_
