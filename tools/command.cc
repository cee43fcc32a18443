#include "tools/command.h"

#include "journal/error.h"
#include "runner/printable.h"

namespace inspector {

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  switch (journal::KindOf(status)) {
    case journal::ErrorKind::kInvalidArgument:
    case journal::ErrorKind::kNotFound:
      return kExitUsage;
    case journal::ErrorKind::kDamage:
      return kExitDamage;
    case journal::ErrorKind::kTornTail:
      return kExitTornTail;
    case journal::ErrorKind::kLocked:
      return kExitInUse;
    case journal::ErrorKind::kNewerVersion:
      return kExitNewerVersion;
    default:
      return absl::IsInvalidArgument(status) ? kExitUsage : kExitFailed;
  }
}

int Fail(Context& context, ExitCode code, absl::string_view message) {
  context.err << "journalctl-bench: " << runner::Printable(message) << "\n";
  return code;
}

int Fail(Context& context, const absl::Status& status) {
  const absl::string_view message = status.message();
  return Fail(context, ExitCodeOf(status), message);
}

}  // namespace inspector
