// What a part says of itself, at its head and at its end (FORMAT.md, section
// 8), and the names of part files.
#ifndef JOURNAL_PART_FOOTER_H_
#define JOURNAL_PART_FOOTER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "journal/format.h"
#include "journal/segment_header.h"
#include "journal/types.h"

namespace journal {

// Which segments a part stands for and how they join the log. Known before the
// part is written.
struct PartSpan {
  uint64_t first_segment = 0;
  uint64_t last_segment = 0;
  Lsn first_lsn = 0;
  Lsn last_lsn = 0;
  uint64_t chain_start = 0;
  uint64_t chain_end = 0;
  uint64_t records_before = 0;
  uint64_t records_after = 0;
  uint64_t seal_end = 0;

  friend bool operator==(const PartSpan&, const PartSpan&) = default;
};

// Whether a span can be: it is not empty, and nothing in it goes back.
bool IsWhole(const PartSpan& span);

// Field by field as in FORMAT.md.
struct PartFooter {
  uint32_t format_version = kFormatVersion;
  uint32_t required_features = 0;
  JournalUuid uuid = {};
  uint64_t part_id = 0;
  PartSpan span;
  KeyId key_id = {};
  int64_t created_unix_ns = 0;
  // Zero in the header.
  uint64_t records = 0;
  uint64_t raw_bytes = 0;
  uint64_t blocks = 0;
  uint64_t index_offset = 0;
  uint64_t index_checksum = 0;
  // Set by EncodePartFooter and DecodePartFooter.
  uint64_t checksum = 0;
};

enum class PartEnd { kHeader, kFooter };

// Writes kPartFooterBytes to `to`. Sets footer.checksum.
void EncodePartFooter(PartFooter& footer, PartEnd end, char* to);

// Reads kPartFooterBytes at `from`. kGood only if every byte is as
// EncodePartFooter writes it, and the span is whole. kNewer if it is whole but
// of a newer version, or needs a feature that this version does not have.
HeaderState DecodePartFooter(const char* from, PartEnd end, PartFooter* footer);

// The seed of all checksums in a part.
uint64_t PartSeed(const JournalUuid& uuid, uint64_t part_id);

// "0000000012.part".
std::string PartFileName(uint64_t part_id);
// The id if `name` is exactly what PartFileName writes.
absl::optional<uint64_t> ParsePartFileName(absl::string_view name);

}  // namespace journal

#endif  // JOURNAL_PART_FOOTER_H_
