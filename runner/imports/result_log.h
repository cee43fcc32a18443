// Results a line each: Algoverse's {run}.jsonl with the files beside it, and
// plain JSONL.
#ifndef RUNNER_IMPORTS_RESULT_LOG_H_
#define RUNNER_IMPORTS_RESULT_LOG_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "runner/imports/imported_file.h"

namespace runner {

// Nothing where no line is a result. A torn last line is where the file is cut;
// one in the middle is noted, and the whole record that follows it on the same
// line, as a program appends it that was started again, is not lost with it.
absl::optional<ImportedFile> ReadResultLog(absl::string_view text,
                                           const ImportLimits& limits);

// What stands beside an Algoverse log; both may be empty. `state` is
// {run}_resume_state.json: configuration and time. `errors` is
// {run}_errors.log: queries of which the log itself says nothing.
void TakeAlgoverseSiblings(absl::string_view state, absl::string_view errors,
                           ImportedFile& file);

}  // namespace runner

#endif  // RUNNER_IMPORTS_RESULT_LOG_H_
