#include "runner/study/results_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "runner/base/printable.h"
#include "runner/results/results_origin.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

// Folders tried for the results of journals of one run id.
constexpr int kPlacesMax = 1000;

absl::Status InTheWay(const std::string& results_path, const fs::path& what,
                      absl::string_view reason) {
  return absl::InvalidArgumentError(
      absl::StrCat("the results cannot be written to ", Printable(results_path),
                   ": ", Printable(what.string()), ": ", reason));
}

// "results/R_2/results.json"
std::string PlaceNumber(const std::string& results_path, int number) {
  if (number == 1) return results_path;
  const fs::path path = results_path;
  fs::path folder = path.parent_path();
  folder += absl::StrCat("_", number);
  return (folder / path.filename()).string();
}

bool IsSame(const std::string& journal, const std::string& other) {
  std::error_code error;
  return fs::equivalent(journal, other, error) && !error;
}

}  // namespace

absl::Status CheckResultsPlace(const std::string& results_path) {
  struct stat found;
  if (stat(results_path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) {
    return InTheWay(results_path, results_path, "is a directory");
  }
  // What is missing is made in the nearest that is there.
  fs::path folder = fs::path(results_path).parent_path();
  for (;;) {
    if (folder.empty()) folder = ".";
    if (stat(folder.c_str(), &found) == 0) break;
    if (errno != ENOENT || !folder.has_relative_path() || folder == ".") {
      return InTheWay(results_path, folder, std::strerror(errno));
    }
    folder = folder.parent_path();
  }
  if (!S_ISDIR(found.st_mode)) {
    return InTheWay(results_path, folder, "is not a directory");
  }
  if (faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return InTheWay(results_path, folder, std::strerror(errno));
  }
  return absl::OkStatus();
}

std::string OwnResultsPath(const RunOptions& options, std::string results_path,
                           const std::string& journal, Console& console) {
  if (!options.results.empty()) return results_path;
  std::string other;  // Whose results are in the way.
  std::string free;
  for (int number = 1; number <= kPlacesMax; ++number) {
    std::string place = PlaceNumber(results_path, number);
    const absl::optional<ResultsOrigin> origin = OriginOfResults(place);
    std::error_code error;
    const bool of_another = origin.has_value() && !origin->journal.empty() &&
                            fs::exists(origin->journal, error) &&
                            !IsSame(journal, origin->journal);
    const bool own = origin.has_value() && IsSame(journal, origin->journal);
    if (of_another && other.empty()) other = origin->journal;
    if (own || (!of_another && free.empty())) free = std::move(place);
    if (own || !origin.has_value()) break;
  }
  if (free.empty()) free = PlaceNumber(results_path, kPlacesMax);
  if (free != results_path && !other.empty()) {
    console.Say(absl::StrCat(Printable(results_path), " is of the journal ",
                             Printable(other), ": these results go to ",
                             Printable(free)));
  }
  return free;
}

}  // namespace runner
