// A dataset's index in a file, so that resuming need not parse the dataset.
#ifndef RUNNER_DATA_INDEX_FILE_H_
#define RUNNER_DATA_INDEX_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runner/data/row_index.h"
#include "runner/data/unpacked_file.h"

namespace runner {

// What an index was made of; it is believed for nothing else.
struct IndexKey {
  FileStamp stamp;
  uint64_t options = 0;  // XXH3-64 of how the dataset was read.
  uint64_t unpacked_bytes = 0;
};

struct StoredIndex {
  RowIndex rows;
  // XXH3-64 of the rules that all rows were checked by.
  uint64_t rules = 0;
};

// Index files kept in one directory; the oldest go.
inline constexpr size_t kIndexFilesMax = 64;

// The place of a dataset's index in `directory`, which holds nothing else.
std::string IndexFilePath(absl::string_view directory,
                          absl::string_view dataset_path);

// NotFound where there is none, or one of another file, state of the file,
// options or machine; DataLoss for damage. Memory is bounded by the file's size
// whatever it claims.
absl::StatusOr<StoredIndex> ReadIndexFile(const std::string& path,
                                          const IndexKey& key);

// Published atomically, in a directory that is made if need be.
absl::Status WriteIndexFile(const std::string& path, const IndexKey& key,
                            const RowIndex& rows, uint64_t rules);

}  // namespace runner

#endif  // RUNNER_DATA_INDEX_FILE_H_
