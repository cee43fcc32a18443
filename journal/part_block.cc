#include "journal/part_block.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "journal/error.h"
#include "journal/frame.h"
#include "journal/little_endian.h"
#include "journal/part_footer.h"
#include "xxhash.h"
#include "zstd.h"

namespace journal {
namespace {

constexpr size_t kStoredBytesAt = 4;
constexpr size_t kRawBytesAt = 8;
constexpr size_t kRecordsAt = 12;
constexpr size_t kFirstLsnAt = 16;
constexpr size_t kLastLsnAt = 24;
constexpr size_t kCodecAt = 32;
constexpr size_t kFlagsAt = 33;
constexpr size_t kReservedAt = 34;
constexpr size_t kStoredChecksumAt = 40;
constexpr size_t kHeaderChecksumAt = 48;
static_assert(kHeaderChecksumAt + 8 == kBlockHeaderBytes);

constexpr size_t kEntryBodyBytesAt = 8;
constexpr size_t kEntryTypeAt = 12;
constexpr size_t kEntryFlagsAt = 14;
constexpr size_t kEntryReservedAt = 15;

// No block is larger: larger records than these are not written.
constexpr uint64_t kRawBytesEver = BlockEntryBytes(kBodyBytesMax);
static_assert(kRawBytesEver + kCipherExtraBytes < UINT32_MAX);

// The offset is covered but not stored: a block that moved does not validate.
uint64_t HeaderChecksum(const char* header, uint64_t seed, uint64_t offset) {
  char covered[kHeaderChecksumAt + sizeof(offset)];
  std::memcpy(covered, header, kHeaderChecksumAt);
  StoreLittleEndian<uint64_t>(covered + kHeaderChecksumAt, offset);
  return XXH3_64bits_withSeed(covered, sizeof(covered), seed);
}

// What a reader will have to hold, and what a hostile writer may ask it for.
bool WithinRatio(uint64_t raw_bytes, uint64_t stored_bytes) {
  return raw_bytes <= kBlockRawBytesMax ||
         raw_bytes <= kBlockRatioMax * stored_bytes;
}

bool SizesPossible(const BlockHeader& header) {
  const uint64_t extra = header.encrypted ? kCipherExtraBytes : 0;
  if (header.stored_bytes <= extra || header.raw_bytes > kRawBytesEver ||
      header.raw_bytes % kFrameAlignment != 0 ||
      header.raw_bytes < kBlockEntryBytes * uint64_t{header.records}) {
    return false;
  }
  return header.codec == BlockCodec::kNone
             ? header.stored_bytes == header.raw_bytes + extra
             : WithinRatio(header.raw_bytes, header.stored_bytes);
}

CipherContext ContextOf(const JournalUuid& uuid, uint64_t part_id,
                        const BlockHeader& header) {
  CipherContext context;
  context.uuid = uuid;
  context.file_id = part_id;
  context.lsn = header.first_lsn;
  context.kind = kCipherKindBlock;
  return context;
}

}  // namespace

void EncodeBlockHeader(const BlockHeader& header, uint64_t part_seed,
                       uint64_t offset, char* to) {
  std::memset(to, 0, kBlockHeaderBytes);
  StoreLittleEndian<uint32_t>(to, kBlockMagic);
  StoreLittleEndian<uint32_t>(to + kStoredBytesAt, header.stored_bytes);
  StoreLittleEndian<uint32_t>(to + kRawBytesAt, header.raw_bytes);
  StoreLittleEndian<uint32_t>(to + kRecordsAt, header.records);
  StoreLittleEndian<uint64_t>(to + kFirstLsnAt, header.first_lsn);
  StoreLittleEndian<uint64_t>(to + kLastLsnAt, header.last_lsn);
  StoreLittleEndian<uint8_t>(to + kCodecAt, static_cast<uint8_t>(header.codec));
  StoreLittleEndian<uint8_t>(to + kFlagsAt, header.encrypted ? kEncrypted : 0);
  StoreLittleEndian<uint64_t>(to + kStoredChecksumAt, header.stored_checksum);
  StoreLittleEndian<uint64_t>(to + kHeaderChecksumAt,
                              HeaderChecksum(to, part_seed, offset));
}

bool DecodeBlockHeader(const char* from, uint64_t part_seed, uint64_t offset,
                       BlockHeader* header) {
  // The magic first: it makes stepping through rubbish cheap.
  if (LoadLittleEndian<uint32_t>(from) != kBlockMagic ||
      LoadLittleEndian<uint64_t>(from + kHeaderChecksumAt) !=
          HeaderChecksum(from, part_seed, offset)) {
    return false;
  }
  header->stored_bytes = LoadLittleEndian<uint32_t>(from + kStoredBytesAt);
  header->raw_bytes = LoadLittleEndian<uint32_t>(from + kRawBytesAt);
  header->records = LoadLittleEndian<uint32_t>(from + kRecordsAt);
  header->first_lsn = LoadLittleEndian<uint64_t>(from + kFirstLsnAt);
  header->last_lsn = LoadLittleEndian<uint64_t>(from + kLastLsnAt);
  const auto codec = LoadLittleEndian<uint8_t>(from + kCodecAt);
  const auto flags = LoadLittleEndian<uint8_t>(from + kFlagsAt);
  header->codec = static_cast<BlockCodec>(codec);
  header->encrypted = flags == kEncrypted;
  header->stored_checksum =
      LoadLittleEndian<uint64_t>(from + kStoredChecksumAt);
  const absl::string_view reserved(from + kReservedAt,
                                   kStoredChecksumAt - kReservedAt);
  return codec <= static_cast<uint8_t>(BlockCodec::kZstd) &&
         (flags & ~kEncrypted) == 0 && AllZero(reserved) &&
         header->records != 0 && header->first_lsn != 0 &&
         header->first_lsn <= header->last_lsn &&
         header->last_lsn - header->first_lsn >= header->records - 1 &&
         SizesPossible(*header);
}

uint64_t StoredChecksum(uint64_t part_seed, absl::string_view stored) {
  return XXH3_64bits_withSeed(stored.data(), stored.size(), part_seed);
}

bool TakeBlockEntry(absl::string_view* raw, Record* record) {
  if (raw->size() < kBlockEntryBytes) return false;
  const char* entry = raw->data();
  const auto body_bytes = LoadLittleEndian<uint32_t>(entry + kEntryBodyBytesAt);
  const uint64_t entry_bytes = BlockEntryBytes(body_bytes);
  if (body_bytes > kBodyBytesMax || entry_bytes > raw->size()) return false;
  const auto flags = LoadLittleEndian<uint8_t>(entry + kEntryFlagsAt);
  record->lsn = LoadLittleEndian<uint64_t>(entry);
  record->position = 0;
  record->type = LoadLittleEndian<uint16_t>(entry + kEntryTypeAt);
  record->ignorable = flags == kIgnorable;
  record->body = raw->substr(kBlockEntryBytes, body_bytes);
  const absl::string_view padding =
      raw->substr(kBlockEntryBytes + body_bytes,
                  entry_bytes - kBlockEntryBytes - body_bytes);
  const bool whole = (flags & ~kIgnorable) == 0 &&
                     entry[kEntryReservedAt] == 0 && AllZero(padding);
  raw->remove_prefix(entry_bytes);
  return whole;
}

bool EntriesMatch(const BlockHeader& header, absl::string_view raw) {
  if (raw.size() != header.raw_bytes) return false;
  uint64_t records = 0;
  Lsn last_lsn = 0;
  while (!raw.empty()) {
    Record record;
    if (!TakeBlockEntry(&raw, &record) || record.lsn <= last_lsn) return false;
    if (records == 0 && record.lsn != header.first_lsn) return false;
    last_lsn = record.lsn;
    ++records;
  }
  return records == header.records && last_lsn == header.last_lsn;
}

char* ScratchBuffer::Reserve(size_t size) {
  // Given back when it was for something much larger.
  constexpr size_t kKept = 2 * kBlockRawBytes;
  if (capacity_ < size || (capacity_ > kKept && size <= kBlockRawBytes)) {
    bytes_.reset();
    capacity_ = std::max<size_t>(size, kBlockRawBytes);
    bytes_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  return bytes_.get();
}

BlockEncoder::BlockEncoder(const JournalUuid& uuid, uint64_t part_id,
                           const Cipher* cipher, int zstd_level)
    : uuid_(uuid),
      part_id_(part_id),
      seed_(PartSeed(uuid, part_id)),
      cipher_(cipher),
      zstd_(ZSTD_createCCtx()) {
  if (zstd_ != nullptr) {
    ZSTD_CCtx_setParameter(zstd_, ZSTD_c_compressionLevel, zstd_level);
  }
}

BlockEncoder::~BlockEncoder() { ZSTD_freeCCtx(zstd_); }

void BlockEncoder::Add(const Record& record) {
  assert(record.body.size() <= kBodyBytesMax);
  assert(empty() || record.lsn > header_.last_lsn);
  char entry[kBlockEntryBytes] = {};
  StoreLittleEndian<uint64_t>(entry, record.lsn);
  StoreLittleEndian<uint32_t>(entry + kEntryBodyBytesAt,
                              static_cast<uint32_t>(record.body.size()));
  StoreLittleEndian<uint16_t>(entry + kEntryTypeAt, record.type);
  StoreLittleEndian<uint8_t>(entry + kEntryFlagsAt,
                             record.ignorable ? kIgnorable : 0);
  if (empty()) header_.first_lsn = record.lsn;
  header_.last_lsn = record.lsn;
  ++header_.records;
  raw_.reserve(raw_.size() + BlockEntryBytes(record.body.size()));
  raw_.append(entry, sizeof(entry));
  raw_.append(record.body.data(), record.body.size());
  raw_.resize(AlignUp(raw_.size(), kFrameAlignment), '\0');
}

absl::string_view BlockEncoder::Compress() {
  if (zstd_ == nullptr) return {};
  const size_t bound = ZSTD_compressBound(raw_.size());
  char* to = compressed_.Reserve(bound);
  const size_t size =
      ZSTD_compress2(zstd_, to, bound, raw_.data(), raw_.size());
  // An error here (of memory) costs space, nothing else.
  if (ZSTD_isError(size) != 0 || size >= raw_.size() ||
      !WithinRatio(raw_.size(), StoredBytes(cipher_, size))) {
    return {};
  }
  return {to, size};
}

BlockHeader BlockEncoder::Finish(uint64_t offset, std::string* out) {
  assert(!empty());
  absl::string_view payload = Compress();
  header_.codec = payload.empty() ? BlockCodec::kNone : BlockCodec::kZstd;
  if (payload.empty()) payload = raw_;
  header_.encrypted = cipher_ != nullptr;
  header_.raw_bytes = static_cast<uint32_t>(raw_.size());
  header_.stored_bytes =
      static_cast<uint32_t>(StoredBytes(cipher_, payload.size()));

  const size_t start = out->size();
  out->resize(start + BlockBytes(header_), '\0');
  char* stored = out->data() + start + kBlockHeaderBytes;
  if (cipher_ == nullptr) {
    std::memcpy(stored, payload.data(), payload.size());
  } else {
    cipher_->Encrypt(ContextOf(uuid_, part_id_, header_), payload, stored);
  }
  header_.stored_checksum =
      StoredChecksum(seed_, absl::string_view(stored, header_.stored_bytes));
  EncodeBlockHeader(header_, seed_, offset, out->data() + start);

  const BlockHeader done = header_;
  header_ = BlockHeader();
  raw_.clear();
  // A large record's memory is not kept for small ones.
  if (raw_.capacity() > 2 * kBlockRawBytes) raw_.shrink_to_fit();
  return done;
}

BlockDecoder::BlockDecoder(const JournalUuid& uuid, uint64_t part_id,
                           const KeyId& key_id, const Cipher* cipher)
    : uuid_(uuid),
      part_id_(part_id),
      key_id_(key_id),
      cipher_(cipher),
      zstd_(ZSTD_createDCtx()) {}

BlockDecoder::~BlockDecoder() { ZSTD_freeDCtx(zstd_); }

absl::StatusOr<absl::string_view> BlockDecoder::Decode(
    const BlockHeader& header, absl::string_view stored) {
  if (header.encrypted) {
    absl::StatusOr<absl::string_view> plain = Decrypt(header, stored);
    if (!plain.ok()) return plain.status();
    stored = *plain;
  }
  if (header.codec == BlockCodec::kZstd) {
    absl::StatusOr<absl::string_view> raw = Decompress(header, stored);
    if (!raw.ok()) return raw.status();
    stored = *raw;
  }
  if (!EntriesMatch(header, stored)) {
    return MakeError(ErrorKind::kDamage,
                     "the entries are not those that the block header states");
  }
  return stored;
}

absl::StatusOr<absl::string_view> BlockDecoder::Decrypt(
    const BlockHeader& header, absl::string_view stored) {
  if (absl::Status s = CheckKey(key_id_, cipher_); !s.ok()) return s;
  // At least one byte more than this is stored: see SizesPossible.
  const size_t plain_bytes = stored.size() - kCipherExtraBytes;
  char* plain = decrypted_.Reserve(plain_bytes);
  if (!cipher_->Decrypt(ContextOf(uuid_, part_id_, header), stored, plain)) {
    return MakeError(ErrorKind::kDamage, "authentication failed: tampered");
  }
  return absl::string_view(plain, plain_bytes);
}

absl::StatusOr<absl::string_view> BlockDecoder::Decompress(
    const BlockHeader& header, absl::string_view stored) {
  // The writer always states the size; asked first, so that nothing is
  // allocated for a frame that says something else than the header.
  if (zstd_ == nullptr ||
      ZSTD_getFrameContentSize(stored.data(), stored.size()) !=
          header.raw_bytes) {
    return MakeError(ErrorKind::kDamage,
                     "the compressed bytes have another size than stated");
  }
  char* raw = raw_.Reserve(header.raw_bytes);
  const size_t size = ZSTD_decompressDCtx(zstd_, raw, header.raw_bytes,
                                          stored.data(), stored.size());
  if (ZSTD_isError(size) != 0 || size != header.raw_bytes) {
    return MakeError(ErrorKind::kDamage, "the bytes do not decompress");
  }
  return absl::string_view(raw, size);
}

}  // namespace journal
