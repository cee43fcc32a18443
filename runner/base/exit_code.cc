#include "runner/base/exit_code.h"

#include "journal/error.h"

namespace runner {

int ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kExitDone;
  switch (journal::KindOf(status)) {
    case journal::ErrorKind::kDamage:
      return kExitDamage;
    case journal::ErrorKind::kTornTail:
      return kExitTornTail;
    case journal::ErrorKind::kLocked:
      return kExitLocked;
    case journal::ErrorKind::kNewerVersion:
      return kExitNewer;
    case journal::ErrorKind::kInvalidArgument:
    case journal::ErrorKind::kNotFound:
    case journal::ErrorKind::kKey:
      return kExitUsage;
    case journal::ErrorKind::kNone:
      break;
    case journal::ErrorKind::kIo:
    case journal::ErrorKind::kNoSpace:
    case journal::ErrorKind::kPoisoned:
    case journal::ErrorKind::kClosed:
    case journal::ErrorKind::kBusy:
      return kExitOperation;
  }
  return absl::IsInvalidArgument(status) || absl::IsNotFound(status)
             ? kExitUsage
             : kExitOperation;
}

}  // namespace runner
