// journalctl-bench dump: the frames of a journal as they lie on disk.
#ifndef TOOLS_DUMP_COMMAND_H_
#define TOOLS_DUMP_COMMAND_H_

#include "tools/command.h"

namespace inspector {

const Command& DumpCommand();

}  // namespace inspector

#endif  // TOOLS_DUMP_COMMAND_H_
