// How a run begins with a checkpoint file of another system: what of it fits
// the dataset, and a journal made of that.
#ifndef RUNNER_STUDY_IMPORT_ENTRY_H_
#define RUNNER_STUDY_IMPORT_ENTRY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "runner/base/exit_code.h"
#include "runner/config/options.h"
#include "runner/data/dataset.h"
#include "runner/display/console.h"
#include "runner/imports/import_match.h"
#include "runner/imports/imported_file.h"
#include "runner/imports/journal_import.h"
#include "runner/storage/journal_access.h"
#include "runner/storage/records.h"

namespace runner {

// Not copied: the match refers to the file's results.
struct PlannedImport {
  PlannedImport() = default;
  PlannedImport(const PlannedImport&) = delete;
  PlannedImport& operator=(const PlannedImport&) = delete;

  ImportedFile file;
  ImportMatch match;
  ImportMark mark;
  uint64_t completed = 0;
  uint64_t failed = 0;
  // What people should know of it, a printable sentence each.
  std::vector<std::string> notes;
};

// Reads options.import_from and finds the queries of its results. Writes
// nothing. Refused: what cannot be read (exit 2), results about no query and of
// runs that are not asked for, named (13).
absl::optional<Refusal> PlanImport(const RunOptions& options,
                                   absl::string_view model,
                                   const Dataset& dataset,
                                   PlannedImport* planned);

// "checkpoint.json (draagon): 90 of 150 queries completed, 2 failed"
std::string ImportText(const PlannedImport& planned, uint64_t total);

// What would be left of the selected rows in runs 1..runs.
struct ImportCounts {
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t failed_for_good = 0;  // Of these: not asked again unless told to.
};
ImportCounts CountImport(const PlannedImport& planned, uint32_t runs,
                         const std::vector<uint32_t>& selected);

// Makes the journal `directory`, which nobody sees, durable as a whole. `info`
// is that of the journal. Refused: as BenchmarkJournal, and for `stopped` (exit
// 1, for the caller to make a signal's code).
absl::optional<Refusal> MakeImport(const PlannedImport& planned,
                                   const std::string& directory,
                                   BenchmarkInfo info, const Dataset& dataset,
                                   const JournalAccess& access,
                                   const std::function<bool()>& stopped);

// Gives the journal `made` its name `directory`, durably. Refused: where there
// is one by now (12).
absl::optional<Refusal> PublishImport(const std::string& made,
                                      const std::string& directory,
                                      const JournalAccess& access);

// For a benchmark of which another process began a journal, `directory`, while
// one was made of a file.
Refusal RefuseBegunMeanwhile(const std::string& directory);

// For a journal that is there already: nothing, and a word on the console, if
// it was made of the same file; else a refusal (13), for what the file holds
// would be asked again.
absl::optional<Refusal> CheckImported(const RunOptions& options,
                                      const std::string& directory,
                                      const JournalAccess& access,
                                      Console& console);

}  // namespace runner

#endif  // RUNNER_STUDY_IMPORT_ENTRY_H_
