#include "journal/part_index.h"

#include "journal/format.h"
#include "journal/little_endian.h"
#include "journal/part_block.h"
#include "xxhash.h"

namespace journal {
namespace {

// Whether blocks can lie as this says. Blocks lie side by side, from the
// header to the index.
bool Possible(const std::vector<PartIndexEntry>& index,
              const PartFooter& footer) {
  uint64_t offset_min = kPartFooterBytes;
  Lsn lsn_min = footer.span.first_lsn;
  for (const PartIndexEntry& entry : index) {
    if (entry.offset < offset_min || entry.offset % kFrameAlignment != 0 ||
        entry.offset >= footer.index_offset ||
        footer.index_offset - entry.offset < kBlockBytesMin ||
        entry.first_lsn < lsn_min || entry.last_lsn < entry.first_lsn ||
        entry.last_lsn > footer.span.last_lsn) {
      return false;
    }
    offset_min = entry.offset + kBlockBytesMin;
    lsn_min = entry.last_lsn + 1;
  }
  return index.empty() || index.front().offset == kPartFooterBytes;
}

}  // namespace

std::string EncodePartIndex(const std::vector<PartIndexEntry>& index) {
  std::string bytes(kPartIndexEntryBytes * index.size(), '\0');
  char* to = bytes.data();
  for (const PartIndexEntry& entry : index) {
    StoreLittleEndian<uint64_t>(to, entry.offset);
    StoreLittleEndian<uint64_t>(to + 8, entry.first_lsn);
    StoreLittleEndian<uint64_t>(to + 16, entry.last_lsn);
    to += kPartIndexEntryBytes;
  }
  return bytes;
}

bool DecodePartIndex(absl::string_view bytes, const PartFooter& footer,
                     std::vector<PartIndexEntry>* index) {
  index->clear();
  const uint64_t seed = PartSeed(footer.uuid, footer.part_id);
  if (bytes.size() / kPartIndexEntryBytes != footer.blocks ||
      bytes.size() % kPartIndexEntryBytes != 0 ||
      PartIndexChecksum(seed, bytes) != footer.index_checksum) {
    return false;
  }
  index->reserve(footer.blocks);
  for (; !bytes.empty(); bytes.remove_prefix(kPartIndexEntryBytes)) {
    const char* from = bytes.data();
    PartIndexEntry entry;
    entry.offset = LoadLittleEndian<uint64_t>(from);
    entry.first_lsn = LoadLittleEndian<uint64_t>(from + 8);
    entry.last_lsn = LoadLittleEndian<uint64_t>(from + 16);
    index->push_back(entry);
  }
  return Possible(*index, footer);
}

uint64_t PartIndexChecksum(uint64_t part_seed, absl::string_view bytes) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), part_seed);
}

}  // namespace journal
