// journalctl-bench verify: every checksum and every record of a journal.
#ifndef TOOLS_VERIFY_COMMAND_H_
#define TOOLS_VERIFY_COMMAND_H_

#include "tools/command.h"

namespace inspector {

const Command& VerifyCommand();

}  // namespace inspector

#endif  // TOOLS_VERIFY_COMMAND_H_
