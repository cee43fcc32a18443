// Checkpoints that are one JSON text: those of draagon, of the ROB assessment
// tool, of cobra_eval and of distllm, and plain arrays of results.
#ifndef RUNNER_IMPORTS_CHECKPOINT_BLOBS_H_
#define RUNNER_IMPORTS_CHECKPOINT_BLOBS_H_

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "runner/imports/imported_file.h"

namespace runner {

// Nothing for a text that is none of them. One that is cut, or is no JSON from
// some place on, gives what is whole before it.
absl::optional<ImportedFile> ReadCheckpointBlob(absl::string_view text,
                                                const ImportLimits& limits);

}  // namespace runner

#endif  // RUNNER_IMPORTS_CHECKPOINT_BLOBS_H_
