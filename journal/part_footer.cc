#include "journal/part_footer.h"

#include <cstring>

#include "journal/file_name.h"
#include "journal/little_endian.h"
#include "xxhash.h"

namespace journal {
namespace {

constexpr absl::string_view kPartSuffix = ".part";

constexpr size_t kVersionAt = 8;
constexpr size_t kFeaturesAt = 12;
constexpr size_t kUuidAt = 16;
constexpr size_t kKeyIdAt = 80;
constexpr size_t kChecksumAt = kPartFooterBytes - 8;

// Something always follows: arithmetic behind a span does not wrap.
constexpr uint64_t kNoNumber = UINT64_MAX;

// Calls visit(offset, field) for each 64-bit field that stands at this end.
template <typename Footer, typename Visit>
void VisitNumbers(Footer& footer, PartEnd end, Visit visit) {
  visit(32, footer.part_id);
  visit(40, footer.span.first_segment);
  visit(48, footer.span.last_segment);
  visit(56, footer.span.first_lsn);
  visit(64, footer.span.chain_start);
  visit(72, footer.span.records_before);
  visit(96, footer.created_unix_ns);
  visit(104, footer.span.last_lsn);
  visit(112, footer.span.chain_end);
  visit(120, footer.span.records_after);
  visit(128, footer.span.seal_end);
  if (end == PartEnd::kHeader) return;
  visit(136, footer.records);
  visit(144, footer.raw_bytes);
  visit(152, footer.blocks);
  visit(160, footer.index_offset);
  visit(168, footer.index_checksum);
}

const char* MagicOf(PartEnd end) {
  return end == PartEnd::kHeader ? kPartHeaderMagic : kPartFooterMagic;
}

// What no writer writes, though a checksum may hold.
bool Plausible(const PartFooter& footer) {
  const bool encrypted = footer.key_id != KeyId{};
  return footer.part_id != 0 && IsWhole(footer.span) &&
         encrypted == ((footer.required_features & kFeatureEncryption) != 0);
}

}  // namespace

bool IsWhole(const PartSpan& span) {
  return span.first_segment != 0 && span.first_segment <= span.last_segment &&
         span.first_lsn != 0 && span.first_lsn <= span.last_lsn &&
         span.last_lsn < kNoNumber && span.last_segment < kNoNumber &&
         span.records_before <= span.records_after;
}

void EncodePartFooter(PartFooter& footer, PartEnd end, char* to) {
  std::memset(to, 0, kPartFooterBytes);
  std::memcpy(to, MagicOf(end), sizeof(kPartFooterMagic));
  StoreLittleEndian<uint32_t>(to + kVersionAt, footer.format_version);
  StoreLittleEndian<uint32_t>(to + kFeaturesAt, footer.required_features);
  std::memcpy(to + kUuidAt, footer.uuid.data(), footer.uuid.size());
  std::memcpy(to + kKeyIdAt, footer.key_id.data(), footer.key_id.size());
  VisitNumbers(footer, end, [to](size_t at, auto field) {
    StoreLittleEndian(to + at, field);
  });
  footer.checksum = XXH3_64bits(to, kChecksumAt);
  StoreLittleEndian<uint64_t>(to + kChecksumAt, footer.checksum);
}

HeaderState DecodePartFooter(const char* from, PartEnd end,
                             PartFooter* footer) {
  *footer = PartFooter();
  if (std::memcmp(from, MagicOf(end), sizeof(kPartFooterMagic)) != 0 ||
      LoadLittleEndian<uint64_t>(from + kChecksumAt) !=
          XXH3_64bits(from, kChecksumAt)) {
    return HeaderState::kBad;
  }
  footer->format_version = LoadLittleEndian<uint32_t>(from + kVersionAt);
  footer->required_features = LoadLittleEndian<uint32_t>(from + kFeaturesAt);
  if (footer->format_version > kFormatVersion ||
      (footer->required_features & ~kKnownFeatures) != 0) {
    return HeaderState::kNewer;
  }
  std::memcpy(footer->uuid.data(), from + kUuidAt, footer->uuid.size());
  std::memcpy(footer->key_id.data(), from + kKeyIdAt, footer->key_id.size());
  VisitNumbers(*footer, end, [from](size_t at, auto& field) {
    std::memcpy(&field, from + at, sizeof(field));
  });
  // Encoded again, it is the same: so all that is reserved is zero.
  char again[kPartFooterBytes];
  EncodePartFooter(*footer, end, again);
  return footer->format_version == kFormatVersion && Plausible(*footer) &&
                 std::memcmp(again, from, kPartFooterBytes) == 0
             ? HeaderState::kGood
             : HeaderState::kBad;
}

uint64_t PartSeed(const JournalUuid& uuid, uint64_t part_id) {
  constexpr char kTag[4] = {'P', 'A', 'R', 'T'};
  char input[sizeof(uuid) + sizeof(part_id) + sizeof(kTag)];
  std::memcpy(input, uuid.data(), uuid.size());
  StoreLittleEndian<uint64_t>(input + uuid.size(), part_id);
  std::memcpy(input + uuid.size() + sizeof(part_id), kTag, sizeof(kTag));
  return XXH3_64bits(input, sizeof(input));
}

std::string PartFileName(uint64_t part_id) {
  return NumberedFileName(part_id, kPartSuffix);
}

absl::optional<uint64_t> ParsePartFileName(absl::string_view name) {
  return ParseNumberedFileName(name, kPartSuffix);
}

}  // namespace journal
