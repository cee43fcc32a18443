#include "tools/journal_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/file_system.h"
#include "journal/manifest.h"
#include "journal/part_footer.h"
#include "journal/segment_header.h"

namespace inspector {
namespace {

namespace fs = std::filesystem;

bool IsDirectory(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

absl::Status NotFound(absl::string_view message) {
  return journal::MakeError(journal::ErrorKind::kNotFound, message);
}

}  // namespace

absl::StatusOr<std::string> ResolveJournal(absl::string_view given) {
  std::string path(given);
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (path.empty()) return NotFound("an empty path names no journal");
  std::error_code error;
  if (fs::exists(path, error)) {
    if (IsDirectory(path)) return path;
    return NotFound(absl::StrCat(
        path, ": a journal is a directory, and this is a file of one or none"));
  }
  if (path.find('/') == std::string::npos) {
    const std::string below = journal::JoinPath(kDefaultJournalDirectory, path);
    if (IsDirectory(below)) return below;
  }
  return NotFound(absl::StrCat(path,
                               ": no such journal; journalctl-bench list shows "
                               "those in journals/"));
}

bool IsJournal(absl::string_view directory) {
  const absl::StatusOr<std::vector<std::string>> names =
      journal::FileSystem::Posix()->List(directory);
  return names.ok() &&
         std::any_of(names->begin(), names->end(), [](const std::string& name) {
           return journal::ParseSegmentFileName(name).has_value() ||
                  journal::ParseManifestFileName(name).has_value() ||
                  journal::ParsePartFileName(name).has_value();
         });
}

absl::StatusOr<std::vector<std::string>> FindJournals(
    absl::string_view directory) {
  if (IsJournal(directory))
    return std::vector<std::string>{std::string(directory)};
  absl::StatusOr<std::vector<std::string>> names =
      journal::FileSystem::Posix()->List(directory);
  if (!names.ok()) return names.status();
  std::vector<std::string> journals;
  for (const std::string& name : *names) {
    // What an import that was killed left, or one at work makes, is none yet.
    if (name[0] == '.') continue;
    if (name == kReplacedName || name == kLatestName) continue;
    const std::string path = journal::JoinPath(directory, name);
    if (IsDirectory(path) && IsJournal(path)) journals.push_back(path);
  }
  std::sort(journals.begin(), journals.end());
  return journals;
}

std::string BaseName(absl::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash != absl::string_view::npos && path.size() > 1) {
    path.remove_prefix(slash + 1);
  }
  return std::string(path);
}

uint64_t DirectoryBytes(absl::string_view directory) {
  uint64_t bytes = 0;
  std::error_code error;
  fs::directory_iterator entries(std::string(directory), error);
  for (; !error && entries != fs::directory_iterator();
       entries.increment(error)) {
    std::error_code ignored;
    if (!entries->is_regular_file(ignored)) continue;
    const uintmax_t size = entries->file_size(ignored);
    if (!ignored) bytes += size;
  }
  return bytes;
}

}  // namespace inspector
