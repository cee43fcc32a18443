// Typed errors. Every absl::Status that leaves the engine carries one
// ErrorKind, so that a program can act on it without reading the message.
#ifndef JOURNAL_ERROR_H_
#define JOURNAL_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace journal {

enum class ErrorKind {
  kNone,             // OK, or not an error of the engine.
  kInvalidArgument,  // The caller's mistake; nothing was written.
  kNotFound,         // No journal there.
  kIo,               // A system call failed.
  kNoSpace,          // The disk is full; nothing of the record was written.
  kDamage,           // Confirmed data is damaged or missing.
  kTornTail,         // A torn tail that the mode refuses to cut.
  kLocked,           // Another writer is alive.
  kNewerVersion,     // Written by a newer version.
  kPoisoned,         // An earlier write or fsync of this writer failed.
  kClosed,           // The writer was closed.
  kBusy,             // No room just now; nothing was queued.
  kKey,              // A key is missing, wrong, or not wanted.
};

// "damage", "no space", …: as in messages and reports.
absl::string_view ErrorKindName(ErrorKind kind);

// A status of the kind's canonical code that carries the kind.
absl::Status MakeError(ErrorKind kind, absl::string_view message);

// From errno after a failed system call: "<what>: <strerror>". ENOSPC and
// EDQUOT give kNoSpace, ENOENT kNotFound, all else kIo.
absl::Status ErrnoError(int error_number, absl::string_view what);

// The kind a status carries; kNone for OK and for foreign statuses.
ErrorKind KindOf(const absl::Status& status);

// The same error, `context` and ": " put before its message.
absl::Status WithContext(const absl::Status& status, absl::string_view context);

}  // namespace journal

#endif  // JOURNAL_ERROR_H_
