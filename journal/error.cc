#include "journal/error.h"

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace journal {
namespace {

constexpr absl::string_view kPayloadUrl = "bench-journal/error-kind";

absl::StatusCode CodeOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kNone:
      return absl::StatusCode::kOk;
    case ErrorKind::kInvalidArgument:
      return absl::StatusCode::kInvalidArgument;
    case ErrorKind::kNotFound:
      return absl::StatusCode::kNotFound;
    case ErrorKind::kIo:
      return absl::StatusCode::kInternal;
    case ErrorKind::kNoSpace:
      return absl::StatusCode::kResourceExhausted;
    case ErrorKind::kDamage:
    case ErrorKind::kTornTail:
      return absl::StatusCode::kDataLoss;
    case ErrorKind::kLocked:
    case ErrorKind::kBusy:
      return absl::StatusCode::kUnavailable;
    case ErrorKind::kNewerVersion:
      return absl::StatusCode::kUnimplemented;
    case ErrorKind::kPoisoned:
      return absl::StatusCode::kAborted;
    case ErrorKind::kClosed:
    case ErrorKind::kKey:
      return absl::StatusCode::kFailedPrecondition;
  }
  return absl::StatusCode::kUnknown;
}

}  // namespace

absl::string_view ErrorKindName(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kNone:
      return "none";
    case ErrorKind::kInvalidArgument:
      return "invalid argument";
    case ErrorKind::kNotFound:
      return "not found";
    case ErrorKind::kIo:
      return "I/O error";
    case ErrorKind::kNoSpace:
      return "no space";
    case ErrorKind::kDamage:
      return "damage";
    case ErrorKind::kTornTail:
      return "torn tail";
    case ErrorKind::kLocked:
      return "locked";
    case ErrorKind::kNewerVersion:
      return "newer version";
    case ErrorKind::kPoisoned:
      return "poisoned";
    case ErrorKind::kClosed:
      return "closed";
    case ErrorKind::kBusy:
      return "busy";
    case ErrorKind::kKey:
      return "encryption key";
  }
  return "unknown";
}

absl::Status MakeError(ErrorKind kind, absl::string_view message) {
  absl::Status status(CodeOf(kind), message);
  status.SetPayload(kPayloadUrl,
                    absl::Cord(absl::StrCat(static_cast<int>(kind))));
  return status;
}

absl::Status ErrnoError(int error_number, absl::string_view what) {
  ErrorKind kind = ErrorKind::kIo;
  if (error_number == ENOSPC || error_number == EDQUOT) {
    kind = ErrorKind::kNoSpace;
  } else if (error_number == ENOENT) {
    kind = ErrorKind::kNotFound;
  }
  // strerror_r of glibc returns the text, which may lie outside the buffer.
  char buffer[128];
  return MakeError(
      kind, absl::StrCat(what, ": ",
                         strerror_r(error_number, buffer, sizeof(buffer))));
}

ErrorKind KindOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  int kind = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &kind)) {
    return ErrorKind::kNone;
  }
  return static_cast<ErrorKind>(kind);
}

absl::Status WithContext(const absl::Status& status,
                         absl::string_view context) {
  if (status.ok()) return status;
  const std::string message = absl::StrCat(context, ": ", status.message());
  const ErrorKind kind = KindOf(status);
  if (kind == ErrorKind::kNone) return absl::Status(status.code(), message);
  return MakeError(kind, message);
}

}  // namespace journal
