#include "runner/storage/journal_removal.h"

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/journal_lock.h"

namespace runner {
namespace {

// No journal's name begins with a dot.
constexpr absl::string_view kRemovedPrefix = ".cleared-";

}  // namespace

absl::Status RemoveJournal(journal::FileSystem& fs,
                           absl::string_view directory) {
  const absl::StatusOr<bool> exists = fs.Exists(directory);
  if (!exists.ok()) return exists.status();
  if (!*exists) {
    return journal::MakeError(journal::ErrorKind::kNotFound,
                              absl::StrCat(directory, ": no journal here"));
  }
  const absl::StatusOr<std::unique_ptr<journal::FileLock>> lock =
      journal::LockJournal(fs, directory);
  if (!lock.ok()) return lock.status();
  const std::filesystem::path path = std::string(directory);
  const std::string aside =
      journal::JoinPath(journal::ParentDirectory(directory),
                        absl::StrCat(kRemovedPrefix, path.filename().string()));
  // What an earlier removal left would be in the way.
  std::error_code error;
  std::filesystem::remove_all(aside, error);
  if (absl::Status s = fs.Rename(directory, aside); !s.ok()) {
    return s;
  }
  if (absl::Status s = fs.SyncDirectory(journal::ParentDirectory(directory));
      !s.ok()) {
    return s;
  }
  std::filesystem::remove_all(aside, error);
  if (!error) return absl::OkStatus();
  return journal::MakeError(journal::ErrorKind::kIo,
                            absl::StrCat(aside, ": ", error.message()));
}

}  // namespace runner
