// Whether a journal holds what is asked for, found out without writing to it.
#ifndef RUNNER_STUDY_RESUME_CHECK_H_
#define RUNNER_STUDY_RESUME_CHECK_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "runner/base/exit_code.h"
#include "runner/config/options.h"
#include "runner/data/dataset.h"
#include "runner/storage/journal_access.h"
#include "runner/storage/journal_locator.h"
#include "runner/storage/records.h"
#include "runner/study/dataset_match.h"
#include "runner/study/journal_choice.h"

namespace runner {

// For people: a line for each row that differs, empty where there is none.
std::string RowDifferences(const std::vector<RowDifference>& differences);

// The same for a journal whose rows were compared, and a dataset. `accepted` is
// the fingerprint of that accepted last, or empty: it is no difference, and any
// other is one, though it be that which the journal was begun with.
std::string DatasetDifferences(const std::string& accepted,
                               const Dataset& dataset, const RowMatch& match);

// The same for a journal as it was found. Rows that the dataset has beyond the
// journal's are no difference. Errors: those of reading the journal.
absl::StatusOr<std::string> DatasetDifferences(const LocatedJournal& located,
                                               const Dataset& dataset,
                                               const JournalAccess& access);

// Whether the command is about the journal that it names and no other: then
// neither --new-journal nor --overwrite can be given with it. Of `resume` it is
// not so, which makes a new one of the same settings with them.
bool IsBoundToJournal(const RunOptions& options);

// What becomes of a journal that was found, for its rows' sake.
struct DatasetVerdict {
  absl::optional<Refusal> refusal;
  // A new one is begun beside it; `message` says why.
  bool begin_new = false;
  std::string message;
};

// Rows must be those of the journal, or it is left as it is. One that is
// finished, or in which nothing was asked, stands in nobody's way, but where it
// and no other is asked for.
DatasetVerdict JudgeDataset(const LocatedJournal& found, const Dataset& dataset,
                            const RunOptions& options,
                            const JournalAccess& access);

// FindWished, unless its rows keep the journal from being gone on with: then a
// new one is begun beside it, or none at all.
absl::optional<LocatedJournal> FindResumable(const JournalWish& wish,
                                             const Dataset& dataset,
                                             const RunOptions& options,
                                             const JournalAccess& access);

}  // namespace runner

#endif  // RUNNER_STUDY_RESUME_CHECK_H_
