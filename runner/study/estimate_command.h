// `bench-runner estimate`: calls, tokens and cost before a run.
#ifndef RUNNER_STUDY_ESTIMATE_COMMAND_H_
#define RUNNER_STUDY_ESTIMATE_COMMAND_H_

#include <string>

#include "absl/status/statusor.h"
#include "runner/config/command.h"
#include "runner/storage/journal_access.h"

namespace runner {

struct StudyEstimate {
  std::string text;   // A table, or with --json JSON lines, for stdout.
  int exit_code = 0;  // Of a benchmark that `run` would refuse for its journal.
};

// What `run` with the same options would still ask, by benchmark and in total.
// Takes no lock, writes nothing, calls nothing. Where `run` would refuse a
// journal, that is said, and the figures are those of a new one.
// InvalidArgument for what `run` would refuse before looking for journals;
// errors of reading datasets.
absl::StatusOr<StudyEstimate> EstimateStudy(const Command& command,
                                            const JournalAccess& access);

}  // namespace runner

#endif  // RUNNER_STUDY_ESTIMATE_COMMAND_H_
