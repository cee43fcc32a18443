// The bytes of a frame, pinned.
#include "journal/frame.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "journal/little_endian.h"

namespace journal {
namespace {

constexpr uint64_t kSeed = 0x0123456789abcdef;

FrameHeader Example() {
  FrameHeader header;
  header.body_bytes = 5;
  header.lsn = 0x1112131415161718;
  header.watermark = 0x0122232425262728;
  header.type = 0x3132;
  header.kind = FrameKind::kRecord;
  header.flags = kIgnorable | kSpanContinues;
  header.body_checksum = BodyChecksum(kSeed, "hello");
  return header;
}

std::string Encoded(FrameHeader header, uint64_t offset = 1024) {
  std::string bytes(kFrameHeaderBytes, '\0');
  EncodeFrameHeader(header, kSeed, offset, bytes.data());
  return bytes;
}

bool Decodes(const std::string& bytes, uint64_t offset = 1024,
             uint64_t seed = kSeed) {
  FrameHeader header;
  return DecodeFrameHeader(bytes.data(), seed, offset, &header);
}

TEST(FrameTest, TheHeaderIsTheseBytes) {
  // Magic, body bytes, LSN, watermark, type, kind, flags, zero, and the
  // checksums of the body and the header.
  EXPECT_EQ(absl::BytesToHexString(Encoded(Example())),
            "626a4631"
            "05000000"
            "1817161514131211"
            "2827262524232201"
            "3231"
            "01"
            "03"
            "00000000"
            "155d3e206e78258e"
            "a86ecf87859241e9");
}

TEST(FrameTest, DecodesWhatItEncoded) {
  const FrameHeader in = Example();
  FrameHeader out;
  ASSERT_TRUE(DecodeFrameHeader(Encoded(in).data(), kSeed, 1024, &out));
  EXPECT_EQ(out.body_bytes, in.body_bytes);
  EXPECT_EQ(out.lsn, in.lsn);
  EXPECT_EQ(out.watermark, in.watermark);
  EXPECT_EQ(out.type, in.type);
  EXPECT_EQ(out.kind, in.kind);
  EXPECT_EQ(out.flags, in.flags);
  EXPECT_EQ(out.body_checksum, in.body_checksum);
}

TEST(FrameTest, NoBitMayFlip) {
  for (size_t at = 0; at < kFrameHeaderBytes; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = Encoded(Example());
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      EXPECT_FALSE(Decodes(bytes)) << at << " " << bit;
    }
  }
}

TEST(FrameTest, BelongsToOnePlaceInOneSegment) {
  const std::string bytes = Encoded(Example());
  EXPECT_TRUE(Decodes(bytes, 1024));
  EXPECT_FALSE(Decodes(bytes, 1032));
  EXPECT_FALSE(Decodes(bytes, 1024, kSeed + 1));
}

TEST(FrameTest, ALengthThatNoVersionWritesIsBroken) {
  FrameHeader header = Example();
  header.body_bytes = static_cast<uint32_t>(kBodyBytesMax);
  EXPECT_TRUE(Decodes(Encoded(header)));
  header.body_bytes = static_cast<uint32_t>(kBodyBytesMax) + 1;
  EXPECT_FALSE(Decodes(Encoded(header)));
  header.body_bytes = 0x80000000;
  EXPECT_FALSE(Decodes(Encoded(header)));
}

TEST(FrameTest, ReservedBytesMustBeZeroEvenUnderARightChecksum) {
  // As a later version might write them, without saying so in the header.
  std::string covered = Encoded(Example());
  covered[28] = 1;
  std::string with_offset = covered.substr(0, 40) + std::string(8, '\0');
  StoreLittleEndian<uint64_t>(with_offset.data() + 40, 1024);
  StoreLittleEndian<uint64_t>(covered.data() + 40,
                              BodyChecksum(kSeed, with_offset));
  EXPECT_FALSE(Decodes(covered));
}

TEST(FrameTest, AWatermarkIsBelowTheFramesOwnLsn) {
  FrameHeader header = Example();
  for (const Lsn above : {0, 1, 1000}) {
    header.watermark = header.lsn + above;
    EXPECT_FALSE(Decodes(Encoded(header)));
  }
  header.watermark = header.lsn - 1;
  EXPECT_TRUE(Decodes(Encoded(header)));
}

TEST(FrameTest, TheChainDependsOnOrderAndContent) {
  FrameHeader a = Example();
  FrameHeader b = Example();
  b.lsn += 1;
  Encoded(a);
  std::string bytes(kFrameHeaderBytes, '\0');
  EncodeFrameHeader(a, kSeed, 1024, bytes.data());
  EncodeFrameHeader(b, kSeed, 1080, bytes.data());
  const uint64_t ab = ExtendChain(ExtendChain(1, a), b);
  EXPECT_NE(ab, ExtendChain(ExtendChain(1, b), a));
  EXPECT_NE(ab, ExtendChain(ExtendChain(2, a), b));
  EXPECT_EQ(ab, ExtendChain(ExtendChain(1, a), b));
}

TEST(FrameTest, TheEnginesOwnBodiesAreTheseBytes) {
  char seal[kSealBodyBytes];
  EncodeSealBody({0x0102, 0x0304, 0x0506}, seal);
  EXPECT_EQ(absl::BytesToHexString({seal, sizeof(seal)}),
            "0201000000000000"
            "0403000000000000"
            "0605000000000000");
  SealBody decoded;
  ASSERT_TRUE(DecodeSealBody({seal, sizeof(seal)}, &decoded));
  EXPECT_EQ(decoded.successor_id, 0x0102);
  EXPECT_FALSE(DecodeSealBody({seal, sizeof(seal) - 1}, &decoded));
}

TEST(FrameTest, AStateCarriesItsOwnChecksum) {
  const absl::string_view state = "the state";
  std::string body(kStateBodyPrefixBytes, '\0');
  EncodeStatePrefix({7, 8, 9, 10}, state, body.data());
  body += std::string(state);
  StatePrefix prefix;
  absl::string_view decoded;
  ASSERT_TRUE(DecodeStateBody(body, &prefix, &decoded));
  EXPECT_EQ(decoded, state);
  EXPECT_EQ(prefix.as_of_lsn, 7);
  EXPECT_EQ(prefix.folder_version, 10);
  body.back() ^= 1;
  EXPECT_FALSE(DecodeStateBody(body, &prefix, &decoded));
  EXPECT_FALSE(DecodeStateBody("short", &prefix, &decoded));
}

TEST(FrameTest, AllZeroLooksAtEveryByte) {
  EXPECT_TRUE(AllZero(""));
  for (size_t size : {1, 2, 7, 8, 9, 512}) {
    std::string bytes(size, '\0');
    EXPECT_TRUE(AllZero(bytes)) << size;
    for (size_t at = 0; at < size; ++at) {
      bytes[at] = 1;
      EXPECT_FALSE(AllZero(bytes)) << size << " " << at;
      bytes[at] = 0;
    }
  }
}

}  // namespace
}  // namespace journal
