#include "journal/file_system.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace journal {
namespace {

absl::Status WriteAndSync(FileSystem& fs, absl::string_view path,
                          absl::string_view data) {
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kCreate);
  if (!file.ok()) return file.status();
  absl::Status status = (*file)->WriteAt(0, data);
  if (!status.ok()) return status;
  return (*file)->Sync();
}

}  // namespace

std::string JoinPath(absl::string_view directory, absl::string_view name) {
  if (directory.empty()) return std::string(name);
  return absl::StrCat(absl::StripSuffix(directory, "/"), "/", name);
}

std::string ParentDirectory(absl::string_view path) {
  while (path.size() > 1 && absl::ConsumeSuffix(&path, "/")) {
  }
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  path = path.substr(0, slash);
  while (absl::ConsumeSuffix(&path, "/")) {
  }
  return path.empty() ? "/" : std::string(path);
}

absl::Status PublishFile(FileSystem& fs, absl::string_view path,
                         absl::string_view data) {
  // Always the same name, so that crashes leave one such file at the most, and
  // the next try takes it over.
  const std::string temporary = absl::StrCat(path, ".tmp");
  absl::Status status = WriteAndSync(fs, temporary, data);
  if (status.ok()) status = fs.Rename(temporary, path);
  if (!status.ok()) {
    // The first error is the one to report.
    fs.Remove(temporary).IgnoreError();
    return status;
  }
  return fs.SyncDirectory(ParentDirectory(path));
}

}  // namespace journal
