// Which journals a merge is made of, and whether they make up a whole.
#ifndef RUNNER_STUDY_MERGE_INPUTS_H_
#define RUNNER_STUDY_MERGE_INPUTS_H_

#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "runner/base/exit_code.h"
#include "runner/storage/journal_access.h"
#include "runner/storage/journal_locator.h"
#include "runner/storage/records.h"

namespace runner {

struct MergeInputs {
  std::vector<LocatedJournal> shards;       // 1..n, in order, all complete.
  std::vector<SelectionRecord> selections;  // Of each.
  std::vector<std::string> notes;           // What was passed over, and why.
};

// Finds the journals that `paths` name (one that holds no journal stands for
// those in it), each once however often it is named, and checks that they are
// all shards of one benchmark, of one configuration and selection. Reads only.
absl::optional<Refusal> FindMergeInputs(const std::vector<std::string>& paths,
                                        const JournalAccess& access,
                                        MergeInputs* inputs);

}  // namespace runner

#endif  // RUNNER_STUDY_MERGE_INPUTS_H_
