// What the tests of parts share: one part on a disk in memory.
#ifndef JOURNAL_TESTING_PART_FIXTURE_H_
#define JOURNAL_TESTING_PART_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "journal/cipher.h"
#include "journal/part_block.h"
#include "journal/part_footer.h"
#include "journal/part_index.h"
#include "journal/part_reader.h"
#include "journal/part_writer.h"
#include "journal/testing/fault_file_system.h"
#include "journal/testing/memory_file_system.h"

namespace journal {

// A record that owns its body.
struct Item {
  Lsn lsn = 0;
  std::string body;
  uint16_t type = 0;
  bool ignorable = false;

  friend bool operator==(const Item&, const Item&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Item& item) {
    return out << "LSN " << item.lsn << ", " << item.body.size() << " bytes";
  }
};

// Where a block lies.
struct BlockPlace {
  uint64_t offset = 0;
  BlockHeader header;

  uint64_t stored() const { return offset + kBlockHeaderBytes; }
  uint64_t stored_end() const { return stored() + header.stored_bytes; }
  uint64_t end() const { return offset + BlockBytes(header); }
};

// Bytes that do not compress, the same in each run.
inline std::string Noise(size_t size, uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

class PartFixture : public ::testing::Test {
 protected:
  static constexpr uint64_t kId = 7;

  PartFixture() {
    EXPECT_TRUE(disk_.CreateDirectory("/journal").ok());
    uuid_.fill('u');
    span_.first_segment = 3;
    span_.last_segment = 5;
    span_.first_lsn = 100;
    span_.last_lsn = 1'000'000;
    span_.chain_start = 31;
    span_.chain_end = 32;
    span_.records_before = 90;
    span_.records_after = 900'000;
    span_.seal_end = 4096;
  }

  // -- Writing --------------------------------------------------------------

  PartWriter::Options Options() {
    PartWriter::Options options;
    options.fs = &fs_;
    options.directory = "/journal";
    options.uuid = uuid_;
    options.part_id = id_;
    options.span = span_;
    options.created_unix_ns = 42;
    options.cipher = cipher_;
    return options;
  }
  static absl::Status AddTo(PartWriter& writer, const Item& item) {
    Record record;
    record.lsn = item.lsn;
    record.type = item.type;
    record.ignorable = item.ignorable;
    record.body = item.body;
    return writer.Add(record);
  }
  absl::StatusOr<PartFooter> TryWrite(const std::vector<Item>& items) {
    auto writer = PartWriter::Create(Options());
    if (!writer.ok()) return writer.status();
    for (const Item& item : items) {
      if (absl::Status s = AddTo(**writer, item); !s.ok()) return s;
    }
    return (*writer)->Finish();
  }
  PartFooter Write(const std::vector<Item>& items) {
    absl::StatusOr<PartFooter> footer = TryWrite(items);
    EXPECT_TRUE(footer.ok()) << footer.status();
    return footer.ok() ? *footer : PartFooter();
  }
  std::vector<Item> Items(const std::vector<std::string>& bodies) {
    std::vector<Item> items;
    items.reserve(bodies.size());
    for (const std::string& body : bodies) {
      items.push_back({100 + 3 * items.size(), body});
    }
    return items;
  }
  // The same file as PartWriter's, with these blocks instead of large ones, and
  // `gap_` before each block but the first. Every other LSN is a record's.
  std::vector<Item> WriteBlocks(
      const std::vector<std::vector<std::string>>& blocks) {
    std::vector<std::vector<Item>> with_lsn;
    Lsn lsn = span_.first_lsn;
    for (const std::vector<std::string>& bodies : blocks) {
      with_lsn.emplace_back();
      for (const std::string& body : bodies) {
        with_lsn.back().push_back({lsn += 2, body});
      }
    }
    return WriteBlocksOf(with_lsn);
  }
  // The same; LSNs may go back from block to block. Returns all items.
  std::vector<Item> WriteBlocksOf(
      const std::vector<std::vector<Item>>& blocks) {
    std::vector<Item> items;
    std::vector<PartIndexEntry> index;
    PartFooter footer;
    footer.uuid = uuid_;
    footer.part_id = id_;
    footer.span = span_;
    if (cipher_ != nullptr) {
      footer.key_id = cipher_->id();
      footer.required_features = kFeatureEncryption;
    }
    std::string bytes(kPartFooterBytes, '\0');
    EncodePartFooter(footer, PartEnd::kHeader, bytes.data());
    BlockEncoder encoder(uuid_, id_, cipher_, 3);
    for (const std::vector<Item>& block : blocks) {
      for (const Item& item : block) {
        items.push_back(item);
        Record record;
        record.lsn = item.lsn;
        record.body = item.body;
        encoder.Add(record);
        ++footer.records;
      }
      if (!index.empty()) bytes += gap_;
      const uint64_t offset = bytes.size();
      const BlockHeader header = encoder.Finish(offset, &bytes);
      index.push_back({offset, header.first_lsn, header.last_lsn});
      footer.raw_bytes += header.raw_bytes;
    }
    footer.blocks = blocks.size();
    footer.index_offset = bytes.size();
    const std::string encoded = EncodePartIndex(index);
    footer.index_checksum = PartIndexChecksum(PartSeed(uuid_, id_), encoded);
    bytes += encoded;
    bytes.resize(bytes.size() + kPartFooterBytes);
    EncodePartFooter(footer, PartEnd::kFooter,
                     bytes.data() + bytes.size() - kPartFooterBytes);
    Put(bytes);
    return items;
  }

  // -- Reading --------------------------------------------------------------

  absl::StatusOr<std::unique_ptr<PartReader>> TryOpen(
      Finding* finding = nullptr) {
    return PartReader::Open(fs_, "/journal", uuid_, id_, cipher_, finding);
  }
  std::unique_ptr<PartReader> Open() {
    auto reader = TryOpen();
    EXPECT_TRUE(reader.ok()) << reader.status();
    return reader.ok() ? *std::move(reader) : nullptr;
  }
  // What Next() gives up to the end; bad places go to `findings_`.
  std::vector<Item> ReadOn(PartReader& reader) {
    findings_.clear();
    std::vector<Item> items;
    Record record;
    while (true) {
      const PartStep step = reader.Next(&record);
      if (step == PartStep::kEnd) return items;
      if (step == PartStep::kBad) {
        findings_.push_back(reader.finding());
        continue;
      }
      EXPECT_EQ(reinterpret_cast<uintptr_t>(record.body.data()) % 8, 0);
      items.push_back({record.lsn, std::string(record.body), record.type,
                       record.ignorable});
    }
  }
  std::vector<Item> Read() {
    auto reader = Open();
    return reader == nullptr ? std::vector<Item>() : ReadOn(*reader);
  }
  std::vector<Finding> Verify(bool decode = true) {
    std::vector<Finding> findings;
    auto reader = Open();
    if (reader == nullptr) return findings;
    const absl::StatusOr<bool> whole = reader->Verify(
        decode,
        [&](const Finding& finding) {
          EXPECT_EQ(finding.file, PartFileName(id_));
          findings.push_back(finding);
        },
        [](uint64_t) { return true; });
    EXPECT_TRUE(whole.ok()) << whole.status();
    EXPECT_EQ(whole.ok() && *whole, findings.empty());
    return findings;
  }

  // -- Behind the engine's back ---------------------------------------------

  std::string Path() const { return "/journal/" + PartFileName(id_); }
  std::string Bytes() const { return disk_.Get(Path()); }
  void Put(const std::string& bytes) { disk_.Put(Path(), bytes); }

  std::vector<BlockPlace> Blocks() const {
    const std::string bytes = Bytes();
    PartFooter footer;
    EXPECT_EQ(DecodePartFooter(bytes.data() + bytes.size() - kPartFooterBytes,
                               PartEnd::kFooter, &footer),
              HeaderState::kGood);
    std::vector<BlockPlace> blocks;
    for (uint64_t at = kPartFooterBytes; at < footer.index_offset;
         at = blocks.back().end()) {
      BlockPlace place;
      place.offset = at;
      if (!DecodeBlockHeader(bytes.data() + at, PartSeed(uuid_, id_), at,
                             &place.header)) {
        ADD_FAILURE() << "no block at " << at;
        break;
      }
      blocks.push_back(place);
    }
    return blocks;
  }
  // Rewrites a block's header and stored bytes with right checksums.
  static std::string Resealed(std::string bytes, BlockPlace block,
                              uint64_t seed) {
    const absl::string_view stored(bytes.data() + block.stored(),
                                   block.header.stored_bytes);
    block.header.stored_checksum = StoredChecksum(seed, stored);
    EncodeBlockHeader(block.header, seed, block.offset,
                      bytes.data() + block.offset);
    return bytes;
  }

  JournalUuid uuid_;
  uint64_t id_ = kId;
  PartSpan span_;
  MemoryFileSystem disk_;
  FaultFileSystem fs_{&disk_};
  const Cipher* cipher_ = nullptr;
  std::string gap_;
  std::vector<Finding> findings_;
};

}  // namespace journal

#endif  // JOURNAL_TESTING_PART_FIXTURE_H_
