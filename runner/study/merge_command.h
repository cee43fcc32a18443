// `bench-runner merge`: one journal of those of all shards.
#ifndef RUNNER_STUDY_MERGE_COMMAND_H_
#define RUNNER_STUDY_MERGE_COMMAND_H_

#include "journal/cipher.h"
#include "runner/config/merge_options.h"
#include "runner/display/console.h"

namespace runner {

// Returns the program's exit code. The new journal is made aside and takes its
// name when it is whole: a merge that ends before leaves nothing of that name,
// and the next one removes what it left. `cipher`, which is borrowed, reads the
// shards and encrypts the new journal; null: plain.
int RunMerge(const MergeOptions& options, const journal::Cipher* cipher,
             Console& console);

}  // namespace runner

#endif  // RUNNER_STUDY_MERGE_COMMAND_H_
