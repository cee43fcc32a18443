// One frame: header, body, padding, as FORMAT.md section 2 draws it.
#ifndef JOURNAL_FRAME_H_
#define JOURNAL_FRAME_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "journal/format.h"
#include "journal/types.h"

namespace journal {

struct FrameHeader {
  uint32_t body_bytes = 0;
  Lsn lsn = 0;
  Lsn watermark = 0;
  uint16_t type = 0;
  FrameKind kind = FrameKind::kRecord;
  uint8_t flags = 0;
  uint64_t body_checksum = 0;
  uint64_t header_checksum = 0;  // Set by EncodeFrameHeader.
};

// XXH3-64 of a body under a segment's seed.
uint64_t BodyChecksum(uint64_t segment_seed, absl::string_view body);

// Writes kFrameHeaderBytes to `to` for a frame that will lie at `offset` of its
// segment. Sets header.header_checksum.
void EncodeFrameHeader(FrameHeader& header, uint64_t segment_seed,
                       uint64_t offset, char* to);

// Reads kFrameHeaderBytes at `from`. False unless magic, reserved bytes and
// header checksum are right for this segment and this offset; `header` is then
// unspecified. The kind may be one that this version does not know.
bool DecodeFrameHeader(const char* from, uint64_t segment_seed, uint64_t offset,
                       FrameHeader* header);

// The chain after a frame (FORMAT.md, section 4).
uint64_t ExtendChain(uint64_t chain, const FrameHeader& header);

// True if all bytes are zero.
bool AllZero(absl::string_view bytes);

// The bodies of the engine's own frames.
struct SealBody {
  uint64_t successor_id = 0;  // 0 in a CLOSE frame.
  uint64_t chain = 0;         // Before this frame.
  uint64_t records = 0;       // In this segment.
};
void EncodeSealBody(const SealBody& seal, char* to);  // kSealBodyBytes
bool DecodeSealBody(absl::string_view body, SealBody* seal);

struct StatePrefix {
  Lsn as_of_lsn = 0;
  uint64_t chain = 0;    // Before this frame.
  uint64_t records = 0;  // In the whole journal, before this frame.
  uint32_t folder_version = 0;
};
void EncodeStatePrefix(const StatePrefix& prefix, absl::string_view state,
                       char* to);  // kStateBodyPrefixBytes
// False unless the body is long enough and the state's own checksum holds.
bool DecodeStateBody(absl::string_view body, StatePrefix* prefix,
                     absl::string_view* state);

}  // namespace journal

#endif  // JOURNAL_FRAME_H_
