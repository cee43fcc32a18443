// Reads a checkpoint file of another system, whichever it is.
//
//   absl::StatusOr<ImportedFile> file = ReadImportFile("checkpoint.json");
//   for (const ImportedResult& result : file->results) …
#ifndef RUNNER_IMPORTS_IMPORT_FILE_H_
#define RUNNER_IMPORTS_IMPORT_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runner/imports/imported_file.h"

namespace runner {

// A checkpoint is read as a whole: its text, and what is made of it, are in
// memory at once.
inline constexpr size_t kImportFileBytesMax = size_t{1} << 30;

// Recognises the format by what is in the text, not by a name. A text that is
// torn or cut gives what is whole before, and says where (cut_at).
// InvalidArgument for what is none of the formats, and for what holds more than
// `limits` allow, printable. `text` is changed: see MendPythonJson.
absl::StatusOr<ImportedFile> ParseImport(std::string& text,
                                         const ImportLimits& limits = {});

// The same for a file; for an Algoverse log, or the resume state beside it,
// with all three files. NotFound; InvalidArgument also for what cannot be read
// and what is larger than kImportFileBytesMax.
absl::StatusOr<ImportedFile> ReadImportFile(const std::string& path);

// SHA-256 in hex of the file that ReadImportFile reads first: its `sha256`.
absl::StatusOr<std::string> HashImportFile(const std::string& path);

// Whether `path` is a file in one of the formats, as far as its beginning
// tells, or else the whole of it.
bool IsImportFile(const std::string& path);

}  // namespace runner

#endif  // RUNNER_IMPORTS_IMPORT_FILE_H_
