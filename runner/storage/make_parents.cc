#include "runner/storage/make_parents.h"

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "journal/error.h"

namespace runner {
namespace {

constexpr int kMissingParentsMax = 64;

}  // namespace

absl::Status MakeParents(journal::FileSystem& fs, absl::string_view path) {
  std::vector<std::string> missing;
  std::string parent = journal::ParentDirectory(path);
  for (;;) {
    absl::StatusOr<bool> exists = fs.Exists(parent);
    if (!exists.ok()) return exists.status();
    if (*exists) break;
    if (missing.size() == kMissingParentsMax) {
      return journal::MakeError(
          journal::ErrorKind::kInvalidArgument,
          absl::StrCat(path, ": too many missing directories"));
    }
    missing.push_back(parent);
    parent = journal::ParentDirectory(parent);
  }
  for (auto made = missing.rbegin(); made != missing.rend(); ++made) {
    if (absl::Status s = fs.CreateDirectory(*made); !s.ok()) return s;
    absl::Status s = fs.SyncDirectory(journal::ParentDirectory(*made));
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace runner
