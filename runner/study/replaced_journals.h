// --overwrite: old journals that step aside for a new one.
#ifndef RUNNER_STUDY_REPLACED_JOURNALS_H_
#define RUNNER_STUDY_REPLACED_JOURNALS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "journal/file_system.h"
#include "runner/base/exit_code.h"
#include "runner/display/console.h"
#include "runner/storage/journal_access.h"
#include "runner/storage/journal_locator.h"

namespace runner {

// Not thread-safe.
class ReplacedJournals {
 public:
  // `access` is borrowed in part: its file system.
  ReplacedJournals(std::string journal_dir, const JournalAccess& access)
      : journal_dir_(std::move(journal_dir)), access_(access) {}
  ReplacedJournals(const ReplacedJournals&) = delete;
  ReplacedJournals& operator=(const ReplacedJournals&) = delete;

  // Until they have moved, or to its end: nobody goes on with one meanwhile.
  // Refused: where somebody does (12).
  absl::optional<Refusal> Lock(const std::vector<LocatedJournal>& journals);

  // Moves what is locked to replaced/, and says so. What could not be moved,
  // and why, is refused.
  absl::optional<Refusal> MoveAside(Console& console);

  // Where no new one came to be: back under their names, as far as these are
  // free, so that `latest` and the next run find them.
  void PutBack(Console& console);

 private:
  struct Journal {
    std::string name;
    std::unique_ptr<journal::FileLock> lock;  // Until it has moved.
    std::string moved_to;
  };

  const std::string journal_dir_;
  const JournalAccess access_;
  std::vector<Journal> journals_;
};

}  // namespace runner

#endif  // RUNNER_STUDY_REPLACED_JOURNALS_H_
