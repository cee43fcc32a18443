#include "journal/seal_frame.h"

#include "absl/strings/string_view.h"
#include "journal/format.h"
#include "journal/frame.h"

namespace journal {

SealFrame BuildSeal(const JournalUuid& uuid, uint64_t segment_id,
                    const Cursor& cursor, Lsn watermark,
                    uint64_t successor_id) {
  SealFrame seal;
  seal.offset = AlignUp(cursor.end_offset, kSectorBytes);
  seal.end = seal.offset + FrameBytes(kSealBodyBytes);
  seal.lsn = cursor.last_lsn + 1;
  seal.bytes.assign(FrameBytes(kSealBodyBytes), '\0');
  char* body = seal.bytes.data() + kFrameHeaderBytes;
  EncodeSealBody({successor_id, cursor.chain, cursor.segment_records}, body);
  const uint64_t seed = SegmentSeed(uuid, segment_id);
  FrameHeader header;
  header.body_bytes = kSealBodyBytes;
  header.lsn = seal.lsn;
  header.watermark = watermark;
  header.kind = FrameKind::kSeal;
  header.body_checksum =
      BodyChecksum(seed, absl::string_view(body, kSealBodyBytes));
  EncodeFrameHeader(header, seed, seal.offset, seal.bytes.data());
  seal.chain_after = ExtendChain(cursor.chain, header);
  return seal;
}

}  // namespace journal
