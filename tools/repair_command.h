// journalctl-bench repair: what is whole of a damaged journal becomes a journal
// again.
#ifndef TOOLS_REPAIR_COMMAND_H_
#define TOOLS_REPAIR_COMMAND_H_

#include "tools/command.h"

namespace inspector {

const Command& RepairCommand();

}  // namespace inspector

#endif  // TOOLS_REPAIR_COMMAND_H_
