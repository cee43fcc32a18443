// journalctl-bench list: every journal of a directory, newest first.
#ifndef TOOLS_LIST_COMMAND_H_
#define TOOLS_LIST_COMMAND_H_

#include "tools/command.h"

namespace inspector {

const Command& ListCommand();

}  // namespace inspector

#endif  // TOOLS_LIST_COMMAND_H_
