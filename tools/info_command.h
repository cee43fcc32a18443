// journalctl-bench info: one journal: what it is about, how far it is, what it
// cost.
#ifndef TOOLS_INFO_COMMAND_H_
#define TOOLS_INFO_COMMAND_H_

#include "tools/command.h"

namespace inspector {

const Command& InfoCommand();

}  // namespace inspector

#endif  // TOOLS_INFO_COMMAND_H_
