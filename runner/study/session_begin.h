// The begin of a session, and what differs from the session before.
#ifndef RUNNER_STUDY_SESSION_BEGIN_H_
#define RUNNER_STUDY_SESSION_BEGIN_H_

#include <cstdint>

#include "absl/status/status.h"
#include "runner/config/options.h"
#include "runner/display/console.h"
#include "runner/study/journal_entry.h"

namespace runner {

// Journals the session and, of a resumed journal, each operation option that
// has another value than in its newest session, which is said as well. Errors:
// those of BenchmarkJournal.
absl::Status BeginSession(const RunOptions& options, uint32_t workers,
                          EnteredJournal& entered, Console& console);

}  // namespace runner

#endif  // RUNNER_STUDY_SESSION_BEGIN_H_
