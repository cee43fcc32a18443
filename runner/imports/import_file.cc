#include "runner/imports/import_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <ios>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runner/base/hashing.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"
#include "runner/base/whole_file.h"
#include "runner/imports/checkpoint_blobs.h"
#include "runner/imports/json_units.h"
#include "runner/imports/result_log.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kStateSuffix = "_resume_state.json";
constexpr absl::string_view kErrorsSuffix = "_errors.log";
constexpr absl::string_view kLogSuffix = ".jsonl";
constexpr size_t kSiblingBytesMax = 64 << 20;
// Enough of a file to know it by.
constexpr size_t kBeginningBytes = 1 << 20;

// The log to which a resume state belongs, by its name; else the file itself.
std::string LogOf(const std::string& path) {
  absl::string_view stem = path;
  if (!absl::ConsumeSuffix(&stem, kStateSuffix)) return path;
  std::string log = absl::StrCat(stem, kLogSuffix);
  std::error_code error;
  return fs::is_regular_file(log, error) ? log : path;
}

// Nothing where there is none.
std::string Sibling(const std::string& log, absl::string_view suffix) {
  const std::string path =
      absl::StrCat(absl::StripSuffix(log, kLogSuffix), suffix);
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return "";
  absl::StatusOr<std::string> text = ReadWholeFile(path, kSiblingBytesMax);
  return text.ok() ? *std::move(text) : "";
}

absl::StatusOr<std::string> ReadBeginning(const std::string& path,
                                          size_t bytes) {
  std::ifstream file(path, std::ios::binary);
  std::string text(bytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(bytes));
  if (file.bad()) return absl::UnknownError("cannot be read");
  text.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return text;
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    return absl::NotFoundError(absl::StrCat(Printable(path), ": no such file"));
  }
  absl::StatusOr<std::string> text = ReadWholeFile(path, kImportFileBytesMax);
  if (text.ok()) return text;
  return absl::InvalidArgumentError(
      absl::StrCat(Printable(path), ": ", text.status().message()));
}

}  // namespace

absl::string_view ImportFormatName(ImportFormat format) {
  switch (format) {
    case ImportFormat::kDraagon:
      return "draagon";
    case ImportFormat::kRob:
      return "ROB assessment";
    case ImportFormat::kCobraEval:
      return "cobra_eval";
    case ImportFormat::kDistllm:
      return "distllm";
    case ImportFormat::kAlgoverse:
      return "Algoverse";
    case ImportFormat::kPlain:
      break;
  }
  return "results";
}

absl::StatusOr<ImportedFile> ParseImport(std::string& text,
                                         const ImportLimits& limits) {
  MendPythonJson(text);
  absl::optional<ImportedFile> file = ReadCheckpointBlob(text, limits);
  if (!file.has_value()) file = ReadResultLog(text, limits);
  if (file.has_value() && !file->too_large.empty()) {
    return absl::InvalidArgumentError(file->too_large);
  }
  if (file.has_value()) return *std::move(file);
  return absl::InvalidArgumentError(
      "no checkpoint of draagon, the ROB assessment tool, cobra_eval, distllm "
      "or Algoverse, and no results a line each");
}

absl::StatusOr<ImportedFile> ReadImportFile(const std::string& path) {
  const std::string log = LogOf(path);
  absl::StatusOr<std::string> text = ReadText(log);
  if (!text.ok()) return text.status();
  std::string sha256 = Sha256Hex(*text);  // Parsing changes it.
  absl::StatusOr<ImportedFile> file = ParseImport(*text);
  if (!file.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Printable(log), ": ", file.status().message()));
  }
  file->sha256 = std::move(sha256);
  text->clear();
  text->shrink_to_fit();
  if (file->format == ImportFormat::kAlgoverse) {
    std::string state = Sibling(log, kStateSuffix);
    MendPythonJson(state);
    TakeAlgoverseSiblings(state, Sibling(log, kErrorsSuffix), *file);
    if (!file->too_large.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(Printable(log), ": ", file->too_large));
    }
  }
  return file;
}

absl::StatusOr<std::string> HashImportFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadText(LogOf(path));
  if (!text.ok()) return text.status();
  return Sha256Hex(*text);
}

bool IsImportFile(const std::string& path) {
  const std::string log = LogOf(path);
  std::error_code error;
  if (!fs::is_regular_file(log, error)) return false;
  absl::StatusOr<std::string> text = ReadBeginning(log, kBeginningBytes);
  if (!text.ok()) return false;
  const bool all = text->size() < kBeginningBytes;
  if (ParseImport(*text).ok()) return true;
  return !all && ReadImportFile(log).ok();
}

}  // namespace runner
