// journalctl-bench watch: a run that another process is at work on.
#ifndef TOOLS_WATCH_COMMAND_H_
#define TOOLS_WATCH_COMMAND_H_

#include "tools/command.h"

namespace inspector {

const Command& WatchCommand();

}  // namespace inspector

#endif  // TOOLS_WATCH_COMMAND_H_
