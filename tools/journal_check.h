// Everything that can be verified of a benchmark's journal: the engine's
// checksums, chain and watermark, each record's FlatBuffer, and whether the
// records make sense together.
#ifndef TOOLS_JOURNAL_CHECK_H_
#define TOOLS_JOURNAL_CHECK_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/command.h"
#include "tools/journal_view.h"
#include "tools/losses.h"
#include "tools/lost_records.h"

namespace inspector {

// A record whose bytes are as they were written, and which cannot be used.
struct RecordProblem {
  journal::Lsn lsn = 0;
  std::string type;
  std::string detail;  // Printable.
};

struct JournalCheck {
  JournalView view;
  std::vector<RecordProblem> problems;  // At most kProblemsMax.
  uint64_t problems_more = 0;
  std::vector<LostRecord> lost;
  absl::optional<Losses> losses;  // When damaged: what salvage would keep.
  // Worth knowing, and no damage.
  std::vector<std::string> notes;

  // "ok", "running", "torn", "damaged", "unreadable", "newer".
  std::string verdict() const;
  ExitCode exit_code() const;
  // What is safe, what is not, what to run next; empty when all is well.
  std::vector<std::string> advice() const;
};
inline constexpr size_t kProblemsMax = 1000;

// Reads every byte. Errors: those of journal::Examine.
// `cipher` may be null: of an encrypted journal everything is verified then but
// what its bodies say.
absl::StatusOr<JournalCheck> CheckJournal(absl::string_view path,
                                          const journal::Cipher* cipher);

}  // namespace inspector

#endif  // TOOLS_JOURNAL_CHECK_H_
