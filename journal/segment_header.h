// The header of a segment and the names of segment files.
#ifndef JOURNAL_SEGMENT_HEADER_H_
#define JOURNAL_SEGMENT_HEADER_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "journal/format.h"
#include "journal/types.h"

namespace journal {

using JournalUuid = std::array<char, 16>;

// Which key encrypts; all zero: none.
using KeyId = std::array<char, 16>;

// Field by field as in FORMAT.md, section 2.
struct SegmentHeader {
  uint32_t format_version = kFormatVersion;
  uint32_t required_features = 0;
  JournalUuid uuid = {};
  uint64_t segment_id = 0;
  Lsn first_lsn = 0;
  uint64_t zeroed_bytes = 0;
  uint64_t max_unsynced_bytes = 0;
  int64_t created_unix_ns = 0;
  Lsn watermark = 0;
  uint64_t predecessor_id = 0;
  uint64_t predecessor_bytes = 0;
  uint64_t chain_start = 0;
  uint64_t records_before = 0;
  uint64_t state_segment_id = 0;
  uint64_t state_offset = 0;
  Lsn state_lsn = 0;
  Lsn snapshot_lsn = 0;
  KeyId key_id = {};
  Lsn removed_before_lsn = 0;
};

// Writes one copy, kSegmentHeaderBytes, to `to`.
void EncodeSegmentHeader(const SegmentHeader& header, char* to);

enum class HeaderState { kGood, kBad, kNewer };

// Reads one copy. kNewer if it is whole but of a newer version, or needs a
// feature that this version does not have.
HeaderState DecodeSegmentHeader(const char* from, SegmentHeader* header);

// The seed of all checksums in a segment.
uint64_t SegmentSeed(const JournalUuid& uuid, uint64_t segment_id);

// The chain before the first frame of a journal.
uint64_t FirstChain(const JournalUuid& uuid);

// A random UUID from the kernel.
JournalUuid NewUuid();
std::string UuidHex(const JournalUuid& uuid);

// 32 hex digits; "" for none.
std::string KeyIdHex(const KeyId& key_id);

inline constexpr absl::string_view kNewSuffix = ".new";
inline constexpr absl::string_view kTornSuffix = ".torn";

// "0000000012.seg".
std::string SegmentFileName(uint64_t segment_id);

// The id if `name` is exactly what SegmentFileName writes.
absl::optional<uint64_t> ParseSegmentFileName(absl::string_view name);

}  // namespace journal

#endif  // JOURNAL_SEGMENT_HEADER_H_
