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

// For people: a line for each difference, empty where there is none.
struct JournalDifferences {
  std::string scoring;
  // Rows that the dataset has beyond the journal's are no difference.
  std::string dataset;
};

// Errors: those of reading the journal.
absl::StatusOr<JournalDifferences> DifferencesFrom(
    const LocatedJournal& located, const Dataset& dataset,
    absl::string_view scoring_json, absl::string_view scoring_hash,
    const JournalAccess& access);

}  // namespace runner

#endif  // RUNNER_STUDY_RESUME_CHECK_H_
