#include "runner/study/import_aside.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "journal/error.h"
#include "journal/journal_lock.h"
#include "runner/base/printable.h"
#include "runner/storage/journal_locator.h"
#include "runner/study/journal_choice.h"

namespace runner {
namespace {

constexpr absl::string_view kPrefix = ".";
constexpr absl::string_view kSuffix = ".importing";

// The run id in the name of such a directory; nothing for another's.
absl::optional<std::string> RunIdOf(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, kPrefix) ||
      !absl::ConsumeSuffix(&name, kSuffix) || name.empty()) {
    return absl::nullopt;
  }
  return std::string(name);
}

void RemoveAll(const std::string& path) {
  std::error_code ignored;  // What is left is in nobody's way.
  std::filesystem::remove_all(path, ignored);
}

Refusal RefuseImporting(const std::string& place, const absl::Status& status) {
  return journal::KindOf(status) == journal::ErrorKind::kLocked
             ? Refusal{kExitLocked,
                       absl::StrCat(Printable(status.message()),
                                    "\nIt makes a journal of a checkpoint for "
                                    "this benchmark. Wait for it to end, or "
                                    "stop it; nothing needs to be removed.")}
             : RefuseJournal(place, status);
}

}  // namespace

absl::optional<Refusal> ImportAside::Make(journal::FileSystem& fs,
                                          absl::string_view directory,
                                          std::unique_ptr<ImportAside>* aside) {
  const std::string run_id =
      std::filesystem::path(std::string(directory)).filename().string();
  auto made = absl::WrapUnique(new ImportAside);
  const std::string place =
      journal::JoinPath(journal::ParentDirectory(directory),
                        absl::StrCat(kPrefix, run_id, kSuffix));
  absl::Status s = fs.CreateDirectory(place);
  if (!s.ok()) return RefuseJournal(place, s);
  absl::StatusOr<std::unique_ptr<journal::FileLock>> lock =
      journal::LockJournal(fs, place);
  if (!lock.ok()) return RefuseImporting(place, lock.status());
  made->lock_ = *std::move(lock);
  made->place_ = place;
  made->directory_ = journal::JoinPath(place, run_id);
  RemoveAll(made->directory_);
  *aside = std::move(made);
  return absl::nullopt;
}

ImportAside::~ImportAside() {
  if (lock_ != nullptr) RemoveAll(place_);
}

absl::optional<Refusal> CheckNoImport(journal::FileSystem& fs,
                                      absl::string_view journal_dir,
                                      absl::string_view run_id) {
  const absl::StatusOr<std::vector<std::string>> names = fs.List(journal_dir);
  if (!names.ok()) return absl::nullopt;  // It shows when one is begun.
  for (const std::string& name : *names) {
    const absl::optional<std::string> importing = RunIdOf(name);
    if (!importing.has_value() || !IsRunIdLike(*importing, run_id)) continue;
    const std::string place = journal::JoinPath(journal_dir, name);
    const absl::Status held = journal::LockJournal(fs, place).status();
    if (journal::KindOf(held) == journal::ErrorKind::kLocked) {
      return RefuseImporting(place, held);
    }
  }
  return absl::nullopt;
}

void RemoveStaleImports(journal::FileSystem& fs,
                        absl::string_view journal_dir) {
  const absl::StatusOr<std::vector<std::string>> names = fs.List(journal_dir);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (!RunIdOf(name).has_value()) continue;
    const std::string place = journal::JoinPath(journal_dir, name);
    if (journal::LockJournal(fs, place).ok()) RemoveAll(place);
  }
}

}  // namespace runner
