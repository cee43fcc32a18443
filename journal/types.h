// The vocabulary of the journal: LSN, records, modes.
#ifndef JOURNAL_TYPES_H_
#define JOURNAL_TYPES_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace journal {

// Log sequence number. Frames are numbered from 1 without a gap over the whole
// journal. The engine's own frames take numbers too, so the LSNs of an
// application's records increase but need not be consecutive. 0 means "none".
using Lsn = uint64_t;

// What an application hands to Writer::Append. The bytes are borrowed for the
// call only.
struct RecordView {
  // The application's own record type, passed through untouched.
  uint16_t type = 0;
  // At most WriterOptions::max_record_bytes. Any bytes, also none at all.
  absl::string_view body;
  // How much this record counts against WriterOptions::sync_records.
  uint32_t sync_weight = 1;
  // A reader that does not know `type` may skip the record.
  bool ignorable = false;
};

// Where a frame lies, for reading it again without a search. Opaque, ordered
// like LSNs; valid as long as the journal's segments are not compacted.
using Position = uint64_t;

// A record as read. `body` is 8-byte aligned and points into the reader's
// buffer: valid until the reader's next call.
struct Record {
  Lsn lsn = 0;
  Position position = 0;
  uint16_t type = 0;
  bool ignorable = false;
  absl::string_view body;
};

// When an append is made durable against power loss. In every mode it survives
// the death of the process as soon as Append has returned.
enum class SyncMode {
  // Append returns when the record is durable.
  kEach,
  // At most `sync_records` counted records, and at most `sync_interval`, stand
  // between what has returned and what is durable.
  kBatch,
  // Only rotation, Sync, WaitDurable and Close make anything durable.
  kNone,
};

// What opening does about damage. FORMAT.md, section 6, has the whole table.
enum class RecoveryMode { kStrict, kAbsolute, kPointInTime, kSalvage };

inline constexpr int kRecoveryModeCount = 4;

// The names used in flags, messages and reports: "strict", "absolute",
// "point-in-time", "salvage"; "each", "batch", "none".
absl::string_view RecoveryModeName(RecoveryMode mode);
absl::string_view SyncModeName(SyncMode mode);

}  // namespace journal

#endif  // JOURNAL_TYPES_H_
