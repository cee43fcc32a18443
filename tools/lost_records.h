// What can still be told of records that are no longer whole.
#ifndef TOOLS_LOST_RECORDS_H_
#define TOOLS_LOST_RECORDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "journal/journal.h"

namespace inspector {

struct LostRecord {
  journal::Lsn lsn = 0;
  std::string file;
  uint64_t offset = 0;
  std::string kind;   // "Response", "watermark frame"; empty: cannot be told.
  std::string query;  // "run 1, q6"; empty: cannot be told.
  // The frame's header is whole: lsn and kind are certain. A query's name
  // always comes from bytes that do not match their checksum.
  bool certain = false;
};

// Looks at the bytes of each finding of `report` that has any. Bounded by
// kLostRecordsMax; the findings themselves say the whole range of LSNs.
inline constexpr size_t kLostRecordsMax = 1000;
std::vector<LostRecord> IdentifyLost(absl::string_view directory,
                                     const journal::RecoveryReport& report);

// "LSN 7, offset 1184 of 0000000001.seg: Response, run 1, q6 (by what is left
// of it)".
std::string Describe(const LostRecord& lost);

}  // namespace inspector

#endif  // TOOLS_LOST_RECORDS_H_
