// Shows the files of snapshots as they lie on disk, also damaged ones.
#ifndef TOOLS_PART_DUMP_H_
#define TOOLS_PART_DUMP_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tools/command.h"
#include "tools/dump_options.h"

namespace inspector {

// Header and footer, then each block, and its records where they can be
// decoded; what is no block is shown as bad. Errors: the file cannot be opened.
absl::Status DumpPart(absl::string_view directory, uint64_t part_id,
                      const DumpOptions& options, Context& context);

// The header and each entry. Of one that does not validate, entries are shown
// as they lie there. Errors: the file cannot be opened.
absl::Status DumpManifest(absl::string_view directory, uint64_t manifest_id,
                          const DumpOptions& options, Context& context);

}  // namespace inspector

#endif  // TOOLS_PART_DUMP_H_
