// The bytes of a segment's header, pinned, and the names of segment files.
#include "journal/segment_header.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "journal/little_endian.h"
#include "xxhash.h"

namespace journal {
namespace {

SegmentHeader Example() {
  SegmentHeader header;
  for (size_t i = 0; i < header.uuid.size(); ++i) {
    header.uuid[i] = static_cast<char>(0xa0 + i);
  }
  header.segment_id = 0x11;
  header.first_lsn = 0x12;
  header.zeroed_bytes = 0x13;
  header.max_unsynced_bytes = 0x14;
  header.created_unix_ns = 0x15;
  header.watermark = 0x10;
  header.predecessor_id = 0x17;
  header.predecessor_bytes = 0x18;
  header.chain_start = 0x19;
  header.records_before = 0x1a;
  header.state_segment_id = 0x1b;
  header.state_offset = 0x1c;
  header.state_lsn = 0x1d;
  header.snapshot_lsn = 0x1e;
  header.required_features = kFeatureEncryption;
  header.key_id.fill('\x1f');
  header.removed_before_lsn = 0x20;
  return header;
}

std::string Encoded(const SegmentHeader& header) {
  std::string bytes(kSegmentHeaderBytes, '\0');
  EncodeSegmentHeader(header, bytes.data());
  return bytes;
}

HeaderState StateOf(const std::string& bytes) {
  SegmentHeader header;
  return DecodeSegmentHeader(bytes.data(), &header);
}

// After a change of the bytes, with a checksum that holds.
std::string Resealed(std::string bytes) {
  StoreLittleEndian<uint64_t>(bytes.data() + 504,
                              XXH3_64bits(bytes.data(), 504));
  return bytes;
}

TEST(SegmentHeaderTest, TheHeaderIsTheseBytes) {
  const std::string bytes = Encoded(Example());
  EXPECT_EQ(bytes.substr(0, 8), "BJSEGMNT");
  EXPECT_EQ(absl::BytesToHexString(bytes.substr(8, 160)),
            "01000000"
            "01000000"
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "1100000000000000"
            "1200000000000000"
            "1300000000000000"
            "1400000000000000"
            "1500000000000000"
            "1000000000000000"
            "1700000000000000"
            "1800000000000000"
            "1900000000000000"
            "1a00000000000000"
            "1b00000000000000"
            "1c00000000000000"
            "1d00000000000000"
            "1e00000000000000"
            "1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f"
            "2000000000000000");
  EXPECT_EQ(bytes.substr(168, 504 - 168), std::string(504 - 168, '\0'));
  EXPECT_EQ(absl::BytesToHexString(bytes.substr(504)), "100c1d302ec764a0");
}

TEST(SegmentHeaderTest, DecodesWhatItEncoded) {
  SegmentHeader out;
  const std::string bytes = Encoded(Example());
  ASSERT_EQ(DecodeSegmentHeader(bytes.data(), &out), HeaderState::kGood);
  EXPECT_EQ(Encoded(out), bytes);
}

TEST(SegmentHeaderTest, NoBitMayFlipAndNoneIsTakenForANewerVersion) {
  for (size_t at = 0; at < kSegmentHeaderBytes; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = Encoded(Example());
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      EXPECT_EQ(StateOf(bytes), HeaderState::kBad) << at << " " << bit;
    }
  }
}

TEST(SegmentHeaderTest, AnotherVersionOrFeatureIsNewer) {
  SegmentHeader header = Example();
  header.format_version = 2;
  EXPECT_EQ(StateOf(Encoded(header)), HeaderState::kNewer);
  header.format_version = 0xffffffff;
  EXPECT_EQ(StateOf(Encoded(header)), HeaderState::kNewer);
  header.format_version = 0;
  EXPECT_EQ(StateOf(Encoded(header)), HeaderState::kBad);
  header = Example();
  for (int bit = 2; bit < 32; ++bit) {
    header.required_features = 1u << bit;
    EXPECT_EQ(StateOf(Encoded(header)), HeaderState::kNewer) << bit;
  }
  header.required_features = kFeatureEncryption | kFeatureSnapshots;
  EXPECT_EQ(StateOf(Encoded(header)), HeaderState::kGood);
}

TEST(SegmentHeaderTest, AKeyAndItsFeatureBitGoTogether) {
  SegmentHeader header = Example();
  header.required_features = 0;
  EXPECT_EQ(StateOf(Encoded(header)), HeaderState::kBad);
  header.key_id = KeyId();
  EXPECT_EQ(StateOf(Encoded(header)), HeaderState::kGood);
  header.required_features = kFeatureEncryption;
  EXPECT_EQ(StateOf(Encoded(header)), HeaderState::kBad);
}

TEST(SegmentHeaderTest, NothingIsDurableBeforeItIsWritten) {
  SegmentHeader header = Example();
  header.watermark = header.first_lsn - 1;
  EXPECT_EQ(StateOf(Encoded(header)), HeaderState::kGood);
  header.watermark = header.first_lsn;
  EXPECT_EQ(StateOf(Encoded(header)), HeaderState::kBad);
}

TEST(SegmentHeaderTest, ANewerOneMayUseReservedBytes) {
  std::string bytes = Encoded(Example());
  bytes[200] = 1;
  EXPECT_EQ(StateOf(Resealed(bytes)), HeaderState::kBad);
  bytes[8] = 2;
  EXPECT_EQ(StateOf(Resealed(bytes)), HeaderState::kNewer);
}

TEST(SegmentHeaderTest, ASeedBelongsToOneSegmentOfOneJournal) {
  const JournalUuid a = NewUuid();
  const JournalUuid b = NewUuid();
  EXPECT_NE(a, b);
  EXPECT_NE(SegmentSeed(a, 1), SegmentSeed(b, 1));
  EXPECT_NE(SegmentSeed(a, 1), SegmentSeed(a, 2));
  EXPECT_NE(FirstChain(a), FirstChain(b));
  JournalUuid zero = {};
  EXPECT_EQ(SegmentSeed(zero, 1), 535526762650667798u);
  EXPECT_EQ(FirstChain(zero), 15034821391391295848u);
}

TEST(SegmentHeaderTest, NamesAreParsedOnlyAsTheyAreWritten) {
  for (uint64_t id : {1ull, 12ull, 9999999999ull, 10000000000ull}) {
    EXPECT_EQ(ParseSegmentFileName(SegmentFileName(id)), id);
  }
  EXPECT_EQ(SegmentFileName(12), "0000000012.seg");
  for (const char* name :
       {"", ".seg", "1.seg", "0000000000.seg", "0000000001.seg.new",
        "0000000001.seg.torn", "+000000001.seg", " 000000001.seg",
        "0000000001.SEG", "00000000001.seg", "-000000001.seg",
        "99999999999999999999.seg", "LOCK"}) {
    EXPECT_FALSE(ParseSegmentFileName(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace journal
