#include "runner/base/exit_code.h"

#include <algorithm>
#include <iterator>

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

int GraverCode(int a, int b) {
  // From the mildest to the gravest; a signal is none of them.
  static constexpr int kOrder[] = {
      kExitDone,       kExitBelowMinimum, kExitFailures, kExitTornTail,
      kExitLimit,      kExitOperation,    kExitUsage,    kExitLocked,
      kExitDifference, kExitNewer,        kExitDamage};
  const auto gravity = [](int code) {
    return std::find(std::begin(kOrder), std::end(kOrder), code) -
           std::begin(kOrder);
  };
  return gravity(a) >= gravity(b) ? a : b;
}

}  // namespace runner
