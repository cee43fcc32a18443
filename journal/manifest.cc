#include "journal/manifest.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/file_name.h"
#include "journal/little_endian.h"
#include "xxhash.h"

namespace journal {
namespace {

constexpr absl::string_view kManifestSuffix = ".manifest";

constexpr size_t kVersionAt = 8;
constexpr size_t kFeaturesAt = 12;
constexpr size_t kUuidAt = 16;
constexpr size_t kPartsAt = 104;
constexpr size_t kEntriesChecksumAt = 112;
constexpr size_t kChecksumAt = kManifestHeaderBytes - 8;

// Calls visit(offset, field) for each 64-bit field that is stored as it is.
template <typename M, typename Visit>
void VisitNumbers(M& manifest, Visit visit) {
  visit(32, manifest.manifest_id);
  visit(48, manifest.last_segment);
  visit(56, manifest.last_lsn);
  visit(64, manifest.chain_end);
  visit(72, manifest.records_after);
  visit(80, manifest.seal_end);
  visit(88, manifest.removed_before_lsn);
  visit(96, manifest.created_unix_ns);
}
constexpr size_t kFirstLsnAt = 40;

constexpr uint64_t ManifestEntry::*kEntryFields[] = {
    &ManifestEntry::part_id,      &ManifestEntry::first_segment,
    &ManifestEntry::last_segment, &ManifestEntry::first_lsn,
    &ManifestEntry::last_lsn,     &ManifestEntry::records,
    &ManifestEntry::file_bytes,   &ManifestEntry::footer_checksum,
    &ManifestEntry::superseded,
};
static_assert(sizeof(uint64_t) * std::size(kEntryFields) ==
              kManifestEntryBytes);

bool EntryPossible(const ManifestEntry& entry) {
  return entry.part_id != 0 && entry.first_segment != 0 &&
         entry.first_segment <= entry.last_segment && entry.first_lsn != 0 &&
         entry.first_lsn <= entry.last_lsn &&
         entry.file_bytes >= 2 * kPartFooterBytes &&
         entry.superseded <= entry.records;
}

bool EntriesPossible(const Manifest& manifest) {
  const std::vector<ManifestEntry>& parts = manifest.parts;
  if (parts.empty()) return true;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!EntryPossible(parts[i])) return false;
    if (i > 0 && (parts[i - 1].last_segment >= parts[i].first_segment ||
                  parts[i - 1].last_lsn >= parts[i].first_lsn)) {
      return false;
    }
  }
  return parts.back().last_segment == manifest.last_segment &&
         parts.back().last_lsn == manifest.last_lsn;
}

// Whether `next` begins where `previous` ends, as a segment and its successor.
bool Join(const PartFooter& previous, const PartFooter& next) {
  return previous.uuid == next.uuid &&
         previous.span.last_segment + 1 == next.span.first_segment &&
         previous.span.last_lsn + 1 == next.span.first_lsn &&
         previous.span.chain_end == next.span.chain_start &&
         previous.span.records_after == next.span.records_before;
}

absl::Status Damaged(absl::string_view path, absl::string_view why) {
  return MakeError(ErrorKind::kDamage, absl::StrCat(path, ": ", why));
}

// The bytes of a file that is no longer than a manifest can be.
absl::StatusOr<std::string> ReadSmallFile(FileSystem& fs,
                                          const std::string& path,
                                          bool from_disk) {
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kRead);
  if (!file.ok()) return file.status();
  if (from_disk) {
    if (absl::Status s = (*file)->DropCache(); !s.ok()) return s;
  }
  absl::StatusOr<uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  if (*size > kManifestBytesMax) {
    return Damaged(path, absl::StrCat(*size, " bytes are no manifest"));
  }
  std::string bytes(*size, '\0');
  absl::StatusOr<size_t> got = (*file)->ReadAt(0, bytes.data(), bytes.size());
  if (!got.ok()) return got.status();
  bytes.resize(*got);
  return bytes;
}

absl::Status WriteNewFile(FileSystem& fs, const std::string& path,
                          absl::string_view bytes) {
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kCreate);
  if (!file.ok()) return file.status();
  if (absl::Status s = (*file)->WriteAt(0, bytes); !s.ok()) return s;
  return (*file)->Sync();
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  std::string bytes(
      kManifestHeaderBytes + kManifestEntryBytes * manifest.parts.size(), '\0');
  char* to = bytes.data() + kManifestHeaderBytes;
  for (const ManifestEntry& entry : manifest.parts) {
    for (const auto field : kEntryFields) {
      StoreLittleEndian<uint64_t>(to, entry.*field);
      to += sizeof(uint64_t);
    }
  }
  to = bytes.data();
  std::memcpy(to, kManifestMagic, sizeof(kManifestMagic));
  StoreLittleEndian<uint32_t>(to + kVersionAt, manifest.format_version);
  StoreLittleEndian<uint32_t>(to + kFeaturesAt, manifest.required_features);
  std::memcpy(to + kUuidAt, manifest.uuid.data(), manifest.uuid.size());
  StoreLittleEndian<uint64_t>(to + kFirstLsnAt, manifest.first_lsn());
  VisitNumbers(manifest, [to](size_t at, auto field) {
    StoreLittleEndian(to + at, field);
  });
  StoreLittleEndian<uint64_t>(to + kPartsAt, manifest.parts.size());
  StoreLittleEndian<uint64_t>(to + kEntriesChecksumAt,
                              XXH3_64bits(to + kManifestHeaderBytes,
                                          bytes.size() - kManifestHeaderBytes));
  StoreLittleEndian<uint64_t>(to + kChecksumAt, XXH3_64bits(to, kChecksumAt));
  return bytes;
}

HeaderState DecodeManifest(absl::string_view bytes, Manifest* manifest) {
  *manifest = Manifest();
  const char* from = bytes.data();
  if (bytes.size() < kManifestHeaderBytes || bytes.size() > kManifestBytesMax ||
      std::memcmp(from, kManifestMagic, sizeof(kManifestMagic)) != 0 ||
      LoadLittleEndian<uint64_t>(from + kChecksumAt) !=
          XXH3_64bits(from, kChecksumAt)) {
    return HeaderState::kBad;
  }
  manifest->format_version = LoadLittleEndian<uint32_t>(from + kVersionAt);
  manifest->required_features = LoadLittleEndian<uint32_t>(from + kFeaturesAt);
  if (manifest->format_version > kFormatVersion ||
      (manifest->required_features & ~kKnownFeatures) != 0) {
    return HeaderState::kNewer;
  }
  std::memcpy(manifest->uuid.data(), from + kUuidAt, manifest->uuid.size());
  VisitNumbers(*manifest, [from](size_t at, auto& field) {
    std::memcpy(&field, from + at, sizeof(field));
  });
  // The file's size bounds the number of entries before any is allocated.
  const size_t parts =
      (bytes.size() - kManifestHeaderBytes) / kManifestEntryBytes;
  if (LoadLittleEndian<uint64_t>(from + kPartsAt) != parts) {
    return HeaderState::kBad;
  }
  manifest->parts.resize(parts);
  from += kManifestHeaderBytes;
  for (ManifestEntry& entry : manifest->parts) {
    for (const auto field : kEntryFields) {
      entry.*field = LoadLittleEndian<uint64_t>(from);
      from += sizeof(uint64_t);
    }
  }
  // Encoded again, it is the same: checksums, reserved bytes and length hold.
  return manifest->format_version == kFormatVersion &&
                 manifest->manifest_id != 0 && EntriesPossible(*manifest) &&
                 EncodeManifest(*manifest) == bytes
             ? HeaderState::kGood
             : HeaderState::kBad;
}

absl::StatusOr<Manifest> ReadManifest(FileSystem& fs,
                                      absl::string_view directory,
                                      uint64_t manifest_id, bool from_disk) {
  const std::string path = JoinPath(directory, ManifestFileName(manifest_id));
  absl::StatusOr<std::string> bytes = ReadSmallFile(fs, path, from_disk);
  if (!bytes.ok()) return bytes.status();
  Manifest manifest;
  switch (DecodeManifest(*bytes, &manifest)) {
    case HeaderState::kBad:
      return Damaged(path, "the manifest does not validate");
    case HeaderState::kNewer:
      return MakeError(
          ErrorKind::kNewerVersion,
          absl::StrCat(path, ": written by a newer version (format version ",
                       manifest.format_version, ")"));
    case HeaderState::kGood:
      break;
  }
  if (manifest.manifest_id != manifest_id) {
    return Damaged(path, absl::StrCat("this is manifest ", manifest.manifest_id,
                                      " under another name"));
  }
  return manifest;
}

absl::Status PublishManifest(FileSystem& fs, absl::string_view directory,
                             const Manifest& manifest) {
  const std::string path =
      JoinPath(directory, ManifestFileName(manifest.manifest_id));
  const std::string bytes = EncodeManifest(manifest);
  Manifest again;
  if (DecodeManifest(bytes, &again) != HeaderState::kGood) {
    return MakeError(ErrorKind::kInvalidArgument,
                     absl::StrCat(path, ": parts that make no manifest"));
  }
  const std::string temporary = absl::StrCat(path, kNewSuffix);
  absl::Status status = WriteNewFile(fs, temporary, bytes);
  if (status.ok()) status = fs.Rename(temporary, path);
  if (!status.ok()) {
    // The first error is the one to report.
    fs.Remove(temporary).IgnoreError();
    return status;
  }
  status = fs.SyncDirectory(directory);
  if (!status.ok()) return status;
  absl::StatusOr<std::string> read =
      ReadSmallFile(fs, path, /*from_disk=*/true);
  if (!read.ok()) return read.status();
  if (*read != bytes) {
    return Damaged(path, "the disk does not return what was written");
  }
  return absl::OkStatus();
}

ManifestEntry EntryOf(const PartFooter& footer, uint64_t file_bytes) {
  ManifestEntry entry;
  entry.part_id = footer.part_id;
  entry.first_segment = footer.span.first_segment;
  entry.last_segment = footer.span.last_segment;
  entry.first_lsn = footer.span.first_lsn;
  entry.last_lsn = footer.span.last_lsn;
  entry.records = footer.records;
  entry.file_bytes = file_bytes;
  entry.footer_checksum = footer.checksum;
  return entry;
}

absl::optional<Manifest> RebuildManifest(
    const std::vector<PartFooter>& footers,
    const std::vector<uint64_t>& file_bytes) {
  if (footers.empty() || footers.size() != file_bytes.size()) {
    return absl::nullopt;
  }
  std::vector<size_t> newest_first(footers.size());
  std::iota(newest_first.begin(), newest_first.end(), size_t{0});
  std::sort(newest_first.begin(), newest_first.end(), [&](size_t a, size_t b) {
    return footers[a].part_id > footers[b].part_id;
  });
  // By first segment; those in it do not overlap.
  std::map<uint64_t, size_t> standing;
  for (const size_t i : newest_first) {
    const PartSpan& span = footers[i].span;
    if (!IsWhole(span)) return absl::nullopt;
    const auto next = standing.upper_bound(span.last_segment);
    const bool overlaps = next != standing.begin() &&
                          footers[std::prev(next)->second].span.last_segment >=
                              span.first_segment;
    if (!overlaps) standing.emplace(span.first_segment, i);
  }

  Manifest manifest;
  const PartFooter* previous = nullptr;
  for (const auto& [first_segment, i] : standing) {
    const PartFooter& footer = footers[i];
    if (previous != nullptr && !Join(*previous, footer)) return absl::nullopt;
    previous = &footer;
    manifest.parts.push_back(EntryOf(footer, file_bytes[i]));
    manifest.created_unix_ns =
        std::max(manifest.created_unix_ns, footer.created_unix_ns);
  }
  manifest.uuid = previous->uuid;
  manifest.last_segment = previous->span.last_segment;
  manifest.last_lsn = previous->span.last_lsn;
  manifest.chain_end = previous->span.chain_end;
  manifest.records_after = previous->span.records_after;
  manifest.seal_end = previous->span.seal_end;
  return manifest;
}

std::string ManifestFileName(uint64_t manifest_id) {
  return NumberedFileName(manifest_id, kManifestSuffix);
}

absl::optional<uint64_t> ParseManifestFileName(absl::string_view name) {
  return ParseNumberedFileName(name, kManifestSuffix);
}

}  // namespace journal
