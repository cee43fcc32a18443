// What all commands of journalctl-bench share.
#ifndef TOOLS_COMMAND_H_
#define TOOLS_COMMAND_H_

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "journal/cipher.h"
#include "tools/command_line.h"
#include "tools/style.h"

namespace inspector {

// Part of the interface: scripts depend on them.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,         // An operation failed: I/O.
  kExitUsage = 2,          // Wrong usage, no journal there, or a wrong key.
  kExitTornTail = 10,      // A torn tail only; nothing acknowledged is lost.
  kExitDamage = 11,        // Acknowledged data is damaged or missing.
  kExitInUse = 12,         // A living process writes the journal.
  kExitNewerVersion = 14,  // Written by a newer version.
};

// The exit code for an error of the engine.
ExitCode ExitCodeOf(const absl::Status& status);

// Where a command's output goes and what it knows of the world. Results go to
// `out`, everything else to `err`. The streams are borrowed.
struct Context {
  std::ostream& out;
  std::ostream& err;
  Style style;
  // Waits before looking again (show -f); false ends the program.
  std::function<bool(absl::Duration)> wait;
  // The key that was given; null: none. Borrowed.
  const journal::Cipher* cipher = nullptr;
};

struct Command {
  CommandSpec spec;
  int (*run)(const Arguments& arguments, Context& context);
};

// Says "journalctl-bench: <message>" on context.err; returns `code`. For a key
// that is missing or wrong also says how one is given.
int Fail(Context& context, ExitCode code, absl::string_view message);
int Fail(Context& context, const absl::Status& status);

}  // namespace inspector

#endif  // TOOLS_COMMAND_H_
