#include "runner/study/replaced_journals.h"

#include <filesystem>
#include <system_error>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "journal/journal_lock.h"
#include "runner/base/printable.h"
#include "runner/study/journal_choice.h"

namespace runner {

absl::optional<Refusal> ReplacedJournals::Lock(
    const std::vector<LocatedJournal>& journals) {
  for (const LocatedJournal& each : journals) {
    absl::StatusOr<std::unique_ptr<journal::FileLock>> lock =
        journal::LockJournal(*access_.file_system, each.directory);
    if (!lock.ok()) return RefuseJournal(each.directory, lock.status());
    journals_.push_back({each.name, *std::move(lock), ""});
  }
  return absl::nullopt;
}

absl::optional<Refusal> ReplacedJournals::MoveAside(Console& console) {
  for (Journal& each : journals_) {
    absl::StatusOr<std::string> moved = MoveToReplaced(
        *access_.file_system, journal_dir_, each.name, std::move(each.lock));
    if (!moved.ok()) {
      return RefuseJournal(journal::JoinPath(journal_dir_, each.name),
                           moved.status());
    }
    each.moved_to = *std::move(moved);
    console.Say(absl::StrCat("Starting over: the old journal is now ",
                             Printable(each.moved_to)));
  }
  return absl::nullopt;
}

void ReplacedJournals::PutBack(Console& console) {
  for (const Journal& each : journals_) {
    if (each.moved_to.empty()) continue;
    const std::string directory = journal::JoinPath(journal_dir_, each.name);
    // What the creation that failed left there is worth nothing.
    const absl::optional<LocatedJournal> there =
        LocateJournal(access_, directory);
    if (there.has_value() && there->condition != JournalCondition::kUnborn) {
      continue;
    }
    std::error_code ignored;  // What stays in the way shows at once.
    std::filesystem::remove_all(directory, ignored);
    absl::Status s = access_.file_system->Rename(each.moved_to, directory);
    if (s.ok()) s = access_.file_system->SyncDirectory(journal_dir_);
    if (!s.ok()) {
      console.Error(Printable(s.message()));
      continue;
    }
    console.Say(absl::StrCat("No new journal could be begun; the old one is ",
                             Printable(directory), " again"));
  }
}

}  // namespace runner
