// `journalctl-bench snapshot`: compacts a journal that nobody writes.
#ifndef TOOLS_SNAPSHOT_COMMAND_H_
#define TOOLS_SNAPSHOT_COMMAND_H_

#include "tools/command.h"

namespace inspector {

const Command& SnapshotCommand();

}  // namespace inspector

#endif  // TOOLS_SNAPSHOT_COMMAND_H_
