// Parts that somebody made: checksums hold, and what they say does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "journal/cipher.h"
#include "journal/error.h"
#include "journal/little_endian.h"
#include "journal/testing/part_fixture.h"
#include "zstd.h"

namespace journal {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PartHostileTest : public PartFixture {
 protected:
  // Changes the footer; its checksum holds again.
  void ForgeFooter(const std::function<void(PartFooter&)>& change) {
    std::string bytes = Bytes();
    char* end = bytes.data() + bytes.size() - kPartFooterBytes;
    PartFooter footer;
    ASSERT_EQ(DecodePartFooter(end, PartEnd::kFooter, &footer),
              HeaderState::kGood);
    change(footer);
    EncodePartFooter(footer, PartEnd::kFooter, end);
    Put(bytes);
  }
  // Changes stored bytes and header of a block; its checksums hold again.
  void ForgeBlock(size_t i,
                  const std::function<void(BlockHeader&, char*)>& change) {
    std::string bytes = Bytes();
    BlockPlace block = Blocks().at(i);
    change(block.header, bytes.data() + block.stored());
    Put(Resealed(bytes, block, PartSeed(uuid_, id_)));
  }
  // One block, whose stored bytes and header are these; its checksums hold.
  void ForgePart(BlockHeader header, const std::string& stored) {
    const uint64_t seed = PartSeed(uuid_, id_);
    PartFooter footer;
    footer.uuid = uuid_;
    footer.part_id = id_;
    footer.span = span_;
    std::string bytes(kPartFooterBytes, '\0');
    EncodePartFooter(footer, PartEnd::kHeader, bytes.data());
    header.stored_bytes = static_cast<uint32_t>(stored.size());
    header.stored_checksum = StoredChecksum(seed, stored);
    bytes.resize(bytes.size() + kBlockHeaderBytes);
    EncodeBlockHeader(header, seed, kPartFooterBytes,
                      bytes.data() + kPartFooterBytes);
    bytes += stored;
    bytes.resize(AlignUp(bytes.size(), 8), '\0');
    footer.records = header.records;
    footer.raw_bytes = header.raw_bytes;
    footer.blocks = 1;
    footer.index_offset = bytes.size();
    const std::string index = EncodePartIndex(
        {{kPartFooterBytes, header.first_lsn, header.last_lsn}});
    footer.index_checksum = PartIndexChecksum(seed, index);
    bytes += index;
    bytes.resize(bytes.size() + kPartFooterBytes);
    EncodePartFooter(footer, PartEnd::kFooter,
                     bytes.data() + bytes.size() - kPartFooterBytes);
    Put(bytes);
  }
  static std::string Compressed(const std::string& raw) {
    std::string out(ZSTD_compressBound(raw.size()), '\0');
    out.resize(
        ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 3));
    return out;
  }
  static BlockHeader HeaderFor(uint64_t raw_bytes) {
    BlockHeader header;
    header.raw_bytes = static_cast<uint32_t>(raw_bytes);
    header.records = 1;
    header.first_lsn = 100;
    header.last_lsn = 100;
    header.codec = BlockCodec::kZstd;
    return header;
  }
  // Nothing is read, and LSN 100 alone is blamed.
  void ExpectLsn100Lost() {
    EXPECT_THAT(Read(), IsEmpty());
    for (const auto& findings : {findings_, Verify()}) {
      ASSERT_EQ(findings.size(), 1);
      EXPECT_EQ(findings[0].kind, FindingKind::kAckedLoss);
      EXPECT_EQ(findings[0].first_lsn, 100);
      EXPECT_EQ(findings[0].last_lsn, 100);
    }
  }
};

TEST_F(PartHostileTest, ABombIsRefusedBeforeItIsUnpacked) {
  const std::string bomb = Compressed(std::string(256 << 20, '\0'));
  ASSERT_LT(bomb.size(), 64 << 10);
  // It says what it is.
  ForgePart(HeaderFor(256 << 20), bomb);
  ExpectLsn100Lost();
  // It lies: as much as the ratio allows, or as little as there can be.
  for (const uint64_t raw_bytes :
       {bomb.size() * 64 / 8 * 8, uint64_t{1} << 20, uint64_t{16}}) {
    ForgePart(HeaderFor(raw_bytes), bomb);
    ExpectLsn100Lost();
    // Seen before there is memory for it.
    EXPECT_THAT(findings_[0].detail, HasSubstr("another size"));
  }
}

TEST_F(PartHostileTest, AFrameThatLiesOfItsSizeIsRefused) {
  // A megabyte of zeros whose frame states 16 bytes less, or more.
  const uint32_t raw_bytes = 1 << 20;
  for (const int32_t lie : {-16, 16}) {
    std::string frame = Compressed(std::string(raw_bytes, '\0'));
    const std::string stated(reinterpret_cast<const char*>(&raw_bytes), 4);
    const size_t at = frame.find(stated);
    ASSERT_LT(at, 10);
    StoreLittleEndian<uint32_t>(frame.data() + at, raw_bytes + lie);
    if (lie > 0) frame += std::string(20'000, '\0');  // Within the ratio.
    ForgePart(HeaderFor(raw_bytes + lie), frame);
    ExpectLsn100Lost();
  }
  ForgePart(HeaderFor(1000), std::string(100, 'x'));
  ExpectLsn100Lost();
}

TEST_F(PartHostileTest, EntriesThatDoNotAddUpCostTheirBlockAlone) {
  using Change = std::function<void(BlockHeader&, char*)>;
  const std::vector<Change> changes = {
      [](BlockHeader&, char* raw) { raw[8] = 90; },   // Body bytes.
      [](BlockHeader&, char* raw) { raw[8] = 120; },  // Into the next entry.
      [](BlockHeader&, char* raw) { raw[11] = '\xff'; },
      [](BlockHeader&, char* raw) { raw[14] = 2; },        // Flags.
      [](BlockHeader&, char* raw) { raw[15] = 1; },        // Reserved.
      [](BlockHeader&, char* raw) { raw[16 + 101] = 1; },  // Padding.
      [](BlockHeader&, char* raw) { ++raw[0]; },           // First LSN.
      [](BlockHeader&, char* raw) { raw[120] = raw[0]; },  // The same again.
      [](BlockHeader&, char* raw) { ++raw[120]; },         // Last LSN.
      [](BlockHeader& header, char*) { header.records = 1; },
      [](BlockHeader& header, char*) { header.records = 3; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    const std::vector<Item> items =
        WriteBlocks({{"before"}, {Noise(97, 1), Noise(2000, 2)}, {"behind"}});
    ASSERT_EQ(Blocks()[1].header.codec, BlockCodec::kNone);
    const BlockPlace block = Blocks()[1];
    ForgeBlock(1, changes[i]);
    EXPECT_EQ(Read(), (std::vector<Item>{items[0], items[3]})) << i;
    for (const auto& findings : {findings_, Verify()}) {
      ASSERT_EQ(findings.size(), 1) << i;
      EXPECT_EQ(findings[0].kind, FindingKind::kAckedLoss) << i;
      EXPECT_EQ(findings[0].first_lsn, block.header.first_lsn) << i;
      EXPECT_EQ(findings[0].last_lsn, block.header.last_lsn) << i;
    }
  }
}

TEST_F(PartHostileTest, ABlockThatIsNotTheIndexesIsBlamedAlone) {
  using Change = void (*)(BlockHeader&, char*);
  const Change changes[] = {
      [](BlockHeader& header, char*) { ++header.last_lsn; },
      // All of the block says so, and only the index does not.
      [](BlockHeader& header, char* raw) { raw[0] = ++header.first_lsn; },
  };
  for (const Change change : changes) {
    const std::vector<Item> items =
        WriteBlocks({{"a"}, {Noise(97), Noise(2000)}, {"d"}});
    ForgeBlock(1, change);
    EXPECT_EQ(Read(), (std::vector<Item>{items[0], items[3]}));
    ASSERT_EQ(findings_.size(), 1);
    EXPECT_EQ(findings_[0].first_lsn, items[1].lsn);
    EXPECT_EQ(findings_[0].last_lsn, items[2].lsn);
  }
}

TEST_F(PartHostileTest, ALengthThatPassesTheBlocksPlaceIsNotBelieved) {
  for (const bool index_whole : {true, false}) {
    const std::vector<Item> items = WriteBlocks({{"a"}, {"b"}, {"c"}});
    const std::string good = Bytes();
    const std::vector<BlockPlace> blocks = Blocks();
    const uint64_t index = blocks.back().end();
    for (size_t i = 0; i < blocks.size(); ++i) {
      for (const uint64_t end : {index + 1, index + 8, good.size(),
                                 good.size() + 8, uint64_t{0x7fffffff}}) {
        std::string bytes = good;
        BlockHeader header = blocks[i].header;
        header.codec = BlockCodec::kZstd;
        header.stored_bytes = static_cast<uint32_t>(end - blocks[i].stored());
        EncodeBlockHeader(header, PartSeed(uuid_, id_), blocks[i].offset,
                          bytes.data() + blocks[i].offset);
        if (!index_whole) bytes[index] ^= 1;
        Put(bytes);
        std::vector<Item> rest = items;
        rest.erase(rest.begin() + i);
        EXPECT_EQ(Read(), rest) << i << " " << end;
        EXPECT_EQ(findings_.size(), 1) << i << " " << end;
      }
    }
  }
}

TEST_F(PartHostileTest, BlocksThatGoBackAreNotRead) {
  const std::vector<Item> items =
      WriteBlocksOf({{{102, "a"}}, {{104, "b"}}, {{103, "c"}}, {{106, "d"}}});
  EXPECT_EQ(Read(), (std::vector<Item>{items[0], items[1], items[3]}));
  // Nothing but LSN 105 can lie there.
  ASSERT_EQ(findings_.size(), 1);
  EXPECT_EQ(findings_[0].first_lsn, 105);
  EXPECT_EQ(findings_[0].last_lsn, 105);
  EXPECT_THAT(Verify().size(), 2);  // The index, too.
}

TEST_F(PartHostileTest, BlocksOutsideTheSpanAreNotRead) {
  const std::vector<Item> items =
      WriteBlocksOf({{{99, "a"}}, {{104, "b"}}, {{span_.last_lsn + 1, "c"}}});
  EXPECT_EQ(Read(), (std::vector<Item>{items[1]}));
  ASSERT_EQ(findings_.size(), 2);
  EXPECT_EQ(findings_[0].first_lsn, span_.first_lsn);
  EXPECT_EQ(findings_[0].last_lsn, 103);
  EXPECT_EQ(findings_[1].first_lsn, 105);
  EXPECT_EQ(findings_[1].last_lsn, span_.last_lsn);
}

TEST_F(PartHostileTest, TotalsAreChecked) {
  const std::vector<std::function<void(PartFooter&)>> changes = {
      [](PartFooter& footer) { ++footer.records; },
      [](PartFooter& footer) { --footer.raw_bytes; },
  };
  for (const auto& change : changes) {
    WriteBlocks({{"a"}, {"b"}});
    ForgeFooter(change);
    const std::vector<Finding> findings = Verify(/*decode=*/false);
    // The header agrees: it does not say this.
    ASSERT_EQ(findings.size(), 1);
    EXPECT_THAT(findings[0].detail, HasSubstr("its footer states"));
    // Which is missing, if any, cannot be known.
    EXPECT_EQ(findings[0].first_lsn, 0);
  }
}

TEST_F(PartHostileTest, AFooterThatDoesNotFitTheFileIsRefused) {
  const std::vector<std::function<void(PartFooter&)>> changes = {
      [](PartFooter& footer) { ++footer.blocks; },
      [](PartFooter& footer) { footer.blocks = UINT64_MAX / 24 + 1; },
      [](PartFooter& footer) { footer.blocks = 0; },
      [](PartFooter& footer) { footer.index_offset += 8; },
      [](PartFooter& footer) { footer.index_offset = UINT64_MAX - 7; },
      [](PartFooter& footer) { footer.index_offset = 0; },
      [](PartFooter& footer) {
        // Only index, no room for blocks.
        footer.index_offset = kPartFooterBytes + 8;
        footer.blocks += 4;
      },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    WriteBlocks({{"a"}, {"b"}});
    ForgeFooter(changes[i]);
    EXPECT_EQ(KindOf(TryOpen().status()), ErrorKind::kDamage) << i;
  }
}

TEST_F(PartHostileTest, BytesThatBelongToNoBlockAreSeen) {
  gap_ = "12345678";
  const std::vector<Item> items = WriteBlocks({{"a"}, {"b"}, {"c"}});
  EXPECT_EQ(Read(), items);
  EXPECT_THAT(findings_, IsEmpty());
  const std::vector<Finding> findings = Verify(/*decode=*/false);
  ASSERT_EQ(findings.size(), 2);
  for (const Finding& finding : findings) {
    EXPECT_EQ(finding.kind, FindingKind::kNoRecordLost);
    EXPECT_EQ(finding.bytes, 8);
    EXPECT_EQ(Bytes().substr(finding.offset, 8), gap_);
  }
}

TEST_F(PartHostileTest, BytesBetweenTheLastBlockAndTheIndexAreSeen) {
  WriteBlocks({{"a"}, {"b"}});
  const uint64_t end = Blocks().back().end();
  std::string bytes = Bytes();
  bytes.insert(end, 8, '\0');
  Put(bytes);
  ForgeFooter([](PartFooter& footer) { footer.index_offset += 8; });
  const std::vector<Finding> findings = Verify(/*decode=*/false);
  ASSERT_EQ(findings.size(), 1);
  EXPECT_EQ(findings[0].kind, FindingKind::kNoRecordLost);
  EXPECT_EQ(findings[0].offset, end);
  EXPECT_EQ(findings[0].bytes, 8);
}

TEST_F(PartHostileTest, AHeaderOfAnotherPartIsSeenAndCostsNothing) {
  id_ = 8;
  WriteBlocks({{"other"}});
  const std::string other = Bytes();
  id_ = kId;
  const std::vector<Item> items = WriteBlocks({{"a"}, {"b"}});
  std::string bytes = Bytes();
  bytes.replace(0, kPartFooterBytes, other, 0, kPartFooterBytes);
  Put(bytes);
  EXPECT_EQ(Read(), items);
  const std::vector<Finding> findings = Verify();
  ASSERT_EQ(findings.size(), 1);
  EXPECT_EQ(findings[0].kind, FindingKind::kNoRecordLost);
}

TEST_F(PartHostileTest, AnIndexThatCannotBeIsNotFollowed) {
  const std::vector<Item> items = WriteBlocks({{"a"}, {"b"}, {"c"}});
  const uint64_t at = Blocks().back().end();
  const std::string good = Bytes();
  for (const uint64_t offset :
       {uint64_t{0}, uint64_t{513}, UINT64_MAX - 7, at, at - 8}) {
    Put(good);
    std::string bytes = good;
    StoreLittleEndian<uint64_t>(bytes.data() + at + 24, offset);
    const absl::string_view index(bytes.data() + at, 72);
    const uint64_t checksum = PartIndexChecksum(PartSeed(uuid_, id_), index);
    Put(bytes);
    ForgeFooter([&](PartFooter& footer) { footer.index_checksum = checksum; });
    EXPECT_EQ(Read(), items) << offset;
    EXPECT_THAT(findings_, IsEmpty());
    ASSERT_EQ(Verify().size(), 1);
    EXPECT_EQ(Verify()[0].offset, at);
  }
}

// ---------------------------------------------------------------------------
// Encryption

class PartCipherTest : public PartHostileTest {
 protected:
  void SetUp() override {
    ours_ = Cipher::FromBytes(std::string(32, 'k')).value();
    other_ = Cipher::FromBytes(std::string(32, 'l')).value();
    cipher_ = ours_.get();
    items_ = WriteBlocks({{Noise(100, 1), "secret"},
                          {std::string(600, 'b')},
                          {Noise(100, 2), "secret"}});
  }

  std::unique_ptr<Cipher> ours_;
  std::unique_ptr<Cipher> other_;
  std::vector<Item> items_;
};

TEST_F(PartCipherTest, WhatIsEncryptedComesBackAndIsNotReadable) {
  EXPECT_EQ(Read(), items_);
  EXPECT_THAT(Verify(), IsEmpty());
  EXPECT_EQ(Bytes().find("secret"), std::string::npos);
  std::vector<Item> items =
      Items({"", Noise(1 << 20), std::string(3 << 20, '\0'),
             Noise(90'000) + std::string(4 << 20, '\0'), "a"});
  EXPECT_EQ(Write(items).key_id, ours_->id());
  EXPECT_EQ(Read(), items);
  EXPECT_THAT(Verify(), IsEmpty());
}

TEST_F(PartCipherTest, VerifyingNeedsNoKey) {
  cipher_ = nullptr;
  EXPECT_THAT(Verify(/*decode=*/false), IsEmpty());
  EXPECT_THAT(Verify(/*decode=*/true), IsEmpty());
  disk_.Xor(Path(), Blocks()[1].stored(), 1);
  EXPECT_EQ(Verify(/*decode=*/false).size(), 1);
}

TEST_F(PartCipherTest, AMissingOrWrongKeyIsNamedAndNotCalledDamage) {
  for (const Cipher* cipher :
       {(const Cipher*)nullptr, (const Cipher*)other_.get()}) {
    cipher_ = cipher;
    EXPECT_THAT(Read(), IsEmpty());
    ASSERT_EQ(findings_.size(), 3);
    for (const Finding& finding : findings_) {
      EXPECT_EQ(finding.kind, FindingKind::kReadError);
      EXPECT_THAT(finding.detail, HasSubstr(KeyIdHex(ours_->id())));
    }
    EXPECT_EQ(findings_[0].first_lsn, items_[0].lsn);
    EXPECT_EQ(findings_[0].last_lsn, items_[1].lsn);
  }
}

TEST_F(PartCipherTest, EveryStoredByteIsAuthenticated) {
  const std::string good = Bytes();
  const BlockPlace block = Blocks()[1];
  for (uint64_t at = 0; at < block.header.stored_bytes; ++at) {
    Put(good);
    ForgeBlock(1, [at](BlockHeader&, char* stored) { stored[at] ^= 1; });
    EXPECT_THAT(Verify(/*decode=*/false), IsEmpty());
    EXPECT_EQ(Read().size(), items_.size() - 1);
    for (const auto& findings : {findings_, Verify()}) {
      ASSERT_EQ(findings.size(), 1);
      EXPECT_EQ(findings[0].kind, FindingKind::kAckedLoss);
      EXPECT_EQ(findings[0].first_lsn, items_[2].lsn);
      EXPECT_EQ(findings[0].last_lsn, items_[2].lsn);
      EXPECT_EQ(findings[0].detail, "authentication failed: tampered");
    }
  }
}

TEST_F(PartCipherTest, ABlockMovedWithinItsPartIsTampering) {
  const std::string good = Bytes();
  const BlockPlace from = Blocks()[0];
  ASSERT_EQ(from.header.stored_bytes, Blocks()[2].header.stored_bytes);
  ForgeBlock(2, [&](BlockHeader& header, char* stored) {
    std::copy_n(good.begin() + from.stored(), header.stored_bytes, stored);
  });
  Read();
  ASSERT_EQ(findings_.size(), 1);
  EXPECT_EQ(findings_[0].first_lsn, items_[3].lsn);
  EXPECT_EQ(findings_[0].detail, "authentication failed: tampered");
}

TEST_F(PartCipherTest, ABlockOfAnotherPartIsTampering) {
  const BlockPlace from = Blocks()[0];
  id_ = 8;
  WriteBlocks({{Noise(100, 1), "secret"}});
  const std::string other = Bytes();
  id_ = kId;
  ForgeBlock(0, [&](BlockHeader& header, char* stored) {
    std::copy_n(other.begin() + from.stored(), header.stored_bytes, stored);
  });
  Read();
  ASSERT_EQ(findings_.size(), 1);
  EXPECT_EQ(findings_[0].detail, "authentication failed: tampered");
}

TEST_F(PartCipherTest, ABlockWithoutEncryptionIsTamperingAlsoWithoutAKey) {
  ForgeBlock(0, [](BlockHeader& header, char* stored) {
    header.encrypted = false;
    header.codec = BlockCodec::kNone;
    header.raw_bytes = header.stored_bytes;
    std::fill_n(stored, header.stored_bytes, '\0');
  });
  for (const Cipher* cipher :
       {(const Cipher*)nullptr, (const Cipher*)ours_.get()}) {
    cipher_ = cipher;
    const std::vector<Finding> findings = Verify(/*decode=*/false);
    ASSERT_EQ(findings.size(), 1);
    EXPECT_EQ(findings[0].kind, FindingKind::kAckedLoss);
    EXPECT_THAT(findings[0].detail, HasSubstr("tampered"));
  }
}

TEST_F(PartCipherTest, APlainPartIsReadAlsoWithAKey) {
  cipher_ = nullptr;
  const std::vector<Item> items = WriteBlocks({{"a"}, {"b"}});
  cipher_ = ours_.get();
  EXPECT_EQ(Read(), items);
}

}  // namespace
}  // namespace journal
