// Where the blocks of a part lie (FORMAT.md, section 8).
#ifndef JOURNAL_PART_INDEX_H_
#define JOURNAL_PART_INDEX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "journal/part_footer.h"
#include "journal/types.h"

namespace journal {

struct PartIndexEntry {
  uint64_t offset = 0;
  Lsn first_lsn = 0;
  Lsn last_lsn = 0;
};

std::string EncodePartIndex(const std::vector<PartIndexEntry>& index);

// False unless the footer's checksum holds, and the entries are in order, fill
// the part and lie within its span; `index` is then unspecified.
bool DecodePartIndex(absl::string_view bytes, const PartFooter& footer,
                     std::vector<PartIndexEntry>* index);

// XXH3-64 of the index's bytes under the part's seed.
uint64_t PartIndexChecksum(uint64_t part_seed, absl::string_view bytes);

}  // namespace journal

#endif  // JOURNAL_PART_INDEX_H_
