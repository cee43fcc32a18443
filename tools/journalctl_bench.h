// The program journalctl-bench, but for main().
#ifndef TOOLS_JOURNALCTL_BENCH_H_
#define TOOLS_JOURNALCTL_BENCH_H_

#include <string>
#include <vector>

#include "tools/command.h"

namespace inspector {

// Runs the command that `args` (without the program's name) begin with.
// Returns the exit code.
int RunJournalctlBench(const std::vector<std::string>& args, Context& context);

}  // namespace inspector

#endif  // TOOLS_JOURNALCTL_BENCH_H_
