#include "tests/fuzz/sealing.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "absl/strings/match.h"
#include "journal/format.h"
#include "journal/frame.h"
#include "journal/little_endian.h"
#include "journal/part_block.h"
#include "journal/part_footer.h"
#include "journal/part_index.h"
#include "journal/segment_header.h"
#include "xxhash.h"

namespace fuzz {
namespace {

using journal::Cipher;
using journal::FrameKind;
using journal::JournalUuid;

constexpr size_t kChecksumAt = 504;
constexpr size_t kUuidAt = 16;
constexpr size_t kIdAt = 32;
constexpr size_t kFrameBodyChecksumAt = 32;
constexpr size_t kFrameHeaderChecksumAt = 40;
constexpr size_t kFrameKindAt = 26;
constexpr size_t kFrameFlagsAt = 27;
constexpr size_t kSegmentChainStartAt = 96;
constexpr size_t kSealChainAt = 8;
constexpr size_t kBlockRawBytesAt = 8;
constexpr size_t kBlockCodecAt = 32;
constexpr size_t kBlockStoredChecksumAt = 40;
constexpr size_t kBlockHeaderChecksumAt = 48;
constexpr size_t kPartIndexOffsetAt = 160;
constexpr size_t kPartIndexChecksumAt = 168;
constexpr size_t kManifestEntriesChecksumAt = 112;
constexpr size_t kEntryFileBytesAt = 48;
constexpr size_t kEntryFooterChecksumAt = 56;

template <typename Integer>
Integer Load(const std::string& file, size_t at) {
  return journal::LoadLittleEndian<Integer>(file.data() + at);
}
void Store(std::string& file, size_t at, uint64_t value) {
  journal::StoreLittleEndian<uint64_t>(file.data() + at, value);
}

JournalUuid UuidOf(const std::string& file) {
  JournalUuid uuid;
  std::memcpy(uuid.data(), file.data() + kUuidAt, uuid.size());
  return uuid;
}

// Of 512 bytes at `at`.
void SealHead(std::string& file, size_t at) {
  Store(file, at + kChecksumAt, XXH3_64bits(file.data() + at, kChecksumAt));
}

// Of a frame's or block's header: its bytes and its place.
void SealPlaced(std::string& file, size_t at, size_t checksum_at,
                uint64_t seed) {
  std::string bytes = file.substr(at, checksum_at);
  bytes.resize(checksum_at + sizeof(uint64_t));
  Store(bytes, checksum_at, at);
  Store(file, at + checksum_at,
        XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed));
}

// -- Segments ----------------------------------------------------------------

uint64_t SeedOfSegment(const std::string& file) {
  return journal::SegmentSeed(UuidOf(file), Load<uint64_t>(file, kIdAt));
}

// Offsets of what looks like a frame, one behind the other.
std::vector<size_t> FramesOf(const std::string& file) {
  std::vector<size_t> frames;
  size_t at = journal::kFirstFrameOffset;
  while (at + journal::kFrameHeaderBytes <= file.size()) {
    if (Load<uint32_t>(file, at) != journal::kFrameMagic) {
      const size_t sector = journal::AlignUp(at + 1, journal::kSectorBytes);
      if (at % journal::kSectorBytes == 0) break;
      at = sector;
      continue;
    }
    const uint64_t bytes = journal::FrameBytes(Load<uint32_t>(file, at + 4));
    if (bytes > file.size() - at) break;
    frames.push_back(at);
    at += bytes;
  }
  return frames;
}

void SealSegment(std::string& file) {
  if (file.size() < journal::kFirstFrameOffset) return;
  const uint64_t seed = SeedOfSegment(file);
  uint64_t chain = Load<uint64_t>(file, kSegmentChainStartAt);
  for (const size_t at : FramesOf(file)) {
    const size_t body = at + journal::kFrameHeaderBytes;
    const size_t bytes = Load<uint32_t>(file, at + 4);
    const auto kind = static_cast<FrameKind>(file[at + kFrameKindAt]);
    if ((kind == FrameKind::kSeal || kind == FrameKind::kClose) &&
        bytes >= kSealChainAt + sizeof(uint64_t)) {
      Store(file, body + kSealChainAt, chain);
    }
    Store(file, at + kFrameBodyChecksumAt,
          journal::BodyChecksum(seed,
                                absl::string_view(file.data() + body, bytes)));
    SealPlaced(file, at, kFrameHeaderChecksumAt, seed);
    journal::FrameHeader header;
    header.body_checksum = Load<uint64_t>(file, at + kFrameBodyChecksumAt);
    header.header_checksum = Load<uint64_t>(file, at + kFrameHeaderChecksumAt);
    chain = journal::ExtendChain(chain, header);
  }
  SealHead(file, 0);
  SealHead(file, journal::kSegmentHeaderBytes);
}

// -- Parts -------------------------------------------------------------------

bool LooksLikePart(const std::string& file) {
  return file.size() >= 2 * journal::kPartFooterBytes;
}

// What the footer says, if it can be.
size_t IndexOf(const std::string& file) {
  const size_t footer = file.size() - journal::kPartFooterBytes;
  return std::min<uint64_t>(footer,
                            Load<uint64_t>(file, footer + kPartIndexOffsetAt));
}

std::vector<size_t> BlocksOf(const std::string& file) {
  std::vector<size_t> blocks;
  const size_t footer = file.size() - journal::kPartFooterBytes;
  for (size_t at = IndexOf(file); at + journal::kPartIndexEntryBytes <= footer;
       at += journal::kPartIndexEntryBytes) {
    const uint64_t block = Load<uint64_t>(file, at);
    if (block > footer || footer - block < journal::kBlockHeaderBytes) break;
    const uint64_t room = footer - block - journal::kBlockHeaderBytes;
    if (Load<uint32_t>(file, block + 4) > room) break;
    blocks.push_back(block);
  }
  return blocks;
}

void SealPart(std::string& file) {
  if (!LooksLikePart(file)) return;
  const uint64_t seed =
      journal::PartSeed(UuidOf(file), Load<uint64_t>(file, kIdAt));
  for (const size_t at : BlocksOf(file)) {
    const absl::string_view stored(
        file.data() + at + journal::kBlockHeaderBytes,
        Load<uint32_t>(file, at + 4));
    Store(file, at + kBlockStoredChecksumAt,
          journal::StoredChecksum(seed, stored));
    SealPlaced(file, at, kBlockHeaderChecksumAt, seed);
  }
  const size_t footer = file.size() - journal::kPartFooterBytes;
  const size_t index = IndexOf(file);
  Store(file, footer + kPartIndexChecksumAt,
        journal::PartIndexChecksum(
            seed, absl::string_view(file.data() + index, footer - index)));
  SealHead(file, 0);
  SealHead(file, footer);
}

// -- Manifests ---------------------------------------------------------------

void SealManifest(std::string& file, const Files& files) {
  if (file.size() < journal::kManifestHeaderBytes) return;
  for (size_t at = journal::kManifestHeaderBytes;
       at + journal::kManifestEntryBytes <= file.size();
       at += journal::kManifestEntryBytes) {
    const auto part =
        files.find(journal::PartFileName(Load<uint64_t>(file, at)));
    if (part == files.end() || !LooksLikePart(part->second)) continue;
    const size_t size = part->second.size();
    Store(file, at + kEntryFileBytesAt, size);
    Store(file, at + kEntryFooterChecksumAt,
          Load<uint64_t>(part->second, size - sizeof(uint64_t)));
  }
  Store(file, kManifestEntriesChecksumAt,
        XXH3_64bits(file.data() + journal::kManifestHeaderBytes,
                    file.size() - journal::kManifestHeaderBytes));
  SealHead(file, 0);
}

// -- Bodies ------------------------------------------------------------------

// Stores `plain` in the `size` bytes at `at`.
void PutStored(std::string& file, size_t at, size_t size,
               absl::string_view plain, const Cipher* cipher,
               const journal::CipherContext& context) {
  const size_t extra = cipher == nullptr ? 0 : journal::kCipherExtraBytes;
  if (size < extra) return;
  std::string padded(plain.substr(0, size - extra));
  padded.resize(size - extra);
  if (cipher == nullptr) {
    file.replace(at, size, padded);
  } else {
    cipher->Encrypt(context, padded, file.data() + at);
  }
}

void ReplaceFrame(std::string& file, size_t which, absl::string_view plain,
                  const Cipher* cipher) {
  std::vector<size_t> frames;
  if (file.size() >= journal::kFirstFrameOffset) frames = FramesOf(file);
  std::erase_if(frames, [&file](size_t at) {
    const auto kind = static_cast<FrameKind>(file[at + kFrameKindAt]);
    return kind != FrameKind::kRecord && kind != FrameKind::kState;
  });
  if (frames.empty()) return;
  const size_t at = frames[which % frames.size()];
  journal::CipherContext context;
  context.uuid = UuidOf(file);
  context.file_id = Load<uint64_t>(file, kIdAt);
  context.lsn = Load<uint64_t>(file, at + 8);
  context.type = Load<uint16_t>(file, at + 24);
  context.kind = static_cast<uint8_t>(file[at + kFrameKindAt]);
  context.flags = static_cast<uint8_t>(file[at + kFrameFlagsAt]);
  PutStored(file, at + journal::kFrameHeaderBytes, Load<uint32_t>(file, at + 4),
            plain, cipher, context);
}

void ReplaceBlock(std::string& file, size_t which, absl::string_view plain,
                  const Cipher* cipher) {
  if (!LooksLikePart(file)) return;
  const std::vector<size_t> blocks = BlocksOf(file);
  if (blocks.empty()) return;
  const size_t at = blocks[(which & 0x7f) % blocks.size()];
  const uint32_t stored = Load<uint32_t>(file, at + 4);
  const size_t extra = cipher == nullptr ? 0 : journal::kCipherExtraBytes;
  if ((which & 0x80) != 0 && stored >= extra) {
    file[at + kBlockCodecAt] = static_cast<char>(journal::BlockCodec::kNone);
    journal::StoreLittleEndian<uint32_t>(file.data() + at + kBlockRawBytesAt,
                                         static_cast<uint32_t>(stored - extra));
  }
  journal::CipherContext context;
  context.uuid = UuidOf(file);
  context.file_id = Load<uint64_t>(file, kIdAt);
  context.lsn = Load<uint64_t>(file, at + 16);
  context.kind = journal::kCipherKindBlock;
  PutStored(file, at + journal::kBlockHeaderBytes, stored, plain, cipher,
            context);
}

}  // namespace

void SealFile(const std::string& name, Files& files) {
  std::string& file = files[name];
  if (absl::EndsWith(name, ".seg")) SealSegment(file);
  if (absl::EndsWith(name, ".part")) SealPart(file);
  if (absl::EndsWith(name, ".manifest")) SealManifest(file, files);
}

void ReplaceBody(const std::string& name, size_t which, absl::string_view plain,
                 const Cipher* cipher, Files& files) {
  std::string& file = files[name];
  if (absl::EndsWith(name, ".seg")) ReplaceFrame(file, which, plain, cipher);
  if (absl::EndsWith(name, ".part")) ReplaceBlock(file, which, plain, cipher);
  SealFile(name, files);
}

}  // namespace fuzz
