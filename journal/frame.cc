#include "journal/frame.h"

#include <cstring>

#include "journal/little_endian.h"
#include "xxhash.h"

namespace journal {
namespace {

constexpr size_t kBodyBytesAt = 4;
constexpr size_t kLsnAt = 8;
constexpr size_t kWatermarkAt = 16;
constexpr size_t kTypeAt = 24;
constexpr size_t kKindAt = 26;
constexpr size_t kFlagsAt = 27;
constexpr size_t kReservedAt = 28;
constexpr size_t kBodyChecksumAt = 32;
constexpr size_t kHeaderChecksumAt = 40;
static_assert(kHeaderChecksumAt + 8 == kFrameHeaderBytes);

// The offset is covered but not stored: a frame that moved does not validate.
uint64_t HeaderChecksum(const char* header, uint64_t seed, uint64_t offset) {
  char covered[kHeaderChecksumAt + sizeof(offset)];
  std::memcpy(covered, header, kHeaderChecksumAt);
  StoreLittleEndian<uint64_t>(covered + kHeaderChecksumAt, offset);
  return XXH3_64bits_withSeed(covered, sizeof(covered), seed);
}

}  // namespace

uint64_t BodyChecksum(uint64_t segment_seed, absl::string_view body) {
  return XXH3_64bits_withSeed(body.data(), body.size(), segment_seed);
}

void EncodeFrameHeader(FrameHeader& header, uint64_t segment_seed,
                       uint64_t offset, char* to) {
  StoreLittleEndian<uint32_t>(to, kFrameMagic);
  StoreLittleEndian<uint32_t>(to + kBodyBytesAt, header.body_bytes);
  StoreLittleEndian<uint64_t>(to + kLsnAt, header.lsn);
  StoreLittleEndian<uint64_t>(to + kWatermarkAt, header.watermark);
  StoreLittleEndian<uint16_t>(to + kTypeAt, header.type);
  StoreLittleEndian<uint8_t>(to + kKindAt, static_cast<uint8_t>(header.kind));
  StoreLittleEndian<uint8_t>(to + kFlagsAt, header.flags);
  StoreLittleEndian<uint32_t>(to + kReservedAt, 0);
  StoreLittleEndian<uint64_t>(to + kBodyChecksumAt, header.body_checksum);
  header.header_checksum = HeaderChecksum(to, segment_seed, offset);
  StoreLittleEndian<uint64_t>(to + kHeaderChecksumAt, header.header_checksum);
}

bool DecodeFrameHeader(const char* from, uint64_t segment_seed, uint64_t offset,
                       FrameHeader* header) {
  // The magic first: it makes stepping through rubbish cheap.
  if (LoadLittleEndian<uint32_t>(from) != kFrameMagic) return false;
  header->header_checksum =
      LoadLittleEndian<uint64_t>(from + kHeaderChecksumAt);
  if (header->header_checksum != HeaderChecksum(from, segment_seed, offset)) {
    return false;
  }
  header->body_bytes = LoadLittleEndian<uint32_t>(from + kBodyBytesAt);
  header->lsn = LoadLittleEndian<uint64_t>(from + kLsnAt);
  header->watermark = LoadLittleEndian<uint64_t>(from + kWatermarkAt);
  header->type = LoadLittleEndian<uint16_t>(from + kTypeAt);
  header->kind =
      static_cast<FrameKind>(LoadLittleEndian<uint8_t>(from + kKindAt));
  header->flags = LoadLittleEndian<uint8_t>(from + kFlagsAt);
  header->body_checksum = LoadLittleEndian<uint64_t>(from + kBodyChecksumAt);
  // Nothing is durable before it is written.
  return LoadLittleEndian<uint32_t>(from + kReservedAt) == 0 &&
         header->body_bytes <= kBodyBytesMax && header->watermark < header->lsn;
}

uint64_t ExtendChain(uint64_t chain, const FrameHeader& header) {
  char link[24];
  StoreLittleEndian<uint64_t>(link, chain);
  StoreLittleEndian<uint64_t>(link + 8, header.header_checksum);
  StoreLittleEndian<uint64_t>(link + 16, header.body_checksum);
  return XXH3_64bits(link, sizeof(link));
}

bool AllZero(absl::string_view bytes) {
  // Comparing a buffer with itself shifted by one is memcmp's fastest form.
  return bytes.empty() ||
         (bytes[0] == 0 &&
          std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

void EncodeSealBody(const SealBody& seal, char* to) {
  StoreLittleEndian<uint64_t>(to, seal.successor_id);
  StoreLittleEndian<uint64_t>(to + 8, seal.chain);
  StoreLittleEndian<uint64_t>(to + 16, seal.records);
}

bool DecodeSealBody(absl::string_view body, SealBody* seal) {
  if (body.size() != kSealBodyBytes) return false;
  seal->successor_id = LoadLittleEndian<uint64_t>(body.data());
  seal->chain = LoadLittleEndian<uint64_t>(body.data() + 8);
  seal->records = LoadLittleEndian<uint64_t>(body.data() + 16);
  return true;
}

void EncodeStatePrefix(const StatePrefix& prefix, absl::string_view state,
                       char* to) {
  StoreLittleEndian<uint64_t>(to, prefix.as_of_lsn);
  StoreLittleEndian<uint64_t>(to + 8, prefix.chain);
  StoreLittleEndian<uint64_t>(to + 16, prefix.records);
  StoreLittleEndian<uint32_t>(to + 24, prefix.folder_version);
  StoreLittleEndian<uint32_t>(to + 28, 0);
  StoreLittleEndian<uint64_t>(to + 32, XXH3_64bits(state.data(), state.size()));
}

bool DecodeStateBody(absl::string_view body, StatePrefix* prefix,
                     absl::string_view* state) {
  if (body.size() < kStateBodyPrefixBytes) return false;
  prefix->as_of_lsn = LoadLittleEndian<uint64_t>(body.data());
  prefix->chain = LoadLittleEndian<uint64_t>(body.data() + 8);
  prefix->records = LoadLittleEndian<uint64_t>(body.data() + 16);
  prefix->folder_version = LoadLittleEndian<uint32_t>(body.data() + 24);
  *state = body.substr(kStateBodyPrefixBytes);
  return LoadLittleEndian<uint64_t>(body.data() + 32) ==
         XXH3_64bits(state->data(), state->size());
}

}  // namespace journal
