// The constants of the format. FORMAT.md says what each is for. They are part
// of what is on disk: they change only together with kFormatVersion.
#ifndef JOURNAL_FORMAT_H_
#define JOURNAL_FORMAT_H_

#include <cstddef>
#include <cstdint>

namespace journal {

inline constexpr uint32_t kFormatVersion = 1;

// Bits of `required_features`.
inline constexpr uint32_t kFeatureEncryption = 1;
inline constexpr uint32_t kFeatureSnapshots = 2;
inline constexpr uint32_t kKnownFeatures =
    kFeatureEncryption | kFeatureSnapshots;

// The unit that a disk writes whole or not at all.
inline constexpr uint64_t kSectorBytes = 512;

// Segment header: two copies, in sectors 0 and 1; frames start behind them.
inline constexpr char kSegmentMagic[8] = {'B', 'J', 'S', 'E',
                                          'G', 'M', 'N', 'T'};
inline constexpr size_t kSegmentHeaderBytes = 512;
inline constexpr int kSegmentHeaderCopies = 2;
inline constexpr uint64_t kFirstFrameOffset =
    kSegmentHeaderBytes * kSegmentHeaderCopies;
static_assert(kSegmentHeaderBytes == kSectorBytes);

// Frame header: magic (4), body bytes (4), LSN (8), watermark (8), type (2),
// kind (1), flags (1), zero (4), body checksum (8), header checksum (8).
inline constexpr uint32_t kFrameMagic = 0x31466a62;  // "bjF1"
inline constexpr size_t kFrameHeaderBytes =
    4 + 4 + 8 + 8 + 2 + 1 + 1 + 4 + 8 + 8;
static_assert(kFrameHeaderBytes == 48);
inline constexpr uint64_t kFrameAlignment = 8;

enum class FrameKind : uint8_t {
  kRecord = 1,
  kWatermark = 2,
  kState = 3,
  kSeal = 4,
  kClose = 5,
};

enum FrameFlags : uint8_t {
  kIgnorable = 1,
  kSpanContinues = 2,
  kEncrypted = 4,
  kSpanFollows = 8,
};

// The largest body that any version may write; a length above it is broken
// even if its checksum holds.
inline constexpr uint64_t kBodyBytesMax = 1ull << 30;

// The frames of one append of several records, headers and padding counted, are
// together no more than this, so that a reader can hold them.
inline constexpr uint64_t kSpanBytesMax = 64 << 20;

inline constexpr size_t kStateBodyPrefixBytes = 40;
inline constexpr size_t kSealBodyBytes = 24;
inline constexpr size_t kCloseBodyBytes = 24;

// Parts and manifests.
inline constexpr char kPartHeaderMagic[8] = {'B', 'J', 'P', 'A',
                                             'R', 'T', 'H', 'D'};
inline constexpr char kPartFooterMagic[8] = {'B', 'J', 'P', 'A',
                                             'R', 'T', 'F', 'T'};
inline constexpr char kManifestMagic[8] = {'B', 'J', 'M', 'A',
                                           'N', 'I', 'F', 'S'};
inline constexpr size_t kPartFooterBytes = 512;
inline constexpr size_t kManifestHeaderBytes = 512;
inline constexpr size_t kManifestEntryBytes = 72;
inline constexpr uint32_t kBlockMagic = 0x31426a62;  // "bjB1"
inline constexpr size_t kBlockHeaderBytes = 56;
inline constexpr size_t kBlockEntryBytes = 16;
inline constexpr size_t kPartIndexEntryBytes = 24;
// A block is closed when its raw bytes reach this.
inline constexpr uint64_t kBlockRawBytes = 256 << 10;
// What a reader of blocks believes: see `raw_bytes` in FORMAT.md.
inline constexpr uint64_t kBlockRawBytesMax = 1 << 20;
inline constexpr uint64_t kBlockRatioMax = 64;

enum class BlockCodec : uint8_t { kNone = 0, kZstd = 1 };

// A manifest above this is broken, whatever its checksums say.
inline constexpr uint64_t kManifestBytesMax = 16 << 20;

constexpr uint64_t AlignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

// Header, body and padding.
constexpr uint64_t FrameBytes(uint64_t body_bytes) {
  return kFrameHeaderBytes + AlignUp(body_bytes, kFrameAlignment);
}

}  // namespace journal

#endif  // JOURNAL_FORMAT_H_
