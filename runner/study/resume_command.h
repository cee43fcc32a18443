// `bench-runner resume`: which journal, and with what configuration.
#ifndef RUNNER_STUDY_RESUME_COMMAND_H_
#define RUNNER_STUDY_RESUME_COMMAND_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "runner/base/exit_code.h"
#include "runner/config/command.h"
#include "runner/storage/journal_access.h"

namespace runner {

struct NamedJournal {
  // Its own name, never that of a link to it.
  std::string directory;
  // It was named by the link `latest` of its journal directory.
  bool latest = false;
};

// The journal that `text` names: a directory, a results file of this
// program's, or `latest`, the one in `journal_dir` that was last opened for
// writing, or the path of such a link. NotFound when there is none.
absl::StatusOr<NamedJournal> FindNamedJournal(absl::string_view text,
                                              absl::string_view journal_dir);

// Where a journal is expected and a checkpoint file of another system is named:
// makes `command.run` one that imports it, and sets `*imports`. Refused (exit
// 2): options that make up no run, and `estimate`, which reads journals only.
absl::optional<Refusal> PrepareImport(Command& command, bool* imports);

// Fills in `command.run` from the journal. `latest` means what was asked for
// when it was begun, all benchmarks of the study; a journal that is named, that
// one alone.
absl::optional<Refusal> PrepareResume(const JournalAccess& access,
                                      Command& command);

}  // namespace runner

#endif  // RUNNER_STUDY_RESUME_COMMAND_H_
