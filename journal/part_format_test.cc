// The bytes of parts, pinned: a later version must still read them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "journal/error.h"
#include "journal/little_endian.h"
#include "journal/testing/part_fixture.h"
#include "xxhash.h"

namespace journal {
namespace {

using ::testing::HasSubstr;

PartFooter Example() {
  PartFooter footer;
  for (size_t i = 0; i < footer.uuid.size(); ++i) {
    footer.uuid[i] = static_cast<char>(0xa0 + i);
  }
  footer.required_features = kFeatureEncryption;
  footer.part_id = 0x11;
  footer.span.first_segment = 0x12;
  footer.span.last_segment = 0x13;
  footer.span.first_lsn = 0x14;
  footer.span.chain_start = 0x15;
  footer.span.records_before = 0x16;
  footer.key_id.fill('\x17');
  footer.created_unix_ns = 0x18;
  footer.span.last_lsn = 0x19;
  footer.span.chain_end = 0x1a;
  footer.span.records_after = 0x1b;
  footer.span.seal_end = 0x1c;
  footer.records = 0x1d;
  footer.raw_bytes = 0x1e;
  footer.blocks = 0x1f;
  footer.index_offset = 0x20;
  footer.index_checksum = 0x21;
  return footer;
}

constexpr absl::string_view kBothEnds =
    "01000000"
    "01000000"
    "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
    "1100000000000000"
    "1200000000000000"
    "1300000000000000"
    "1400000000000000"
    "1500000000000000"
    "1600000000000000"
    "17171717171717171717171717171717"
    "1800000000000000"
    "1900000000000000"
    "1a00000000000000"
    "1b00000000000000"
    "1c00000000000000";

std::string Encoded(PartFooter footer, PartEnd end) {
  std::string bytes(kPartFooterBytes, 'x');
  EncodePartFooter(footer, end, bytes.data());
  EXPECT_EQ(footer.checksum,
            LoadLittleEndian<uint64_t>(bytes.data() + kPartFooterBytes - 8));
  return bytes;
}

HeaderState StateOf(const std::string& bytes, PartEnd end) {
  PartFooter footer;
  return DecodePartFooter(bytes.data(), end, &footer);
}

// After a change of the bytes, with a checksum that holds.
std::string Resealed(std::string bytes) {
  StoreLittleEndian<uint64_t>(bytes.data() + 504,
                              XXH3_64bits(bytes.data(), 504));
  return bytes;
}

TEST(PartFooterTest, TheFooterIsTheseBytes) {
  const std::string bytes = Encoded(Example(), PartEnd::kFooter);
  EXPECT_EQ(bytes.substr(0, 8), "BJPARTFT");
  EXPECT_EQ(absl::BytesToHexString(bytes.substr(8, 128)), kBothEnds);
  EXPECT_EQ(absl::BytesToHexString(bytes.substr(136, 40)),
            "1d00000000000000"
            "1e00000000000000"
            "1f00000000000000"
            "2000000000000000"
            "2100000000000000");
  EXPECT_EQ(bytes.substr(176, 328), std::string(328, '\0'));
  EXPECT_EQ(absl::BytesToHexString(bytes.substr(504)), "1f478c69176b2055");
}

TEST(PartFooterTest, TheHeaderIsTheseBytes) {
  const std::string bytes = Encoded(Example(), PartEnd::kHeader);
  EXPECT_EQ(bytes.substr(0, 8), "BJPARTHD");
  EXPECT_EQ(absl::BytesToHexString(bytes.substr(8, 128)), kBothEnds);
  EXPECT_EQ(bytes.substr(136, 368), std::string(368, '\0'));
  EXPECT_EQ(absl::BytesToHexString(bytes.substr(504)), "d51924fff62ce283");
}

TEST(PartFooterTest, DecodesWhatItEncodedAndNotTheOtherEnd) {
  for (const PartEnd end : {PartEnd::kHeader, PartEnd::kFooter}) {
    PartFooter out;
    const std::string bytes = Encoded(Example(), end);
    ASSERT_EQ(DecodePartFooter(bytes.data(), end, &out), HeaderState::kGood);
    EXPECT_EQ(Encoded(out, end), bytes);
    const PartEnd other =
        end == PartEnd::kHeader ? PartEnd::kFooter : PartEnd::kHeader;
    EXPECT_EQ(StateOf(bytes, other), HeaderState::kBad);
  }
}

TEST(PartFooterTest, NoBitMayFlipAndNoneIsTakenForANewerVersion) {
  for (size_t at = 0; at < kPartFooterBytes; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = Encoded(Example(), PartEnd::kFooter);
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      EXPECT_EQ(StateOf(bytes, PartEnd::kFooter), HeaderState::kBad)
          << at << " " << bit;
    }
  }
}

TEST(PartFooterTest, AnotherVersionOrFeatureIsNewer) {
  PartFooter footer = Example();
  footer.format_version = 2;
  EXPECT_EQ(StateOf(Encoded(footer, PartEnd::kFooter), PartEnd::kFooter),
            HeaderState::kNewer);
  footer.format_version = 0;
  EXPECT_EQ(StateOf(Encoded(footer, PartEnd::kFooter), PartEnd::kFooter),
            HeaderState::kBad);
  footer = Example();
  footer.required_features |= 1u << 31;
  EXPECT_EQ(StateOf(Encoded(footer, PartEnd::kFooter), PartEnd::kFooter),
            HeaderState::kNewer);
}

TEST(PartFooterTest, WhatNoWriterWritesIsBad) {
  std::string bytes = Encoded(Example(), PartEnd::kFooter);
  bytes[200] = 1;
  EXPECT_EQ(StateOf(Resealed(bytes), PartEnd::kFooter), HeaderState::kBad);
  bytes = Encoded(Example(), PartEnd::kHeader);
  bytes[140] = 1;  // Not known yet when the header is written.
  EXPECT_EQ(StateOf(Resealed(bytes), PartEnd::kHeader), HeaderState::kBad);
  PartFooter footer = Example();
  footer.required_features = 0;  // With a key.
  EXPECT_EQ(StateOf(Encoded(footer, PartEnd::kFooter), PartEnd::kFooter),
            HeaderState::kBad);
  footer = Example();
  footer.span.last_lsn = UINT64_MAX;  // Nothing could follow.
  EXPECT_EQ(StateOf(Encoded(footer, PartEnd::kFooter), PartEnd::kFooter),
            HeaderState::kBad);
  footer = Example();
  footer.span.last_lsn = footer.span.first_lsn - 1;
  EXPECT_EQ(StateOf(Encoded(footer, PartEnd::kFooter), PartEnd::kFooter),
            HeaderState::kBad);
}

TEST(PartFooterTest, ASeedBelongsToOnePartOfOneJournal) {
  const JournalUuid zero = {};
  const JournalUuid other = {'o'};
  EXPECT_NE(PartSeed(zero, 1), PartSeed(zero, 2));
  EXPECT_NE(PartSeed(zero, 1), PartSeed(other, 1));
  EXPECT_NE(PartSeed(zero, 1), SegmentSeed(zero, 1));
  EXPECT_EQ(PartSeed(zero, 1), 17731577981831119513u);
}

TEST(PartFooterTest, NamesAreParsedOnlyAsTheyAreWritten) {
  EXPECT_EQ(PartFileName(12), "0000000012.part");
  EXPECT_EQ(ParsePartFileName("0000000012.part"), 12);
  for (const char* name : {"", "12.part", "0000000000.part", "1.part.new",
                           "0000000001.part.new", "0000000001.seg"}) {
    EXPECT_FALSE(ParsePartFileName(name).has_value()) << name;
  }
}

// ---------------------------------------------------------------------------
// Blocks

constexpr uint64_t kSeed = 77;

BlockHeader ExampleBlock() {
  BlockHeader header;
  header.stored_bytes = 0x1001;
  header.raw_bytes = 0x2008;
  header.records = 3;
  header.first_lsn = 0x14;
  header.last_lsn = 0x25;
  header.codec = BlockCodec::kZstd;
  header.encrypted = true;
  header.stored_checksum = 0x16;
  return header;
}

bool Decodes(const BlockHeader& header) {
  char bytes[kBlockHeaderBytes];
  EncodeBlockHeader(header, kSeed, 512, bytes);
  BlockHeader out;
  return DecodeBlockHeader(bytes, kSeed, 512, &out);
}

TEST(PartBlockTest, ABlockHeaderIsTheseBytes) {
  std::string bytes(kBlockHeaderBytes, '\0');
  EncodeBlockHeader(ExampleBlock(), kSeed, 512, bytes.data());
  EXPECT_EQ(bytes.substr(0, 4), "bjB1");
  EXPECT_EQ(absl::BytesToHexString(bytes.substr(4)),
            "01100000"
            "08200000"
            "03000000"
            "1400000000000000"
            "2500000000000000"
            "01"
            "04"
            "000000000000"
            "1600000000000000"
            "41d1a25479dbb018");
  BlockHeader out;
  ASSERT_TRUE(DecodeBlockHeader(bytes.data(), kSeed, 512, &out));
  std::string again(kBlockHeaderBytes, '\0');
  EncodeBlockHeader(out, kSeed, 512, again.data());
  EXPECT_EQ(again, bytes);
}

TEST(PartBlockTest, AHeaderIsBoundToItsPartAndPlace) {
  char bytes[kBlockHeaderBytes];
  EncodeBlockHeader(ExampleBlock(), kSeed, 512, bytes);
  BlockHeader out;
  EXPECT_FALSE(DecodeBlockHeader(bytes, kSeed + 1, 512, &out));
  EXPECT_FALSE(DecodeBlockHeader(bytes, kSeed, 520, &out));
}

TEST(PartBlockTest, RawBytesAreBoundedBeforeAnythingIsAllocated) {
  BlockHeader header = ExampleBlock();
  header.raw_bytes = 1 << 20;
  EXPECT_TRUE(Decodes(header));
  header.stored_bytes = 0x8001;
  header.raw_bytes = 64 * 0x8000 + 64;
  EXPECT_TRUE(Decodes(header));
  header.raw_bytes += 8;
  EXPECT_FALSE(Decodes(header));
  header.raw_bytes = 0xfffffff8;
  EXPECT_FALSE(Decodes(header));
  header.stored_bytes = 0xfffffff8;  // Above what any record needs.
  EXPECT_FALSE(Decodes(header));
}

TEST(PartBlockTest, FieldsThatNoWriterWritesAreRefused) {
  using Change = void (*)(BlockHeader&);
  const Change changes[] = {
      [](BlockHeader& h) { h.records = 0; },
      [](BlockHeader& h) { h.records = 0x13; },  // More than LSNs.
      [](BlockHeader& h) { h.first_lsn = 0; },
      [](BlockHeader& h) { h.last_lsn = 0x13; },
      [](BlockHeader& h) { h.codec = static_cast<BlockCodec>(2); },
      [](BlockHeader& h) { h.stored_bytes = kCipherExtraBytes; },
      [](BlockHeader& h) { h.stored_bytes = 0; },
      [](BlockHeader& h) { h.raw_bytes = 0x2009; },
      [](BlockHeader& h) { h.raw_bytes = 40; },  // Less than three entries.
      [](BlockHeader& h) { h.codec = BlockCodec::kNone; },
  };
  EXPECT_TRUE(Decodes(ExampleBlock()));
  for (const Change change : changes) {
    BlockHeader header = ExampleBlock();
    change(header);
    EXPECT_FALSE(Decodes(header)) << (&change - changes);
  }
}

class PartFormatTest : public PartFixture {};

TEST_F(PartFormatTest, EntriesAreTheseBytes) {
  Write({{0x1112, "abc" + Noise(9), 0x2122, true}, {0x1113, "", 3, false}});
  const BlockPlace block = Blocks().at(0);
  EXPECT_EQ(block.header.codec, BlockCodec::kNone);
  const std::string raw =
      Bytes().substr(block.stored(), block.header.stored_bytes);
  EXPECT_EQ(absl::BytesToHexString(raw),
            "1211000000000000"
            "0c000000"
            "2221"
            "01"
            "00" +
                absl::BytesToHexString("abc" + Noise(9)) +
                "00000000"
                "1311000000000000"
                "00000000"
                "0300"
                "00"
                "00");
}

TEST_F(PartFormatTest, AWholePartIsTheseBytes) {
  WriteBlocks({{Noise(100, 1), Noise(60, 2)}, {Noise(99, 3)}});
  for (const BlockPlace& block : Blocks()) {
    ASSERT_EQ(block.header.codec, BlockCodec::kNone);
  }
  EXPECT_EQ(Bytes().size(), 1504);
  EXPECT_EQ(XXH3_64bits(Bytes().data(), Bytes().size()), 3091353351879732122u);
}

TEST_F(PartFormatTest, TheWriterWritesNothingElse) {
  Item item{102, Noise(kBlockRawBytes, 1)};
  Item second{104, Noise(100, 2)};
  Write({item, second});
  std::string written = Bytes();
  WriteBlocks({{item.body}, {second.body}});
  // But for the time, which WriteBlocks leaves out.
  PartFooter footer;
  ASSERT_EQ(DecodePartFooter(written.data(), PartEnd::kHeader, &footer),
            HeaderState::kGood);
  footer.created_unix_ns = 0;
  EncodePartFooter(footer, PartEnd::kHeader, written.data());
  char* end = written.data() + written.size() - kPartFooterBytes;
  ASSERT_EQ(DecodePartFooter(end, PartEnd::kFooter, &footer),
            HeaderState::kGood);
  footer.created_unix_ns = 0;
  EncodePartFooter(footer, PartEnd::kFooter, end);
  EXPECT_TRUE(written == Bytes());
}

TEST_F(PartFormatTest, ACompressedBlockIsReadForEver) {
  const std::string stored = absl::HexStringToBytes(
      "28b52ffd60b000d50000406600c800786800790600449ccad6100006"
      "2402cac068036803");
  BlockHeader header;
  header.stored_bytes = static_cast<uint32_t>(stored.size());
  header.raw_bytes = 2 * 16 + 2 * 200;
  header.records = 2;
  header.first_lsn = 102;
  header.last_lsn = 104;
  header.codec = BlockCodec::kZstd;
  BlockDecoder decoder(uuid_, id_, KeyId{}, nullptr);
  absl::string_view raw = decoder.Decode(header, stored).value();
  Record record;
  ASSERT_TRUE(TakeBlockEntry(&raw, &record));
  EXPECT_EQ(record.body, std::string(200, 'x'));
  ASSERT_TRUE(TakeBlockEntry(&raw, &record));
  EXPECT_EQ(record.lsn, 104);
  EXPECT_EQ(record.body, std::string(200, 'y'));
}

// ---------------------------------------------------------------------------
// Files that are not that part

TEST_F(PartFormatTest, NeverCalledDamagedWhenItIsNewer) {
  Write(Items({"a"}));
  std::string bytes = Bytes();
  char* end = bytes.data() + bytes.size() - kPartFooterBytes;
  StoreLittleEndian<uint32_t>(end + 8, 2);
  StoreLittleEndian<uint64_t>(end + 504, XXH3_64bits(end, 504));
  Put(bytes);
  Finding finding;
  EXPECT_EQ(KindOf(TryOpen(&finding).status()), ErrorKind::kNewerVersion);
  EXPECT_EQ(finding.kind, FindingKind::kNewerFormat);
}

TEST_F(PartFormatTest, AForeignOrRenamedPartIsSaidToBeOne) {
  Write(Items({"a"}));
  Finding finding;
  disk_.Put("/journal/" + PartFileName(8), Bytes());
  id_ = 8;
  EXPECT_EQ(KindOf(TryOpen(&finding).status()), ErrorKind::kDamage);
  EXPECT_EQ(finding.kind, FindingKind::kSegmentChain);
  EXPECT_THAT(finding.detail, HasSubstr("part 7"));
  EXPECT_EQ(finding.file, "0000000008.part");
  id_ = kId;
  uuid_.fill('v');
  EXPECT_EQ(KindOf(TryOpen(&finding).status()), ErrorKind::kDamage);
  EXPECT_EQ(finding.kind, FindingKind::kSegmentChain);
  EXPECT_THAT(finding.detail, HasSubstr("another journal"));
  disk_.Delete(Path());
  EXPECT_EQ(KindOf(TryOpen(&finding).status()), ErrorKind::kNotFound);
  EXPECT_EQ(finding.kind, FindingKind::kSegmentChain);
}

}  // namespace
}  // namespace journal
