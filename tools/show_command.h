// journalctl-bench show: the records of a journal, filtered.
#ifndef TOOLS_SHOW_COMMAND_H_
#define TOOLS_SHOW_COMMAND_H_

#include "tools/command.h"

namespace inspector {

const Command& ShowCommand();

}  // namespace inspector

#endif  // TOOLS_SHOW_COMMAND_H_
