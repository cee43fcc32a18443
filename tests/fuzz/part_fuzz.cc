// The reader of a snapshot's part.
//
// Input: u8 how; u64 the LSN to read from; u32 a bit. Then, if `how` is even,
// the part's bytes as they are. If it is odd, blocks, from which a part with
// right checksums is made: for each u32 raw bytes, u32 records, u64 first LSN,
// u64 how many LSNs further its last is, u8 codec, u16 how many bytes are
// stored, and those. With 2 in `how` that bit of the part is flipped.

#include <memory>
#include <string>
#include <vector>

#include "journal/file_system.h"
#include "journal/format.h"
#include "journal/part_block.h"
#include "journal/part_footer.h"
#include "journal/part_index.h"
#include "journal/part_reader.h"
#include "journal/testing/memory_file_system.h"
#include "tests/fuzz/allocation_bound.h"
#include "tests/fuzz/fuzz_input.h"

namespace journal {
namespace {

constexpr char kDirectory[] = "/journal";
constexpr uint64_t kPartId = 7;
constexpr size_t kBlocksMax = 16;

// Some blocks that decompress to 1 MiB, or 64 times their size, and a window.
constexpr size_t kFixedBytes = 16 << 20;
constexpr size_t kBytesPerByte = 64 * 4;

JournalUuid Uuid() { return {'f', 'u', 'z', 'z'}; }

PartFooter Footer() {
  PartFooter footer;
  footer.uuid = Uuid();
  footer.part_id = kPartId;
  footer.span.first_segment = 1;
  footer.span.last_segment = 2;
  footer.span.first_lsn = 1;
  footer.span.last_lsn = 1'000'000;
  footer.span.records_after = 900'000;
  footer.span.seal_end = 4096;
  return footer;
}

// Appends a block; adds it to index and footer.
void AddBlock(fuzz::FuzzInput& input, PartFooter& footer,
              std::vector<PartIndexEntry>& index, std::string& bytes) {
  const uint64_t seed = PartSeed(footer.uuid, footer.part_id);
  BlockHeader header;
  header.raw_bytes = input.Take<uint32_t>();
  header.records = input.Take<uint32_t>();
  header.first_lsn = input.Take<uint64_t>();
  header.last_lsn = header.first_lsn + input.Take<uint64_t>();
  header.codec = static_cast<BlockCodec>(input.Take<uint8_t>());
  const absl::string_view stored = input.TakeBytes(input.Take<uint16_t>());
  header.stored_bytes = static_cast<uint32_t>(stored.size());
  header.stored_checksum = StoredChecksum(seed, stored);
  const uint64_t offset = bytes.size();
  bytes.resize(offset + BlockBytes(header));
  EncodeBlockHeader(header, seed, offset, &bytes[offset]);
  bytes.replace(offset + kBlockHeaderBytes, stored.size(), stored.data(),
                stored.size());
  index.push_back({offset, header.first_lsn, header.last_lsn});
  footer.records += header.records;
  footer.raw_bytes += header.raw_bytes;
  ++footer.blocks;
}

std::string MakePart(fuzz::FuzzInput& input) {
  PartFooter footer = Footer();
  std::string bytes(kPartFooterBytes, '\0');
  EncodePartFooter(footer, PartEnd::kHeader, bytes.data());
  std::vector<PartIndexEntry> index;
  while (!input.empty() && index.size() < kBlocksMax) {
    AddBlock(input, footer, index, bytes);
  }
  const std::string encoded = EncodePartIndex(index);
  footer.index_offset = bytes.size();
  footer.index_checksum =
      PartIndexChecksum(PartSeed(footer.uuid, footer.part_id), encoded);
  bytes += encoded;
  bytes.resize(bytes.size() + kPartFooterBytes);
  EncodePartFooter(footer, PartEnd::kFooter,
                   &bytes[bytes.size() - kPartFooterBytes]);
  return bytes;
}

struct Read {
  uint64_t records = 0;
  uint64_t body_bytes = 0;
  uint64_t bad = 0;
};

Read ReadAll(PartReader& reader, Lsn from) {
  Read read;
  Lsn last_lsn = 0;
  reader.Seek(from);
  for (;;) {
    Record record;
    const PartStep step = reader.Next(&record);
    if (step == PartStep::kEnd) return read;
    if (step == PartStep::kBad) {
      FUZZ_CHECK(!reader.finding().detail.empty());
      ++read.bad;
      continue;
    }
    FUZZ_CHECK(record.lsn >= from && record.lsn > last_lsn);
    FUZZ_CHECK(
        reinterpret_cast<uintptr_t>(record.body.data()) % kFrameAlignment == 0);
    last_lsn = record.lsn;
    ++read.records;
    read.body_bytes += record.body.size();
  }
}

bool Verify(PartReader& reader, bool decode) {
  uint64_t findings = 0;
  const absl::StatusOr<bool> whole = reader.Verify(
      decode,
      [&](const Finding& finding) {
        FUZZ_CHECK(finding.first_lsn <= finding.last_lsn ||
                   finding.last_lsn == 0);
        ++findings;
      },
      [](uint64_t) { return true; });
  FUZZ_CHECK(whole.ok() && *whole == (findings == 0));
  return *whole;
}

void TryPart(FileSystem& fs, Lsn from) {
  const auto reader =
      PartReader::Open(fs, kDirectory, Uuid(), kPartId, nullptr);
  if (!reader.ok()) return;
  const Read all = ReadAll(**reader, 0);
  const Read late = ReadAll(**reader, from);
  FUZZ_CHECK(late.records <= all.records);
  const bool stored_whole = Verify(**reader, false);
  const bool whole = Verify(**reader, true);
  FUZZ_CHECK(stored_whole || !whole);
  // What verifies is read, all of it.
  if (!whole) return;
  FUZZ_CHECK(all.bad == 0);
  FUZZ_CHECK(all.records == (*reader)->footer().records);
  FUZZ_CHECK(all.body_bytes <= (*reader)->footer().raw_bytes);
}

}  // namespace
}  // namespace journal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::AllocationBound bound(journal::kFixedBytes +
                                    journal::kBytesPerByte * size);
  fuzz::FuzzInput input(data, size);
  const uint8_t how = input.Take<uint8_t>();
  const auto from = input.Take<journal::Lsn>();
  const uint32_t bit = input.Take<uint32_t>();
  std::string part =
      how % 2 != 0 ? journal::MakePart(input) : std::string(input.TakeRest());
  if ((how & 2) != 0 && !part.empty()) {
    part[bit / 8 % part.size()] ^= static_cast<char>(1 << bit % 8);
  }
  journal::MemoryFileSystem disk;
  if (!disk.CreateDirectory(journal::kDirectory).ok()) return 0;
  const std::string path = journal::JoinPath(
      journal::kDirectory, journal::PartFileName(journal::kPartId));
  disk.Put(path, part);
  journal::TryPart(disk, from);
  return 0;
}
