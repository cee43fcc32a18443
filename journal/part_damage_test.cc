// Every bit of a small part flipped, every length cut, every sector zeroed and
// swapped: nothing goes unseen, what is whole is read, and no block is blamed
// for another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "journal/error.h"
#include "journal/testing/part_fixture.h"
#include "journal/testing/setting.h"

namespace journal {
namespace {

using ::testing::IsEmpty;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kDefaultStride = 29;
#else
constexpr uint64_t kDefaultStride = 1;
#endif

uint64_t Stride() {
  return Setting("JOURNAL_MATRIX_STRIDE", kDefaultStride, 1);
}

class PartDamageTest : public PartFixture {
 protected:
  // Compressed and plain blocks, with and without padding; 0 and 4 are equally
  // long.
  void SetUp() override {
    items_ = WriteBlocks({{Noise(400, 1), "", Noise(300, 2)},
                          {std::string(900, 'b')},
                          {"c", std::string(300, '\0'), Noise(500, 3)},
                          {std::string(501, 'd') + Noise(700, 4)},
                          {Noise(400, 5), "", Noise(300, 6)},
                          {"", std::string(77, 'f'), "g"}});
    good_ = Bytes();
    blocks_ = Blocks();
    index_ = blocks_.back().end();
    footer_ = good_.size() - kPartFooterBytes;
    ASSERT_LT(good_.size(), 8 << 10);
    ASSERT_EQ(blocks_[0].end() - blocks_[0].offset,
              blocks_[4].end() - blocks_[4].offset);
    ASSERT_TRUE(std::any_of(blocks_.begin(), blocks_.end(), [](auto& block) {
      return block.stored_end() != block.end();
    }));
    ASSERT_THAT(Verify(), IsEmpty());
    ASSERT_EQ(Read(), items_);
  }

  bool Differs(const std::string& bytes, uint64_t from, uint64_t to) const {
    return bytes.compare(from, to - from, good_, from, to - from) != 0;
  }

  // Which LSNs, and what else, is said to be damaged in a part of these bytes;
  // checked against where they differ from the good ones.
  void ExpectFound(const std::string& bytes) {
    Put(bytes);
    if (bytes.size() != good_.size() || Differs(bytes, footer_, bytes.size())) {
      Finding finding;
      EXPECT_EQ(KindOf(TryOpen(&finding).status()), ErrorKind::kDamage);
      EXPECT_EQ(finding.kind, FindingKind::kAckedLoss);
      return;
    }
    size_t harmless = 0;
    if (Differs(bytes, 0, kPartFooterBytes)) ++harmless;
    const bool index_bad = Differs(bytes, index_, footer_);
    if (index_bad) ++harmless;
    std::vector<BlockPlace> lost;
    for (const BlockPlace& block : blocks_) {
      if (Differs(bytes, block.offset, block.stored_end())) {
        lost.push_back(block);
      } else if (Differs(bytes, block.stored_end(), block.end())) {
        ++harmless;
      }
    }
    CheckFindings(Verify(/*decode=*/false), lost, harmless, index_bad);
    EXPECT_EQ(Read(), Without(lost));
    CheckFindings(findings_, lost, 0, index_bad);
  }

  void CheckFindings(const std::vector<Finding>& findings,
                     const std::vector<BlockPlace>& lost, size_t harmless,
                     bool index_bad) {
    std::vector<Finding> losses;
    for (const Finding& finding : findings) {
      if (finding.kind == FindingKind::kAckedLoss) {
        losses.push_back(finding);
        continue;
      }
      EXPECT_EQ(finding.kind, FindingKind::kNoRecordLost);
      EXPECT_EQ(finding.first_lsn, 0);
      EXPECT_EQ(finding.last_lsn, 0);
    }
    EXPECT_EQ(findings.size() - losses.size(), harmless);
    for (const BlockPlace& block : lost) {
      EXPECT_TRUE(std::any_of(losses.begin(), losses.end(),
                              [&](auto& loss) {
                                return loss.first_lsn <=
                                           block.header.first_lsn &&
                                       loss.last_lsn >= block.header.last_lsn;
                              }))
          << "not reported: block at " << block.offset;
    }
    for (const Finding& loss : losses) {
      for (const BlockPlace& block : blocks_) {
        const bool is_lost = std::any_of(
            lost.begin(), lost.end(),
            [&](auto& other) { return other.offset == block.offset; });
        const bool blamed = loss.first_lsn <= block.header.last_lsn &&
                            loss.last_lsn >= block.header.first_lsn;
        EXPECT_FALSE(blamed && !is_lost) << "blamed: block at " << block.offset;
      }
    }
    if (index_bad) return;
    // With the index, it is known exactly.
    ASSERT_EQ(losses.size(), lost.size());
    for (size_t i = 0; i < lost.size(); ++i) {
      EXPECT_EQ(losses[i].offset, lost[i].offset);
      EXPECT_EQ(losses[i].first_lsn, lost[i].header.first_lsn);
      EXPECT_EQ(losses[i].last_lsn, lost[i].header.last_lsn);
    }
  }

  std::vector<Item> Without(const std::vector<BlockPlace>& lost) const {
    std::vector<Item> items = items_;
    for (const BlockPlace& block : lost) {
      std::erase_if(items, [&](const Item& item) {
        return item.lsn >= block.header.first_lsn &&
               item.lsn <= block.header.last_lsn;
      });
    }
    return items;
  }

  std::vector<Item> items_;
  std::string good_;
  std::vector<BlockPlace> blocks_;
  uint64_t index_ = 0;
  uint64_t footer_ = 0;
};

TEST_F(PartDamageTest, EveryBit) {
  for (uint64_t bit = 0; bit < 8 * good_.size(); bit += Stride()) {
    std::string bytes = good_;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    ExpectFound(bytes);
    ASSERT_FALSE(HasFailure()) << "byte " << bit / 8 << " bit " << bit % 8;
  }
}

TEST_F(PartDamageTest, EveryByteWithoutAnIndex) {
  for (uint64_t at = 0; at < index_; at += Stride()) {
    std::string bytes = good_;
    bytes[index_ + 9] ^= 1;
    bytes[at] ^= 0x10;
    ExpectFound(bytes);
    ASSERT_FALSE(HasFailure()) << "byte " << at;
  }
}

TEST_F(PartDamageTest, EveryTwoBlocksWithoutAnIndex) {
  for (size_t a = 0; a < blocks_.size(); ++a) {
    for (size_t b = a + 1; b < blocks_.size(); ++b) {
      for (const bool headers : {true, false}) {
        std::string bytes = good_;
        bytes[index_] ^= 1;
        bytes[headers ? blocks_[a].offset : blocks_[a].stored()] ^= 1;
        bytes[headers ? blocks_[b].offset : blocks_[b].stored()] ^= 1;
        ExpectFound(bytes);
        ASSERT_FALSE(HasFailure()) << a << " " << b << " " << headers;
      }
    }
  }
}

TEST_F(PartDamageTest, EveryLength) {
  for (uint64_t size = 0; size < good_.size(); ++size) {
    ExpectFound(good_.substr(0, size));
    ASSERT_FALSE(HasFailure()) << size;
  }
  for (uint64_t more : {1, 7, 8, 511, 512, 513, 4096}) {
    ExpectFound(good_ + std::string(more, '\0'));
    ASSERT_FALSE(HasFailure()) << more;
  }
  // Something behind the footer that is a footer, too.
  ExpectFound(good_ + good_.substr(footer_));
}

TEST_F(PartDamageTest, EverySectorZeroedOrSwapped) {
  const uint64_t sectors = good_.size() / kSectorBytes;
  for (uint64_t a = 0; a < sectors; ++a) {
    std::string bytes = good_;
    bytes.replace(a * kSectorBytes, kSectorBytes, kSectorBytes, '\0');
    ExpectFound(bytes);
    ASSERT_FALSE(HasFailure()) << "zeroed " << a;
    for (uint64_t b = a + 1; b < sectors; ++b) {
      bytes = good_;
      std::swap_ranges(bytes.begin() + a * kSectorBytes,
                       bytes.begin() + (a + 1) * kSectorBytes,
                       bytes.begin() + b * kSectorBytes);
      ExpectFound(bytes);
      ASSERT_FALSE(HasFailure()) << "swapped " << a << " and " << b;
    }
  }
}

TEST_F(PartDamageTest, TwoBlocksSwapped) {
  std::string bytes = good_;
  const uint64_t size = blocks_[0].end() - blocks_[0].offset;
  std::swap_ranges(bytes.begin() + blocks_[0].offset,
                   bytes.begin() + blocks_[0].offset + size,
                   bytes.begin() + blocks_[4].offset);
  ExpectFound(bytes);
  bytes[index_] ^= 1;
  ExpectFound(bytes);
}

TEST_F(PartDamageTest, BlocksOfAnotherPartOrJournal) {
  const std::vector<Item> items = items_;
  for (const bool another_journal : {true, false}) {
    JournalUuid uuid = uuid_;
    if (another_journal) {
      uuid_.fill('v');
    } else {
      id_ = kId + 1;
    }
    // The same records in the same places.
    WriteBlocks({{Noise(400, 1), "", Noise(300, 2)},
                 {std::string(900, 'b')},
                 {"c", std::string(300, '\0'), Noise(500, 3)},
                 {std::string(501, 'd') + Noise(700, 4)},
                 {Noise(400, 5), "", Noise(300, 6)},
                 {"", std::string(77, 'f'), "g"}});
    const std::string other = Bytes();
    ASSERT_EQ(other.size(), good_.size());
    id_ = kId;
    uuid_ = uuid;
    for (const BlockPlace& block : blocks_) {
      for (const bool index_bad : {true, false}) {
        std::string bytes = good_;
        bytes.replace(block.offset, block.end() - block.offset, other,
                      block.offset, block.end() - block.offset);
        if (index_bad) bytes[index_] ^= 1;
        ExpectFound(bytes);
      }
    }
    // And its header, and its index.
    std::string bytes = good_;
    bytes.replace(0, kPartFooterBytes, other, 0, kPartFooterBytes);
    ExpectFound(bytes);
  }
}

TEST_F(PartDamageTest, WhatLiesBeforeWhereReadingStartsIsNotReported) {
  std::string bytes = good_;
  bytes[blocks_[0].stored()] ^= 1;
  bytes[blocks_[1].offset] ^= 1;
  bytes[blocks_[3].stored()] ^= 1;
  for (const bool index_bad : {false, true}) {
    if (index_bad) bytes[index_] ^= 1;
    Put(bytes);
    auto reader = Open();
    reader->Seek(blocks_[2].header.first_lsn);
    ReadOn(*reader);
    ASSERT_EQ(findings_.size(), 1);
    EXPECT_EQ(findings_[0].first_lsn, blocks_[3].header.first_lsn);
    EXPECT_EQ(findings_[0].last_lsn, blocks_[3].header.last_lsn);
  }
}

// ---------------------------------------------------------------------------
// The disk does not return bytes

class PartReadErrorTest : public PartFixture {
 protected:
  void SetUp() override {
    std::vector<std::vector<std::string>> bodies(40);
    for (size_t i = 0; i < bodies.size(); ++i) bodies[i] = {Noise(700, i), "x"};
    items_ = WriteBlocks(bodies);
    blocks_ = Blocks();
    ASSERT_GT(Bytes().size(), 28 << 10);
  }
  void FailPage(uint64_t offset) {
    fs_.Inject({.op = FileOp::kRead,
                .offset_begin = offset,
                .offset_end = offset + 1,
                .from_then_on = true});
  }
  // The blocks that lie on the page, and nothing else.
  void ExpectLost(const std::vector<Finding>& findings, uint64_t page) {
    std::vector<BlockPlace> lost;
    for (const BlockPlace& block : blocks_) {
      if (block.offset < page + 4096 && block.end() > page) {
        lost.push_back(block);
      }
    }
    ASSERT_EQ(findings.size(), lost.size());
    for (size_t i = 0; i < lost.size(); ++i) {
      EXPECT_EQ(findings[i].kind, FindingKind::kReadError);
      EXPECT_EQ(findings[i].first_lsn, lost[i].header.first_lsn);
      EXPECT_EQ(findings[i].last_lsn, lost[i].header.last_lsn);
      // The bytes that were not read, as far as they are this block's.
      EXPECT_EQ(findings[i].offset, std::max(page, lost[i].offset));
      EXPECT_EQ(findings[i].offset + findings[i].bytes,
                std::min(page + 4096, lost[i].end()));
    }
  }

  std::vector<Item> items_;
  std::vector<BlockPlace> blocks_;
};

TEST_F(PartReadErrorTest, AnUnreadablePageCostsTheBlocksOnIt) {
  for (uint64_t page = 4096; page < 24 << 10; page += 4096) {
    FailPage(page + 17);
    ExpectLost(Verify(), page);
    const std::vector<Item> items = Read();
    ExpectLost(findings_, page);
    EXPECT_EQ(items.size(), items_.size() - findings_.size() * size_t{2});
    fs_.Heal();
  }
  EXPECT_EQ(Read(), items_);
}

TEST_F(PartReadErrorTest, AlsoWithoutAnIndex) {
  disk_.Xor(Path(), blocks_.back().end(), 1);
  FailPage(8192);
  const std::vector<Item> items = Read();
  ASSERT_FALSE(findings_.empty());
  for (const Finding& finding : findings_) {
    EXPECT_EQ(finding.kind, FindingKind::kReadError);
    EXPECT_GE(finding.offset, 8192);
    EXPECT_LE(finding.offset + finding.bytes, 12288);
    for (const Item& item : items) {
      EXPECT_FALSE(item.lsn >= finding.first_lsn &&
                   item.lsn <= finding.last_lsn);
    }
  }
}

TEST_F(PartReadErrorTest, AnUnreadableHeaderIsSaidToBeOne) {
  FailPage(100);
  const std::vector<Finding> findings = Verify();
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings[0].kind, FindingKind::kReadError);
  EXPECT_EQ(findings[0].offset, 0);
  EXPECT_EQ(findings[0].bytes, kPartFooterBytes);
  EXPECT_EQ(findings[0].first_lsn, 0);
}

TEST_F(PartReadErrorTest, AnUnreadableIndexCostsNoRecord) {
  const std::vector<Item> items =
      WriteBlocks(std::vector<std::vector<std::string>>(400, {"x"}));
  // A page of nothing but index.
  const uint64_t page = AlignUp(Blocks().back().end(), 4096);
  ASSERT_LT(page + 4096 + kPartFooterBytes, Bytes().size());
  FailPage(page);
  EXPECT_EQ(Read(), items);
  EXPECT_THAT(findings_, IsEmpty());
  const std::vector<Finding> findings = Verify();
  ASSERT_EQ(findings.size(), 1);
  EXPECT_EQ(findings[0].kind, FindingKind::kReadError);
  EXPECT_EQ(findings[0].offset, page);
  EXPECT_EQ(findings[0].bytes, 4096);
  EXPECT_EQ(findings[0].first_lsn, 0);
}

TEST_F(PartReadErrorTest, NoBytesAreTakenForUnreadableOnesOrTheOtherWayRound) {
  // What unreadable bytes read as, stored as it is.
  const std::vector<Item> items =
      WriteBlocks({{std::string(2 << 20, '\xee')}, {"behind"}});
  ASSERT_EQ(Blocks()[0].header.codec, BlockCodec::kNone);
  EXPECT_EQ(Read(), items);
  FailPage(1 << 20);
  EXPECT_EQ(Read(), (std::vector<Item>{items[1]}));
  ASSERT_EQ(findings_.size(), 1);
  EXPECT_EQ(findings_[0].kind, FindingKind::kReadError);
  EXPECT_EQ(findings_[0].offset, 1 << 20);
  EXPECT_EQ(findings_[0].bytes, 4096);
}

TEST_F(PartReadErrorTest, AnUnreadableFooterIsAnError) {
  FailPage(Bytes().size() - 1);
  Finding finding;
  EXPECT_EQ(KindOf(TryOpen(&finding).status()), ErrorKind::kIo);
  EXPECT_EQ(finding.kind, FindingKind::kReadError);
  EXPECT_EQ(finding.offset, Bytes().size() - kPartFooterBytes);
}

TEST_F(PartReadErrorTest, ADeadDiskIsNotAskedForEver) {
  WriteBlocks({{Noise(1'000'000)}, {"a"}});
  auto reader = Open();
  fs_.Inject({.op = FileOp::kRead, .from_then_on = true});
  fs_.ClearCalls();
  EXPECT_THAT(ReadOn(*reader), IsEmpty());
  ASSERT_FALSE(findings_.empty());
  EXPECT_EQ(findings_[0].kind, FindingKind::kReadError);
  EXPECT_LT(fs_.Count(FileOp::kRead), 200);
}

TEST_F(PartReadErrorTest, AFileCutWhileItIsReadIsDamaged) {
  auto reader = Open();
  Put(Bytes().substr(0, 9000));
  const std::vector<Item> items = ReadOn(*reader);
  EXPECT_FALSE(findings_.empty());
  EXPECT_LT(items.size(), items_.size());
  EXPECT_TRUE(std::equal(items.begin(), items.end(), items_.begin()));
}

}  // namespace
}  // namespace journal
