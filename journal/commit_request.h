// What callers ask of the group commit.
#ifndef JOURNAL_COMMIT_REQUEST_H_
#define JOURNAL_COMMIT_REQUEST_H_

#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "journal/types.h"

namespace journal {

// One append: a record, or a span of them, and what became of it.
struct AppendOp {
  absl::Span<const RecordView> records;
  // Body checksums, computed before queueing under `seed`. Empty when the
  // bodies are to be encrypted.
  absl::InlinedVector<uint64_t, 1> checksums;
  uint64_t seed = 0;
  uint64_t frame_bytes = 0;
  uint64_t weight = 0;

  // kNoSpace, or OK: any other error is the whole batch's.
  absl::Status status;
  Lsn lsn = 0;  // Of the last record.
  uint64_t first_offset = 0;
  uint64_t segment_id = 0;
};

// One caller's wish, in the caller's memory until it is done.
struct CommitRequest {
  enum class Kind { kAppend, kSync, kConfirm, kSeal };
  Kind kind = Kind::kAppend;
  absl::Span<AppendOp> appends;
  uint64_t frame_bytes = 0;  // Of all of them.
  Lsn confirm_lsn = 0;       // Of kConfirm.

  // Of kSeal: all that was appended lies in sealed segments up to this one, and
  // the newest header allows to remove them; kNoSpace if there is no room for
  // the next. With `for_removal` what is sealed already will do then: giving
  // that up is what makes room.
  bool for_removal = false;
  uint64_t sealed_segment = 0;
  absl::Status sealed;

  // The batch's; each append has its own besides.
  absl::Status status;

  // The queue's, under its mutex.
  bool done = false;
  bool lead = false;
  absl::Duration since;   // When it began to stand behind others, if it did.
  absl::Duration waited;  // Until it led.
  absl::CondVar wake;
};

}  // namespace journal

#endif  // JOURNAL_COMMIT_REQUEST_H_
