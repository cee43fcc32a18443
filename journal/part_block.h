// One block of a part: its header, its entries, compression and encryption
// (FORMAT.md, section 8).
#ifndef JOURNAL_PART_BLOCK_H_
#define JOURNAL_PART_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/cipher.h"
#include "journal/format.h"
#include "journal/segment_header.h"
#include "journal/types.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace journal {

struct BlockHeader {
  uint32_t stored_bytes = 0;
  uint32_t raw_bytes = 0;
  uint32_t records = 0;
  Lsn first_lsn = 0;
  Lsn last_lsn = 0;
  BlockCodec codec = BlockCodec::kNone;
  bool encrypted = false;
  uint64_t stored_checksum = 0;
};

// Header, stored bytes and padding.
constexpr uint64_t BlockBytes(const BlockHeader& header) {
  return kBlockHeaderBytes + AlignUp(header.stored_bytes, kFrameAlignment);
}

// Body and padding with what stands before them.
constexpr uint64_t BlockEntryBytes(uint64_t body_bytes) {
  return kBlockEntryBytes + AlignUp(body_bytes, kFrameAlignment);
}

// A block holds one entry at least, and that is never stored in fewer bytes.
inline constexpr uint64_t kBlockBytesMin = kBlockHeaderBytes + kFrameAlignment;

// Writes kBlockHeaderBytes to `to` for a block that will lie at `offset`.
void EncodeBlockHeader(const BlockHeader& header, uint64_t part_seed,
                       uint64_t offset, char* to);

// Reads kBlockHeaderBytes at `from`. False unless the header checksum is right
// for this part and this offset, and every field is one that a writer may
// write; `header` is then unspecified. So `raw_bytes` is within the format's
// bound; that `stored_bytes` lie in the file is for the caller to see.
bool DecodeBlockHeader(const char* from, uint64_t part_seed, uint64_t offset,
                       BlockHeader* header);

// XXH3-64 of stored bytes under a part's seed.
uint64_t StoredChecksum(uint64_t part_seed, absl::string_view stored);

// Takes the first entry off `raw`. False when that is not a whole one. The
// record's body lies in `raw`.
bool TakeBlockEntry(absl::string_view* raw, Record* record);

// Whether `raw` is exactly the entries that the header states.
bool EntriesMatch(const BlockHeader& header, absl::string_view raw);

// Memory that grows and is used again; what it held is forgotten.
class ScratchBuffer {
 public:
  // At least `size` bytes, 16-byte aligned, valid until the next call.
  char* Reserve(size_t size);

 private:
  std::unique_ptr<char[]> bytes_;
  size_t capacity_ = 0;
};

// Builds the blocks of one part. Not thread-safe.
class BlockEncoder {
 public:
  // `cipher` is not owned and may be null.
  BlockEncoder(const JournalUuid& uuid, uint64_t part_id, const Cipher* cipher,
               int zstd_level);
  ~BlockEncoder();
  BlockEncoder(const BlockEncoder&) = delete;
  BlockEncoder& operator=(const BlockEncoder&) = delete;

  // REQUIRES: LSNs increase, and the body has at most kBodyBytesMax.
  void Add(const Record& record);

  // Of the block that is being built.
  uint64_t raw_bytes() const { return raw_.size(); }
  bool empty() const { return raw_.empty(); }

  // Appends to `out` the block, which will lie at `offset` of the part, and
  // begins the next one. REQUIRES: !empty().
  BlockHeader Finish(uint64_t offset, std::string* out);

 private:
  // Where compressed bytes lie, or nothing if they may not or need not be.
  absl::string_view Compress();

  const JournalUuid uuid_;
  const uint64_t part_id_;
  const uint64_t seed_;
  const Cipher* const cipher_;
  ZSTD_CCtx_s* const zstd_;  // Null: blocks are stored as they are.
  std::string raw_;
  BlockHeader header_;  // Of the block that is being built.
  ScratchBuffer compressed_;
};

// Reads the blocks of one part. Not thread-safe.
class BlockDecoder {
 public:
  // `cipher` is not owned and may be null. `key_id` is the part's.
  BlockDecoder(const JournalUuid& uuid, uint64_t part_id, const KeyId& key_id,
               const Cipher* cipher);
  ~BlockDecoder();
  BlockDecoder(const BlockDecoder&) = delete;
  BlockDecoder& operator=(const BlockDecoder&) = delete;

  // The entries of a block whose checksums are right, checked; valid until the
  // next call and as long as `stored` is. Errors: kDamage; kKey (the key that
  // encrypts it is not there).
  absl::StatusOr<absl::string_view> Decode(const BlockHeader& header,
                                           absl::string_view stored);

 private:
  absl::StatusOr<absl::string_view> Decrypt(const BlockHeader& header,
                                            absl::string_view stored);
  absl::StatusOr<absl::string_view> Decompress(const BlockHeader& header,
                                               absl::string_view stored);

  const JournalUuid uuid_;
  const uint64_t part_id_;
  const KeyId key_id_;
  const Cipher* const cipher_;
  ZSTD_DCtx_s* const zstd_;
  ScratchBuffer decrypted_;
  ScratchBuffer raw_;
};

}  // namespace journal

#endif  // JOURNAL_PART_BLOCK_H_
