// Whether a journal holds what is asked for, found out without writing to it.
#ifndef RUNNER_STUDY_RESUME_CHECK_H_
#define RUNNER_STUDY_RESUME_CHECK_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runner/data/dataset.h"
#include "runner/storage/journal_access.h"
#include "runner/storage/journal_locator.h"
#include "runner/storage/records.h"

namespace runner {

// For people: a line for each row that differs, empty where there is none. Rows
// that the dataset has beyond the journal's are no difference.

// Errors: those of reading the journal.
absl::StatusOr<std::string> DatasetDifferences(const LocatedJournal& located,
                                               const Dataset& dataset,
                                               const JournalAccess& access);

}  // namespace runner

#endif  // RUNNER_STUDY_RESUME_CHECK_H_
