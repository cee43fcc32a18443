// Writing parts and reading them back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "journal/error.h"
#include "journal/testing/part_fixture.h"

namespace journal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PartTest : public PartFixture {
 protected:
  void ExpectRoundTrip(const std::vector<Item>& items) {
    const PartFooter footer = Write(items);
    EXPECT_EQ(footer.records, items.size());
    EXPECT_EQ(Read(), items);
    EXPECT_THAT(findings_, IsEmpty());
    EXPECT_THAT(Verify(), IsEmpty());
    EXPECT_THAT(Verify(/*decode=*/false), IsEmpty());
  }
};

TEST_F(PartTest, BodiesOfEveryLengthComeBack) {
  std::vector<std::string> bodies;
  for (size_t size = 0; size < 300; ++size) {
    bodies.push_back(size % 2 == 0 ? Noise(size, size)
                                   : std::string(size, 'a' + size % 26));
  }
  ExpectRoundTrip(Items(bodies));
}

TEST_F(PartTest, APartWithoutRecordsIsAPart) {
  ExpectRoundTrip({});
  EXPECT_EQ(Bytes().size(), 2 * kPartFooterBytes);
}

TEST_F(PartTest, LargeRecordsHaveBlocksOfTheirOwn) {
  const std::vector<Item> items =
      Items({"small", Noise(1 << 20), "small", Noise((1 << 20) + 1),
             std::string(16 << 20, 'x'), Noise(16 << 20), "",
             std::string(16 << 20, '\0'), "last"});
  ExpectRoundTrip(items);
  EXPECT_EQ(Blocks().size(), items.size());
}

TEST_F(PartTest, ABlockIsClosedAtItsBound) {
  std::vector<std::string> bodies;
  for (int i = 0; i < 3000; ++i) bodies.push_back(Noise(1000, i));
  ExpectRoundTrip(Items(bodies));
  EXPECT_EQ(Blocks().size(), 12);
  for (const BlockPlace& block : Blocks()) {
    EXPECT_LE(block.header.raw_bytes, kBlockRawBytes);
  }
}

TEST_F(PartTest, ARecordThatFillsABlockToTheByte) {
  const uint64_t fits = kBlockRawBytes - kBlockEntryBytes;
  for (const uint64_t size : {fits - 1, fits, fits + 1}) {
    ExpectRoundTrip(Items({"a", Noise(size), "b"}));
    EXPECT_EQ(Blocks().size(), 3);
  }
}

TEST_F(PartTest, WhatCompressesIsCompressedAndWhatDoesNotIsNot) {
  Write(Items({std::string(100'000, 'x'), "y"}));
  EXPECT_EQ(Blocks()[0].header.codec, BlockCodec::kZstd);
  EXPECT_LT(Blocks()[0].header.stored_bytes, 1000);
  Write(Items({Noise(100'000)}));
  EXPECT_EQ(Blocks()[0].header.codec, BlockCodec::kNone);
}

TEST_F(PartTest, WhatWouldLookLikeABombIsStoredAsItIs) {
  // At most 1 MiB may be compressed without a bound.
  Write(Items({std::string((1 << 20) - kBlockEntryBytes, '\0')}));
  EXPECT_EQ(Blocks()[0].header.codec, BlockCodec::kZstd);
  Write(Items({std::string(1 << 20, '\0')}));
  EXPECT_EQ(Blocks()[0].header.codec, BlockCodec::kNone);
  // Above it, a ratio within the bound may.
  Write(Items({Noise(64 << 10) + std::string(1 << 20, '\0')}));
  EXPECT_EQ(Blocks()[0].header.codec, BlockCodec::kZstd);
}

TEST_F(PartTest, TypesAndFlagsComeBack) {
  ExpectRoundTrip({{100, "a", 1, false},
                   {101, "b", 0xffff, true},
                   {1'000'000, "c", 0, true}});
}

// ---------------------------------------------------------------------------
// Seeking

TEST_F(PartTest, SeeksToEveryLsnWithAndWithoutAnIndex) {
  std::vector<Item> items;
  for (Lsn lsn = 110; lsn < 140; lsn += 3) {
    items.push_back({lsn, Noise(60'000, lsn)});
  }
  const PartFooter footer = Write(items);
  ASSERT_GT(footer.blocks, 2);
  for (const bool index_whole : {true, false}) {
    if (!index_whole) disk_.Xor(Path(), footer.index_offset, 1);
    auto reader = Open();
    for (Lsn lsn = 0; lsn < 145; ++lsn) {
      std::vector<Item> expected;
      std::copy_if(items.begin(), items.end(), std::back_inserter(expected),
                   [lsn](const Item& item) { return item.lsn >= lsn; });
      reader->Seek(lsn);
      EXPECT_EQ(ReadOn(*reader), expected) << lsn << " " << index_whole;
      EXPECT_THAT(findings_, IsEmpty());
    }
    reader->Seek(UINT64_MAX);
    EXPECT_THAT(ReadOn(*reader), IsEmpty());
  }
}

TEST_F(PartTest, SeeksBackInTheMiddleOfABlock) {
  const std::vector<Item> items = Items({"a", "b", "c"});
  Write(items);
  auto reader = Open();
  Record record;
  ASSERT_EQ(reader->Next(&record), PartStep::kRecord);
  ASSERT_EQ(reader->Next(&record), PartStep::kRecord);
  reader->Seek(items[1].lsn);
  ASSERT_EQ(reader->Next(&record), PartStep::kRecord);
  EXPECT_EQ(record.body, "b");
}

// ---------------------------------------------------------------------------
// How it is written

TEST_F(PartTest, IsPublishedInTheOrderThatMakesItSafe) {
  Write(Items({"a"}));
  EXPECT_THAT(fs_.Trace(),
              ElementsAre("create 0000000007.part.new",
                          HasSubstr("write 0000000007.part.new 0+"),
                          "sync 0000000007.part.new",
                          "rename 0000000007.part.new 0000000007.part",
                          "sync_directory journal"));
}

TEST_F(PartTest, SmallBlocksAreWrittenTogether) {
  std::vector<std::string> bodies;
  for (int i = 0; i < 4000; ++i) bodies.push_back(Noise(1000, i % 20));
  Write(Items(bodies));
  ASSERT_GT(Blocks().size(), 10);
  const std::vector<FileCall> calls = fs_.Calls();
  for (size_t i = 0; i + 1 < calls.size(); ++i) {
    if (calls[i].op == FileOp::kWrite && calls[i + 1].op == FileOp::kWrite) {
      EXPECT_GE(calls[i].size, 256 << 10);
    }
  }
}

TEST_F(PartTest, EveryFailureLeavesNothingAndIsSaid) {
  for (const FileOp op :
       {FileOp::kCreate, FileOp::kWrite, FileOp::kSync, FileOp::kRename}) {
    fs_.Inject({.op = op, .name_part = ".new"});
    EXPECT_EQ(KindOf(TryWrite(Items({"a"})).status()), ErrorKind::kIo);
    EXPECT_FALSE(disk_.Has(Path() + ".new")) << FileOpName(op);
    EXPECT_FALSE(disk_.Has(Path())) << FileOpName(op);
    fs_.Heal();
  }
  fs_.Inject({.op = FileOp::kSyncDirectory});
  EXPECT_EQ(KindOf(TryWrite(Items({"a"})).status()), ErrorKind::kIo);
}

TEST_F(PartTest, AFullDiskGetsItsSpaceBack) {
  disk_.SetCapacity(300 << 10);
  EXPECT_EQ(KindOf(TryWrite(Items({Noise(1 << 20)})).status()),
            ErrorKind::kNoSpace);
  EXPECT_EQ(disk_.UsedBytes(), 0);
}

TEST_F(PartTest, NothingIsWrittenAfterTheFirstFailure) {
  auto writer = PartWriter::Create(Options()).value();
  fs_.Inject({.op = FileOp::kWrite});
  const absl::Status first = AddTo(*writer, {100, Noise(1 << 20)});
  EXPECT_EQ(KindOf(first), ErrorKind::kIo);
  fs_.Heal();
  fs_.ClearCalls();
  EXPECT_EQ(AddTo(*writer, {101, Noise(1 << 20)}), first);
  EXPECT_EQ(writer->Finish().status(), first);
  writer.reset();
  EXPECT_THAT(fs_.Calls(), IsEmpty());
}

TEST_F(PartTest, AnUnfinishedPartIsRemoved) {
  auto writer = PartWriter::Create(Options()).value();
  EXPECT_TRUE(AddTo(*writer, {100, "a"}).ok());
  writer.reset();
  EXPECT_FALSE(disk_.Has(Path() + ".new"));
}

TEST_F(PartTest, MistakesOfTheCallerAreRefused) {
  auto writer = PartWriter::Create(Options()).value();
  EXPECT_EQ(KindOf(AddTo(*writer, {99, ""})), ErrorKind::kInvalidArgument);
  EXPECT_TRUE(AddTo(*writer, {200, ""}).ok());
  EXPECT_EQ(KindOf(AddTo(*writer, {200, ""})), ErrorKind::kInvalidArgument);
  EXPECT_EQ(KindOf(AddTo(*writer, {199, ""})), ErrorKind::kInvalidArgument);
  EXPECT_EQ(KindOf(AddTo(*writer, {1'000'001, ""})),
            ErrorKind::kInvalidArgument);
  EXPECT_EQ(writer->Finish()->records, 1);
  EXPECT_FALSE(AddTo(*writer, {201, ""}).ok());
  span_.last_lsn = 1;
  EXPECT_EQ(KindOf(TryWrite({}).status()), ErrorKind::kInvalidArgument);
}

TEST_F(PartTest, AnEndedCheckIsCancelled) {
  WriteBlocks({{"a"}, {"b"}, {"c"}});
  auto reader = Open();
  uint64_t asked = 0;
  uint64_t bytes = 0;
  const auto on_finding = [](const Finding&) { FAIL(); };
  const auto count = [&](uint64_t read) {
    bytes += read;
    return ++asked > 0;
  };
  EXPECT_TRUE(reader->Verify(true, on_finding, count).value());
  EXPECT_EQ(asked, 4);
  EXPECT_EQ(bytes, Bytes().size());
  asked = 0;
  EXPECT_EQ(
      reader->Verify(true, on_finding, [&](uint64_t) { return ++asked < 2; })
          .status()
          .code(),
      absl::StatusCode::kCancelled);
  EXPECT_EQ(asked, 2);
}

TEST_F(PartTest, AVerificationReadsPastTheCache) {
  WriteBlocks({{"a"}, {"b"}});
  auto reader = Open();
  Record record;
  ASSERT_EQ(reader->Next(&record), PartStep::kRecord);
  const std::string bytes = Bytes();
  for (uint64_t at = 0; at < bytes.size(); at += 40) {
    disk_.Xor(Path(), at, 1);
    int findings = 0;
    EXPECT_FALSE(reader
                     ->Verify(
                         false, [&](const Finding&) { ++findings; },
                         [](uint64_t) { return true; })
                     .value());
    EXPECT_GT(findings, 0) << at;
    Put(bytes);
  }
}

}  // namespace
}  // namespace journal
