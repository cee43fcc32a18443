// What limits keep a study from, found out without running it.
#ifndef RUNNER_STUDY_LOOK_LIMITS_H_
#define RUNNER_STUDY_LOOK_LIMITS_H_

#include <vector>

#include "absl/types/span.h"
#include "runner/config/options.h"
#include "runner/storage/journal_access.h"
#include "runner/study/benchmark_look.h"

namespace runner {

// Refuses, with kExitLimit, what a run would not ask: where the limits are
// reached by what the journals of all `looks` together say was spent, or one on
// failures stands. `options` are the study's. What cannot be read limits
// nothing, as in a run.
void ApplyLimits(const RunOptions& options, const JournalAccess& access,
                 absl::Span<BenchmarkLook> looks);

}  // namespace runner

#endif  // RUNNER_STUDY_LOOK_LIMITS_H_
