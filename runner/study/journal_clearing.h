// --clear-on-success: a journal of which nothing is needed any more.
#ifndef RUNNER_STUDY_JOURNAL_CLEARING_H_
#define RUNNER_STUDY_JOURNAL_CLEARING_H_

#include <string>

#include "runner/display/console.h"
#include "runner/storage/journal_access.h"

namespace runner {

// Removes the journal `directory`, which nobody has open; `latest` beside it
// then points at the newest that is left. Says on the console what it did; an
// error costs nothing but the space.
void ClearJournal(const std::string& directory, const JournalAccess& access,
                  Console& console);

}  // namespace runner

#endif  // RUNNER_STUDY_JOURNAL_CLEARING_H_
