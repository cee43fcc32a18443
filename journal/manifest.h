// The list of parts that make a snapshot (FORMAT.md, section 8).
#ifndef JOURNAL_MANIFEST_H_
#define JOURNAL_MANIFEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "journal/file_system.h"
#include "journal/format.h"
#include "journal/part_footer.h"
#include "journal/segment_header.h"
#include "journal/types.h"

namespace journal {

struct ManifestEntry {
  uint64_t part_id = 0;
  uint64_t first_segment = 0;
  uint64_t last_segment = 0;
  Lsn first_lsn = 0;
  Lsn last_lsn = 0;
  uint64_t records = 0;
  uint64_t file_bytes = 0;
  uint64_t footer_checksum = 0;
  uint64_t superseded = 0;

  friend bool operator==(const ManifestEntry&, const ManifestEntry&) = default;
};

// Field by field as in FORMAT.md.
struct Manifest {
  uint32_t format_version = kFormatVersion;
  uint32_t required_features = 0;
  JournalUuid uuid = {};
  uint64_t manifest_id = 0;
  uint64_t last_segment = 0;
  Lsn last_lsn = 0;
  uint64_t chain_end = 0;
  uint64_t records_after = 0;
  uint64_t seal_end = 0;
  Lsn removed_before_lsn = 0;
  int64_t created_unix_ns = 0;
  std::vector<ManifestEntry> parts;  // In order of LSN.

  Lsn first_lsn() const { return parts.empty() ? 0 : parts.front().first_lsn; }
  // What is below it was given up.
  Lsn begin_lsn() const { return parts.empty() ? last_lsn + 1 : first_lsn(); }
};

std::string EncodeManifest(const Manifest& manifest);

// kGood only if every byte is as EncodeManifest writes it, and the entries
// increase, do not overlap and end where the manifest says.
HeaderState DecodeManifest(absl::string_view bytes, Manifest* manifest);

// Reads one. Errors: kNotFound; kIo; kNewerVersion; kDamage (also when it is
// another one under this name). At most kManifestBytesMax are read, past the
// page cache if `from_disk`.
absl::StatusOr<Manifest> ReadManifest(FileSystem& fs,
                                      absl::string_view directory,
                                      uint64_t manifest_id,
                                      bool from_disk = false);

// Writes `<id>.manifest`: temporary file, fsync, rename, directory fsync, pages
// dropped, read back and compared. kDamage when what came back differs.
absl::Status PublishManifest(FileSystem& fs, absl::string_view directory,
                             const Manifest& manifest);

// The entry of a part, as its footer and size say.
ManifestEntry EntryOf(const PartFooter& footer, uint64_t file_bytes);

// The manifest that parts alone would make: of those that overlap the one with
// the greatest id stands, and all must fit together. Empty when they do not, or
// when there are none. `manifest_id` is 0 and removed_before_lsn unknown (0).
absl::optional<Manifest> RebuildManifest(
    const std::vector<PartFooter>& footers,
    const std::vector<uint64_t>& file_bytes);

// "0000000012.manifest", and back.
std::string ManifestFileName(uint64_t manifest_id);
absl::optional<uint64_t> ParseManifestFileName(absl::string_view name);

}  // namespace journal

#endif  // JOURNAL_MANIFEST_H_
