// What an examination of a journal found, and what the recovery mode makes of
// it. One struct for opening, verifying and the tools.
#ifndef JOURNAL_RECOVERY_REPORT_H_
#define JOURNAL_RECOVERY_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "journal/types.h"

namespace journal {

// The rows of the decision table (FORMAT.md, section 6), mildest first. An
// examination's outcome is its gravest finding.
enum class FindingKind {
  kCleanEnd,      // Nothing wrong.
  kTornTail,      // Unconfirmed, not whole, newest segment, within bounds.
  kSecondCopy,    // A snapshot, or a segment that it covers; one is whole.
  kNoRecordLost,  // A header copy of two, or padding, is damaged.
  kAckedLoss,     // Confirmed data not whole or not there.
  kSegmentChain,  // A segment missing, reordered, foreign or duplicated.
  kHeadersBad,    // Both header copies of a segment.
  kReadError,     // The disk did not return bytes.
  kNewerFormat,   // Written by a newer version.
};
inline constexpr int kFindingKindCount = 9;

// "torn tail", "confirmed data damaged", …
absl::string_view FindingKindName(FindingKind kind);

// What it means that a file of a journal cannot be opened or read. One that the
// system does not give is no evidence of damage: there may be no file
// descriptor left, or no permission.
FindingKind FindingKindOf(const absl::Status& status);

// The cells of the decision table.
enum class RecoveryAction {
  kOpen,
  kCut,  // Keep the bytes in .torn, open.
  kRefuse,
  kStopBefore,  // Read-only up to the first damage unless told otherwise.
  kSkip,        // List, go on; for a repaired copy.
};

// The decision table itself.
RecoveryAction Decide(FindingKind finding, RecoveryMode mode);

// One bad place. (The strings' initialisers let callers leave them out.)
struct Finding {
  FindingKind kind = FindingKind::kCleanEnd;
  std::string file = "";  // Name within the journal's directory.
  uint64_t offset = 0;    // In the file.
  uint64_t bytes = 0;     // Extent of what is bad; 0 when unknown.
  // LSNs lost or damaged, both inclusive; 0 when none. For a torn tail, the
  // first LSN that is not whole.
  Lsn first_lsn = 0;
  Lsn last_lsn = 0;
  std::string detail = "";  // One sentence.
};

struct SegmentInfo {
  uint64_t id = 0;
  std::string file;
  Lsn first_lsn = 0;
  Lsn last_lsn = 0;  // 0 when not read.
  uint64_t file_bytes = 0;
  uint64_t end_offset = 0;  // Where its last whole frame ends; 0: not read.
  absl::Time created;
  bool sealed = false;
  bool closed = false;   // Has a close frame.
  bool covered = false;  // A second copy of what the snapshot holds.
};

struct RecoveryReport {
  RecoveryMode mode = RecoveryMode::kStrict;
  FindingKind outcome = FindingKind::kCleanEnd;
  RecoveryAction action = RecoveryAction::kOpen;
  // Every bad place, in order of LSN. Bounded by kFindingsMax; `findings_more`
  // counts the rest.
  std::vector<Finding> findings;
  uint64_t findings_more = 0;
  std::vector<SegmentInfo> segments;
  std::string journal_uuid;  // 32 hex digits.
  std::string key_id;        // 32 hex digits; "" when not encrypted.
  uint64_t records = 0;      // Application records before the end.
  Lsn last_lsn = 0;          // Of the last frame that counts.
  Lsn watermark = 0;         // W.
  bool closed = false;       // The journal was closed cleanly.
  bool full = false;         // Every byte was read, not only the end.
  uint64_t bytes_cut = 0;    // Torn bytes (to be) kept in .torn.
  Lsn state_lsn = 0;         // The state frame opening started from.
  // The snapshot that records up to its LSN were, or would be, taken from.
  std::string snapshot_file;  // Empty: none.
  Lsn snapshot_lsn = 0;
  uint64_t snapshot_parts = 0;
  uint64_t snapshot_records = 0;  // Read from it.
  Lsn removed_before_lsn = 0;     // Given up by the application.
  absl::Duration elapsed;

  bool damaged() const { return outcome > FindingKind::kTornTail; }
};

inline constexpr int kFindingsMax = 1000;

// OK when the mode opens or cuts, else the error that says where, how much is
// affected and what is safe. Does not name a tool: the application does.
absl::Status StatusOf(const RecoveryReport& report);

// "segment 0000000001.seg, offset 1184, LSN 3: body checksum does not match".
std::string Describe(const Finding& finding);

}  // namespace journal

#endif  // JOURNAL_RECOVERY_REPORT_H_
