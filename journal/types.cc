#include "journal/types.h"

namespace journal {

absl::string_view RecoveryModeName(RecoveryMode mode) {
  switch (mode) {
    case RecoveryMode::kStrict:
      return "strict";
    case RecoveryMode::kAbsolute:
      return "absolute";
    case RecoveryMode::kPointInTime:
      return "point-in-time";
    case RecoveryMode::kSalvage:
      return "salvage";
  }
  return "unknown";
}

absl::string_view SyncModeName(SyncMode mode) {
  switch (mode) {
    case SyncMode::kEach:
      return "each";
    case SyncMode::kBatch:
      return "batch";
    case SyncMode::kNone:
      return "none";
  }
  return "unknown";
}

}  // namespace journal
