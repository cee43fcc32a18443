// The forms a dataset may have: how its file divides into rows, and what JSON
// object a row is.
#ifndef RUNNER_DATA_ROW_FORMAT_H_
#define RUNNER_DATA_ROW_FORMAT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace runner {

enum class DatasetFormat {
  kByName,     // CSV for a name that ends in ".csv", else JSON by its first
               // character: '[' begins an array, all else are lines.
  kJsonLines,  // An object a line; blank lines are ignored.
  kJsonArray,  // An array of objects.
  kCsv,        // RFC 4180 with a header; each field a string of that name.
               // Blank lines are ignored.
};

// A row as it stands in the file.
struct RawRow {
  absl::string_view text;  // Valid until the next row is read.
  uint64_t offset = 0;
  uint64_t line = 0;  // Where it begins, from 1.
};

class RowFormat {
 public:
  virtual ~RowFormat() = default;

  // True: `row` is the next one; false: there is none. Errors:
  // InvalidArgument "<line>: <what>"; none of them can be gone on from. Not
  // thread-safe.
  virtual absl::StatusOr<bool> Next(RawRow& row) = 0;

  // The JSON text of a row whose text Next() gave; that of JSON is not parsed,
  // and may be none. Thread-safe once Next() has returned false.
  virtual std::string ToJson(absl::string_view text) const = 0;
};

// Reads the bytes [begin, file_size) of `fd`, which it borrows; `begin` is that
// behind a byte order mark.
std::unique_ptr<RowFormat> NewRowFormat(DatasetFormat format,
                                        absl::string_view file_name, int fd,
                                        uint64_t begin, uint64_t file_size);

// One of them; for NewRowFormat only.
std::unique_ptr<RowFormat> NewJsonArrayRows(int fd, uint64_t begin,
                                            uint64_t file_size);
std::unique_ptr<RowFormat> NewCsvRows(int fd, uint64_t begin,
                                      uint64_t file_size);

// "<line>: <what>".
absl::Status RowError(uint64_t line, absl::string_view what);

}  // namespace runner

#endif  // RUNNER_DATA_ROW_FORMAT_H_
