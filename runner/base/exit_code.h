// How the programs end, and why a run that cannot go on does not.
#ifndef RUNNER_BASE_EXIT_CODE_H_
#define RUNNER_BASE_EXIT_CODE_H_

#include <string>

#include "absl/status/status.h"

namespace runner {

// Shared by all programs; part of their interface.
enum ExitCode {
  kExitDone = 0,
  kExitOperation = 1,    // I/O; what was journaled is kept.
  kExitUsage = 2,        // Nothing was started.
  kExitFailures = 3,     // Finished, but some queries failed.
  kExitTornTail = 10,    // Nothing acknowledged is lost.
  kExitDamage = 11,      // Acknowledged data is damaged or missing.
  kExitLocked = 12,      // A living process has the journal.
  kExitDifference = 13,  // Configuration or dataset differs.
  kExitNewer = 14,       // Written by a newer version.
  kExitLimit = 15,
  kExitBelowMinimum = 100,
  kExitSignal = 128,  // Plus the signal's number.
};

// Of an error that a call returned.
int ExitCodeOf(const absl::Status& status);

// Of two benchmarks that ended, or would end, differently: with what the
// program ends. A signal goes before all others, since the same command goes
// on; then what somebody has to look at: 11, 14, 13, 12, 2, 1; then 15, 10, 3,
// 100, 0.
int GraverCode(int a, int b);

// Why a benchmark does not start or go on: what happened, where, what is safe,
// and what to do next.
struct Refusal {
  int exit_code = kExitOperation;
  std::string message;
};

}  // namespace runner

#endif  // RUNNER_BASE_EXIT_CODE_H_
