// The frame that ends a segment.
#ifndef JOURNAL_SEAL_FRAME_H_
#define JOURNAL_SEAL_FRAME_H_

#include <cstdint>
#include <string>

#include "journal/segment_header.h"
#include "journal/types.h"

namespace journal {

// Where a walk over the log, or its writer, stands: behind the last frame of
// which everything is known.
struct Cursor {
  Lsn last_lsn = 0;
  uint64_t end_offset = 0;
  uint64_t chain = 0;
  uint64_t segment_records = 0;  // Records in this segment so far.
  uint64_t records = 0;          // In the whole journal so far.
};

struct SealFrame {
  uint64_t offset = 0;
  uint64_t end = 0;
  Lsn lsn = 0;
  uint64_t chain_after = 0;
  std::string bytes;
};

// The seal of a segment whose last frame ends at `cursor`. Nothing in it is
// unknown before it is written, so that recovery can write the very same again.
SealFrame BuildSeal(const JournalUuid& uuid, uint64_t segment_id,
                    const Cursor& cursor, Lsn watermark, uint64_t successor_id);

}  // namespace journal

#endif  // JOURNAL_SEAL_FRAME_H_
