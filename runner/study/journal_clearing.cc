#include "runner/study/journal_clearing.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "journal/file_system.h"
#include "runner/base/printable.h"
#include "runner/storage/journal_locator.h"
#include "runner/storage/journal_removal.h"

namespace runner {

void ClearJournal(const std::string& directory, const JournalAccess& access,
                  Console& console) {
  absl::Status s = RemoveJournal(*access.file_system, directory);
  if (!s.ok()) {
    console.Say(absl::StrCat("The journal could not be cleared: ",
                             Printable(s.message())));
    return;
  }
  console.Say(absl::StrCat("Journal cleared: ", Printable(directory)));
  s = MendLatest(access, journal::ParentDirectory(directory));
  // A convenience: its failure stops nothing.
  if (!s.ok()) console.Detail(Printable(s.message()));
}

}  // namespace runner
