// Copies the bytes of a file, and compares them.
#ifndef JOURNAL_FILE_COPY_H_
#define JOURNAL_FILE_COPY_H_

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/file_system.h"

namespace journal {

// Both work in steps of 1 MiB and end with CancelledError at the first one
// before which `*stop` is set; `stop` may be null.

// Copies [offset, offset + size) of `from` to the beginning of `to`, and fsyncs
// that. kIo when `from` is shorter.
absl::Status CopyRange(File& from, uint64_t offset, uint64_t size, File& to,
                       const std::atomic<bool>* stop = nullptr);

// Whether [offset, offset + size) of `a` is all that is in `b`.
absl::StatusOr<bool> SameBytes(File& a, uint64_t offset, uint64_t size, File& b,
                               const std::atomic<bool>* stop = nullptr);

}  // namespace journal

#endif  // JOURNAL_FILE_COPY_H_
