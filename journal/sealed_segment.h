// Reads one sealed segment by itself.
#ifndef JOURNAL_SEALED_SEGMENT_H_
#define JOURNAL_SEALED_SEGMENT_H_

#include <cstdint>
#include <functional>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/file_system.h"
#include "journal/recovery_report.h"
#include "journal/segment_list.h"
#include "journal/types.h"

namespace journal {

struct SealedSegment {
  SegmentInfo info;
  uint64_t chain_end = 0;  // Behind the seal.
};

// Reads a segment, which must be usable, from its first frame to its seal, and
// what lies behind. `on_bad` is called for each place at which it is not whole:
// the walk ends at the first bad frame. `last_lsn` is what its seal must have,
// 0 if that is not known. `keep_going` may be empty. Errors: CancelledError
// when that says false; else what opening the file says (kNotFound, kIo).
absl::StatusOr<SealedSegment> ReadSealedSegment(
    FileSystem& fs, absl::string_view directory, const ListedSegment& segment,
    Lsn last_lsn,
    absl::FunctionRef<void(uint64_t offset, Lsn lsn, absl::string_view what)>
        on_bad,
    const std::function<bool(uint64_t bytes)>& keep_going);

}  // namespace journal

#endif  // JOURNAL_SEALED_SEGMENT_H_
