// A journal made of what was imported.
#ifndef RUNNER_IMPORTS_JOURNAL_IMPORT_H_
#define RUNNER_IMPORTS_JOURNAL_IMPORT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "runner/imports/import_match.h"
#include "runner/imports/imported_file.h"
#include "runner/storage/journal_access.h"
#include "runner/storage/records.h"

namespace runner {

// Where a journal comes from, in its first record.
struct ImportMark {
  std::string file;    // Its name, without directories.
  std::string format;  // ImportFormatName.
  std::string sha256;  // Of the file.
};

// `config_json` with the mark, and what it says of one; nothing where there is
// none.
std::string WithImportMark(absl::string_view config_json,
                           const ImportMark& mark);
absl::optional<ImportMark> ImportMarkOf(absl::string_view config_json);

// The mark of a journal, from its first record; nothing if it was not imported.
// Errors: those of journal::Reader::Open, and of reading.
absl::StatusOr<absl::optional<ImportMark>> ReadImportMark(
    absl::string_view directory, const JournalAccess& access);

struct ImportTarget {
  std::string directory;  // New; its parents are made.
  BenchmarkInfo info;     // Its configuration with the mark.
  uint64_t rows = 0;
  std::function<RowInfo(uint64_t)> row;
  std::string session_json;  // Of the imported session.
};

// Writes a journal: one session, as long as the file says, in which each result
// was asked once (attempt kImportedAttempt) and answered, or failed for good.
// Answers are not scored: that is the run's. Durable on return, but for the
// entry in the parent directory.
//
// Errors: kInvalidArgument for a result larger than a record may be; those of
// BenchmarkJournal; Cancelled when `stopped` says so. What was written so far
// stays, and is the caller's to remove.
absl::Status WriteImport(const ImportedFile& file,
                         absl::Span<const PlacedResult> placed,
                         const ImportTarget& target,
                         const JournalAccess& access,
                         const std::function<bool()>& stopped);

}  // namespace runner

#endif  // RUNNER_IMPORTS_JOURNAL_IMPORT_H_
