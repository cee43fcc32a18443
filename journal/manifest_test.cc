// The bytes of a manifest, pinned; publishing and rebuilding one.
#include "journal/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "journal/error.h"
#include "journal/little_endian.h"
#include "journal/testing/fault_file_system.h"
#include "journal/testing/memory_file_system.h"
#include "xxhash.h"

namespace journal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ManifestEntry Entry(uint64_t part_id, uint64_t first_segment,
                    uint64_t last_segment) {
  ManifestEntry entry;
  entry.part_id = part_id;
  entry.first_segment = first_segment;
  entry.last_segment = last_segment;
  entry.first_lsn = 100 * first_segment;
  entry.last_lsn = 100 * last_segment + 99;
  entry.records = 0x21;
  entry.file_bytes = 0x2222;
  entry.footer_checksum = 0x23;
  entry.superseded = 0x20;
  return entry;
}

Manifest Example() {
  Manifest manifest;
  for (size_t i = 0; i < manifest.uuid.size(); ++i) {
    manifest.uuid[i] = static_cast<char>(0xa0 + i);
  }
  manifest.manifest_id = 0x11;
  manifest.parts = {Entry(1, 2, 2), Entry(5, 3, 8)};
  manifest.last_segment = 8;
  manifest.last_lsn = 899;
  manifest.chain_end = 0x14;
  manifest.records_after = 0x15;
  manifest.seal_end = 0x16;
  manifest.removed_before_lsn = 0x17;
  manifest.created_unix_ns = 0x18;
  return manifest;
}

HeaderState StateOf(const std::string& bytes) {
  Manifest manifest;
  return DecodeManifest(bytes, &manifest);
}

// After a change of the bytes, with checksums that hold.
std::string Resealed(std::string bytes) {
  StoreLittleEndian<uint64_t>(
      bytes.data() + 112, XXH3_64bits(bytes.data() + 512, bytes.size() - 512));
  StoreLittleEndian<uint64_t>(bytes.data() + 504,
                              XXH3_64bits(bytes.data(), 504));
  return bytes;
}

TEST(ManifestTest, AManifestIsTheseBytes) {
  const std::string bytes = EncodeManifest(Example());
  ASSERT_EQ(bytes.size(), 512 + 2 * 72);
  EXPECT_EQ(bytes.substr(0, 8), "BJMANIFS");
  EXPECT_EQ(absl::BytesToHexString(bytes.substr(8, 112)),
            "01000000"
            "00000000"
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "1100000000000000"
            "c800000000000000"
            "0800000000000000"
            "8303000000000000"
            "1400000000000000"
            "1500000000000000"
            "1600000000000000"
            "1700000000000000"
            "1800000000000000"
            "0200000000000000"
            "a54dde4b219f4f2c");
  EXPECT_EQ(bytes.substr(120, 384), std::string(384, '\0'));
  EXPECT_EQ(absl::BytesToHexString(bytes.substr(504, 8)), "c2aaf4d4efbf5fe8");
  EXPECT_EQ(absl::BytesToHexString(bytes.substr(512, 72)),
            "0100000000000000"
            "0200000000000000"
            "0200000000000000"
            "c800000000000000"
            "2b01000000000000"
            "2100000000000000"
            "2222000000000000"
            "2300000000000000"
            "2000000000000000");
}

TEST(ManifestTest, DecodesWhatItEncoded) {
  Manifest out;
  const std::string bytes = EncodeManifest(Example());
  ASSERT_EQ(DecodeManifest(bytes, &out), HeaderState::kGood);
  EXPECT_EQ(EncodeManifest(out), bytes);
  EXPECT_EQ(out.parts, Example().parts);
  EXPECT_EQ(out.first_lsn(), 200);
}

TEST(ManifestTest, OneWithoutPartsIsOne) {
  Manifest manifest = Example();
  manifest.parts.clear();
  EXPECT_EQ(StateOf(EncodeManifest(manifest)), HeaderState::kGood);
}

TEST(ManifestTest, NoBitMayFlip) {
  const std::string good = EncodeManifest(Example());
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      EXPECT_EQ(StateOf(bytes), HeaderState::kBad) << at << " " << bit;
    }
  }
}

TEST(ManifestTest, NoOtherLengthIsRight) {
  const std::string good = EncodeManifest(Example());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(StateOf(good.substr(0, size)), HeaderState::kBad) << size;
    if (size < 512) continue;
    EXPECT_EQ(StateOf(Resealed(good.substr(0, size))), HeaderState::kBad);
  }
  for (size_t more = 1; more < 200; ++more) {
    EXPECT_EQ(StateOf(good + std::string(more, '\0')), HeaderState::kBad);
  }
}

TEST(ManifestTest, AnotherVersionOrFeatureIsNewer) {
  Manifest manifest = Example();
  manifest.format_version = 2;
  EXPECT_EQ(StateOf(EncodeManifest(manifest)), HeaderState::kNewer);
  manifest.format_version = 0;
  EXPECT_EQ(StateOf(EncodeManifest(manifest)), HeaderState::kBad);
  manifest = Example();
  manifest.required_features = 1u << 31;
  EXPECT_EQ(StateOf(EncodeManifest(manifest)), HeaderState::kNewer);
}

TEST(ManifestTest, ReservedBytesAreZero) {
  std::string bytes = EncodeManifest(Example());
  bytes[300] = 1;
  EXPECT_EQ(StateOf(Resealed(bytes)), HeaderState::kBad);
}

TEST(ManifestTest, EntriesThatCannotBeAreRefused) {
  const std::vector<std::function<void(Manifest&)>> changes = {
      [](Manifest& m) { m.parts[1] = m.parts[0]; },
      [](Manifest& m) { std::swap(m.parts[0], m.parts[1]); },
      [](Manifest& m) { m.parts[1].first_segment = 2; },
      [](Manifest& m) { m.parts[1].first_lsn = m.parts[0].last_lsn; },
      [](Manifest& m) { m.parts[0].last_lsn = m.parts[1].first_lsn; },
      [](Manifest& m) { m.parts[0].first_segment = 0; },
      [](Manifest& m) { m.parts[0].first_segment = 3; },
      [](Manifest& m) { m.parts[0].first_lsn = 300; },
      [](Manifest& m) { m.parts[0].part_id = 0; },
      [](Manifest& m) { m.parts[0].superseded = m.parts[0].records + 1; },
      [](Manifest& m) { m.parts[0].file_bytes = 1023; },
      [](Manifest& m) { m.last_lsn = 900; },
      [](Manifest& m) { m.last_segment = 9; },
      [](Manifest& m) { m.parts.pop_back(); },
      [](Manifest& m) { m.manifest_id = 0; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    Manifest manifest = Example();
    changes[i](manifest);
    EXPECT_EQ(StateOf(EncodeManifest(manifest)), HeaderState::kBad) << i;
  }
}

TEST(ManifestTest, AHugeNumberOfPartsAllocatesNothing) {
  std::string bytes = EncodeManifest(Example());
  for (const uint64_t parts :
       {uint64_t{1} << 61, UINT64_MAX, uint64_t{3}, uint64_t{0}}) {
    StoreLittleEndian<uint64_t>(bytes.data() + 104, parts);
    EXPECT_EQ(StateOf(Resealed(bytes)), HeaderState::kBad) << parts;
  }
}

// ---------------------------------------------------------------------------
// Files

class ManifestFileTest : public ::testing::Test {
 protected:
  ManifestFileTest() { EXPECT_TRUE(disk_.CreateDirectory("/journal").ok()); }
  absl::Status Publish(const Manifest& manifest) {
    return PublishManifest(fs_, "/journal", manifest);
  }
  ErrorKind ReadKind(uint64_t id) {
    return KindOf(ReadManifest(fs_, "/journal", id).status());
  }

  const std::string path_ = "/journal/0000000017.manifest";
  MemoryFileSystem disk_;
  FaultFileSystem fs_{&disk_};
};

TEST_F(ManifestFileTest, IsPublishedAndReadBackInOrder) {
  ASSERT_TRUE(Publish(Example()).ok());
  EXPECT_THAT(
      fs_.Trace(),
      ElementsAre("create 0000000017.manifest.new",
                  "write 0000000017.manifest.new 0+656",
                  "sync 0000000017.manifest.new",
                  "rename 0000000017.manifest.new "
                  "0000000017.manifest",
                  "sync_directory journal", "open 0000000017.manifest",
                  "drop_cache 0000000017.manifest", "size 0000000017.manifest",
                  "read 0000000017.manifest 0+656"));
  EXPECT_EQ(ReadManifest(fs_, "/journal", 17)->parts, Example().parts);
}

TEST_F(ManifestFileTest, EveryFailureIsSaid) {
  const std::vector<FileOp> before = {FileOp::kCreate, FileOp::kWrite,
                                      FileOp::kSync, FileOp::kRename};
  for (const FileOp op : before) {
    fs_.Inject({.op = op});
    EXPECT_EQ(KindOf(Publish(Example())), ErrorKind::kIo) << FileOpName(op);
    EXPECT_THAT(disk_.List("/journal").value(), IsEmpty()) << FileOpName(op);
    fs_.Heal();
  }
  for (const FileOp op : {FileOp::kSyncDirectory, FileOp::kOpen,
                          FileOp::kDropCache, FileOp::kSize, FileOp::kRead}) {
    fs_.Inject({.op = op});
    EXPECT_EQ(KindOf(Publish(Example())), ErrorKind::kIo) << FileOpName(op);
    fs_.Heal();
  }
}

TEST_F(ManifestFileTest, AFullDiskGetsItsSpaceBack) {
  disk_.SetCapacity(600);
  EXPECT_EQ(KindOf(Publish(Example())), ErrorKind::kNoSpace);
  EXPECT_EQ(disk_.UsedBytes(), 0);
}

TEST_F(ManifestFileTest, WhatTheDiskDoesNotReturnIsNoManifest) {
  fs_.Block(FileOp::kDropCache);
  std::thread other([this] {
    EXPECT_TRUE(fs_.AwaitBlocked(FileOp::kDropCache));
    disk_.Xor(path_, 600, 1);
    fs_.Unblock(FileOp::kDropCache);
  });
  EXPECT_EQ(KindOf(Publish(Example())), ErrorKind::kDamage);
  other.join();
}

TEST_F(ManifestFileTest, WhatMakesNoManifestIsNotWritten) {
  Manifest manifest = Example();
  manifest.last_lsn = 1;
  EXPECT_EQ(KindOf(Publish(manifest)), ErrorKind::kInvalidArgument);
  EXPECT_THAT(fs_.Calls(), IsEmpty());
}

TEST_F(ManifestFileTest, ReadingSaysWhatIsWrong) {
  EXPECT_EQ(ReadKind(17), ErrorKind::kNotFound);
  ASSERT_TRUE(Publish(Example()).ok());
  EXPECT_EQ(ReadKind(17), ErrorKind::kNone);
  disk_.Put("/journal/0000000018.manifest", disk_.Get(path_));
  EXPECT_EQ(ReadKind(18), ErrorKind::kDamage);
  disk_.Xor(path_, 20, 1);
  EXPECT_EQ(ReadKind(17), ErrorKind::kDamage);
  Manifest manifest = Example();
  manifest.format_version = 2;
  disk_.Put(path_, EncodeManifest(manifest));
  EXPECT_EQ(ReadKind(17), ErrorKind::kNewerVersion);
  disk_.Put(path_, std::string(kManifestBytesMax + 1, '\0'));
  fs_.ClearCalls();
  EXPECT_EQ(ReadKind(17), ErrorKind::kDamage);
  EXPECT_EQ(fs_.Count(FileOp::kRead), 0);
}

TEST_F(ManifestFileTest, NamesAreParsedOnlyAsTheyAreWritten) {
  EXPECT_EQ(ManifestFileName(12), "0000000012.manifest");
  EXPECT_EQ(ParseManifestFileName("0000000012.manifest"), 12);
  EXPECT_EQ(ParseManifestFileName(ManifestFileName(10'000'000'000)),
            10'000'000'000);
  for (const char* name : {"", "12.manifest", "0000000000.manifest",
                           "0000000001.manifest.new", "0000000001.part"}) {
    EXPECT_FALSE(ParseManifestFileName(name).has_value()) << name;
  }
}

// ---------------------------------------------------------------------------
// From parts alone

// Segment n has the LSNs 100n to 100n + 99, n records, and chain n at its
// start.
PartFooter Part(uint64_t id, uint64_t first_segment, uint64_t last_segment) {
  PartFooter footer;
  footer.part_id = id;
  footer.span.first_segment = first_segment;
  footer.span.last_segment = last_segment;
  footer.span.first_lsn = 100 * first_segment;
  footer.span.last_lsn = 100 * last_segment + 99;
  footer.span.chain_start = first_segment;
  footer.span.chain_end = last_segment + 1;
  footer.span.records_before = 10 * first_segment;
  footer.span.records_after = 10 * (last_segment + 1);
  footer.span.seal_end = 7000 + last_segment;
  footer.records = 3;
  footer.created_unix_ns = static_cast<int64_t>(id);
  footer.checksum = 1000 + id;
  return footer;
}

absl::optional<Manifest> Rebuilt(const std::vector<PartFooter>& parts) {
  return RebuildManifest(parts, std::vector<uint64_t>(parts.size(), 2000));
}

std::vector<uint64_t> Ids(const absl::optional<Manifest>& manifest) {
  std::vector<uint64_t> ids;
  if (!manifest.has_value()) return ids;
  for (const ManifestEntry& entry : manifest->parts) {
    ids.push_back(entry.part_id);
  }
  return ids;
}

TEST(RebuildManifestTest, PartsThatFitTogetherMakeOne) {
  const absl::optional<Manifest> manifest =
      Rebuilt({Part(3, 5, 6), Part(1, 2, 2), Part(2, 3, 4)});
  ASSERT_TRUE(manifest.has_value());
  EXPECT_EQ(Ids(manifest), (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ(manifest->last_segment, 6);
  EXPECT_EQ(manifest->last_lsn, 699);
  EXPECT_EQ(manifest->chain_end, 7);
  EXPECT_EQ(manifest->records_after, 70);
  EXPECT_EQ(manifest->seal_end, 7006);
  EXPECT_EQ(manifest->created_unix_ns, 3);
  EXPECT_EQ(manifest->manifest_id, 0);
  EXPECT_EQ(manifest->parts[0], EntryOf(Part(1, 2, 2), 2000));
  Manifest numbered = *manifest;
  numbered.manifest_id = 1;
  EXPECT_EQ(StateOf(EncodeManifest(numbered)), HeaderState::kGood);
}

TEST(RebuildManifestTest, TheNewestOfThoseThatOverlapStands) {
  EXPECT_EQ(Ids(Rebuilt(
                {Part(1, 2, 2), Part(2, 3, 4), Part(3, 5, 6), Part(4, 3, 6)})),
            (std::vector<uint64_t>{1, 4}));
  EXPECT_EQ(Ids(Rebuilt({Part(9, 2, 2), Part(2, 2, 2)})),
            (std::vector<uint64_t>{9}));
}

TEST(RebuildManifestTest, PartsThatDoNotFitMakeNone) {
  EXPECT_FALSE(Rebuilt({}).has_value());
  EXPECT_FALSE(Rebuilt({Part(1, 2, 2), Part(2, 4, 4)}).has_value());
  EXPECT_FALSE(Rebuilt({Part(1, 3, 2)}).has_value());
  // The newest takes one away that reached further.
  EXPECT_FALSE(
      Rebuilt({Part(1, 2, 2), Part(2, 3, 5), Part(3, 5, 6)}).has_value());
  const std::vector<std::function<void(PartFooter&)>> changes = {
      [](PartFooter& f) { f.uuid[0] = 'x'; },
      [](PartFooter& f) { f.span.first_lsn += 1; },
      [](PartFooter& f) { f.span.chain_start += 1; },
      [](PartFooter& f) { f.span.records_before += 1; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    PartFooter second = Part(2, 3, 3);
    EXPECT_TRUE(Rebuilt({Part(1, 2, 2), second}).has_value());
    changes[i](second);
    EXPECT_FALSE(Rebuilt({Part(1, 2, 2), second}).has_value()) << i;
  }
}

}  // namespace
}  // namespace journal
