#include "tools/command.h"

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "runner/base/printable.h"
#include "runner/config/encryption_key.h"

namespace inspector {

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  switch (journal::KindOf(status)) {
    case journal::ErrorKind::kInvalidArgument:
    case journal::ErrorKind::kNotFound:
    case journal::ErrorKind::kKey:
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
  std::string message(status.message());
  if (journal::KindOf(status) == journal::ErrorKind::kKey) {
    absl::StrAppend(&message, "; give its key with --", kKeyFileOption,
                    " FILE or ", runner::kEncryptionKeyVariable);
  }
  return Fail(context, ExitCodeOf(status), message);
}

}  // namespace inspector
