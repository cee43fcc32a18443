#include "journal/segment_header.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "absl/strings/escaping.h"
#include "journal/file_name.h"
#include "journal/little_endian.h"
#include "xxhash.h"

namespace journal {
namespace {

constexpr size_t kVersionAt = 8;
constexpr size_t kFeaturesAt = 12;
constexpr size_t kUuidAt = 16;
constexpr size_t kNumbersAt = 32;
constexpr size_t kChecksumAt = kSegmentHeaderBytes - 8;

// The 64-bit fields from offset 32 on, in the order of the format.
constexpr uint64_t SegmentHeader::*kNumbers[] = {
    &SegmentHeader::segment_id,
    &SegmentHeader::first_lsn,
    &SegmentHeader::zeroed_bytes,
    &SegmentHeader::max_unsynced_bytes,
    nullptr,  // created_unix_ns is signed.
    &SegmentHeader::watermark,
    &SegmentHeader::predecessor_id,
    &SegmentHeader::predecessor_bytes,
    &SegmentHeader::chain_start,
    &SegmentHeader::records_before,
    &SegmentHeader::state_segment_id,
    &SegmentHeader::state_offset,
    &SegmentHeader::state_lsn,
};
constexpr size_t kCreatedAt = kNumbersAt + size_t{4} * 8;
constexpr size_t kSnapshotLsnAt = kNumbersAt + 8 * std::size(kNumbers);
constexpr size_t kKeyIdAt = kSnapshotLsnAt + 8;
constexpr size_t kRemovedBeforeAt = kKeyIdAt + sizeof(KeyId);
constexpr size_t kReservedAt = kRemovedBeforeAt + 8;
static_assert(kReservedAt == 168);

constexpr absl::string_view kSegmentSuffix = ".seg";

}  // namespace

void EncodeSegmentHeader(const SegmentHeader& header, char* to) {
  std::memset(to, 0, kSegmentHeaderBytes);
  std::memcpy(to, kSegmentMagic, sizeof(kSegmentMagic));
  StoreLittleEndian<uint32_t>(to + kVersionAt, header.format_version);
  StoreLittleEndian<uint32_t>(to + kFeaturesAt, header.required_features);
  std::memcpy(to + kUuidAt, header.uuid.data(), header.uuid.size());
  size_t at = kNumbersAt;
  for (const auto field : kNumbers) {
    if (field != nullptr) StoreLittleEndian<uint64_t>(to + at, header.*field);
    at += 8;
  }
  StoreLittleEndian<int64_t>(to + kCreatedAt, header.created_unix_ns);
  StoreLittleEndian<uint64_t>(to + kSnapshotLsnAt, header.snapshot_lsn);
  std::memcpy(to + kKeyIdAt, header.key_id.data(), header.key_id.size());
  StoreLittleEndian<uint64_t>(to + kRemovedBeforeAt, header.removed_before_lsn);
  StoreLittleEndian<uint64_t>(to + kChecksumAt, XXH3_64bits(to, kChecksumAt));
}

HeaderState DecodeSegmentHeader(const char* from, SegmentHeader* header) {
  if (std::memcmp(from, kSegmentMagic, sizeof(kSegmentMagic)) != 0 ||
      LoadLittleEndian<uint64_t>(from + kChecksumAt) !=
          XXH3_64bits(from, kChecksumAt)) {
    return HeaderState::kBad;
  }
  header->format_version = LoadLittleEndian<uint32_t>(from + kVersionAt);
  header->required_features = LoadLittleEndian<uint32_t>(from + kFeaturesAt);
  if (header->format_version > kFormatVersion ||
      (header->required_features & ~kKnownFeatures) != 0) {
    return HeaderState::kNewer;
  }
  std::memcpy(header->uuid.data(), from + kUuidAt, header->uuid.size());
  size_t at = kNumbersAt;
  for (const auto field : kNumbers) {
    if (field != nullptr) {
      header->*field = LoadLittleEndian<uint64_t>(from + at);
    }
    at += 8;
  }
  header->created_unix_ns = LoadLittleEndian<int64_t>(from + kCreatedAt);
  header->snapshot_lsn = LoadLittleEndian<uint64_t>(from + kSnapshotLsnAt);
  std::memcpy(header->key_id.data(), from + kKeyIdAt, header->key_id.size());
  header->removed_before_lsn =
      LoadLittleEndian<uint64_t>(from + kRemovedBeforeAt);
  const bool reserved_zero =
      std::count(from + kReservedAt, from + kChecksumAt, '\0') ==
      static_cast<ptrdiff_t>(kChecksumAt - kReservedAt);
  const bool encrypted = (header->required_features & kFeatureEncryption) != 0;
  // Nothing is durable before it is written.
  const bool plausible = header->watermark < header->first_lsn &&
                         encrypted == (header->key_id != KeyId());
  return reserved_zero && plausible && header->format_version == kFormatVersion
             ? HeaderState::kGood
             : HeaderState::kBad;
}

uint64_t SegmentSeed(const JournalUuid& uuid, uint64_t segment_id) {
  char input[sizeof(uuid) + sizeof(segment_id)];
  std::memcpy(input, uuid.data(), uuid.size());
  StoreLittleEndian<uint64_t>(input + uuid.size(), segment_id);
  return XXH3_64bits(input, sizeof(input));
}

uint64_t FirstChain(const JournalUuid& uuid) {
  return XXH3_64bits(uuid.data(), uuid.size());
}

JournalUuid NewUuid() {
  JournalUuid uuid;
  // 16 bytes are never returned short, and the call fails only where the
  // kernel lacks it: nothing sensible can go on without it.
  if (getrandom(uuid.data(), uuid.size(), 0) !=
      static_cast<ssize_t>(uuid.size())) {
    std::abort();
  }
  return uuid;
}

std::string UuidHex(const JournalUuid& uuid) {
  return absl::BytesToHexString(absl::string_view(uuid.data(), uuid.size()));
}

std::string KeyIdHex(const KeyId& key_id) {
  return key_id == KeyId() ? std::string() : UuidHex(key_id);
}

std::string SegmentFileName(uint64_t segment_id) {
  return NumberedFileName(segment_id, kSegmentSuffix);
}

absl::optional<uint64_t> ParseSegmentFileName(absl::string_view name) {
  return ParseNumberedFileName(name, kSegmentSuffix);
}

}  // namespace journal
