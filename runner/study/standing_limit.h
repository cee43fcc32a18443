// A limit on failures that stopped the session before this one.
#ifndef RUNNER_STUDY_STANDING_LIMIT_H_
#define RUNNER_STUDY_STANDING_LIMIT_H_

#include "absl/types/optional.h"
#include "runner/config/run_limits.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/storage/records.h"
#include "runner/study/limits.h"

namespace runner {

// What was in flight when it was reached may since have brought failures, or
// their share, below it. It holds all the same until a larger one is given: the
// same command must not ask a few more each time. nullopt where it does not
// hold, or cannot be read. Other limits are never fallen below.
absl::optional<LimitReached> StandingLimit(const RunLimits& limits,
                                           const BenchmarkJournal& journal);

// The same for the record of it that holds.
absl::optional<LimitReached> StandingLimit(const RunLimits& limits,
                                           const LimitRecord& record);

// The limit as it is journaled; a share is told apart from a count.
LimitRecord RecordOf(const LimitReached& limit);

}  // namespace runner

#endif  // RUNNER_STUDY_STANDING_LIMIT_H_
