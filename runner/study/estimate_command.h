// `bench-runner estimate`: calls, tokens and cost before a run.
#ifndef RUNNER_STUDY_ESTIMATE_COMMAND_H_
#define RUNNER_STUDY_ESTIMATE_COMMAND_H_

#include <string>

#include "absl/status/statusor.h"
#include "runner/config/command.h"
#include "runner/storage/journal_access.h"

namespace runner {

// What `run` with the same options would still ask, by benchmark and in total:
// a table, or with --json JSON lines, for stdout. Takes no lock, writes
// nothing, calls nothing. A journal that `run` would refuse counts as none.
// InvalidArgument for what `run` would refuse before asking anything; errors
// of reading datasets.
absl::StatusOr<std::string> EstimateStudy(const Command& command,
                                          const JournalAccess& access);

}  // namespace runner

#endif  // RUNNER_STUDY_ESTIMATE_COMMAND_H_
