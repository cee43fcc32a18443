// A dataset: a file as an index of its rows.
#ifndef RUNNER_DATA_DATASET_H_
#define RUNNER_DATA_DATASET_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runner/data/row_format.h"

namespace runner {

// Of smaller files no index is kept: reading them takes no longer.
inline constexpr uint64_t kIndexedBytesMin = 16 << 20;

struct DatasetOptions {
  // Dotted path of the id; empty: the first of `id`, `question_id`, `task_id`
  // that the row has, else the content hash.
  std::string id_field = {};
  DatasetFormat format = DatasetFormat::kByName;
  // Where indices of datasets are kept (index_file.h). Empty: nowhere.
  std::string index_directory = {};
  uint64_t indexed_bytes_min = kIndexedBytesMin;
};

// Immutable and thread-safe. Rows are read again where they lie, each when it
// is wanted; memory is 34 bytes and the id of each row, not the rows. A
// gzip-compressed file is unpacked to a temporary one (unpacked_file.h).
class Dataset {
 public:
  // Reads and checks every row, in the forms of row_format.h: UTF-8 (a byte
  // order mark is skipped), a JSON object each, of at most kLineBytesMax, ids
  // of type string or number.
  // Errors: InvalidArgument "<path>:<line>: <what>"; NotFound; a file that
  // changes while it is used is not supported and is detected on Row().
  // Where an index is kept of the file as it stands, no row is read; each is
  // compared with the index when it is wanted.
  static absl::StatusOr<std::unique_ptr<Dataset>> Load(
      absl::string_view path, const DatasetOptions& options);

  virtual ~Dataset() = default;

  virtual size_t size() const = 0;

  // The identity of row `i` (file order). Rows of equal id are numbered in
  // order of content hash, so that reordering the file changes nothing.
  virtual std::string id(size_t i) const = 0;
  virtual uint32_t occurrence(size_t i) const = 0;
  // XXH3-64 of the row's canonical JSON: spacing and key order do not matter.
  virtual uint64_t content_hash(size_t i) const = 0;

  // The row's JSON text, as it stands in a file that is JSON.
  virtual absl::StatusOr<std::string> Row(size_t i) const = 0;

  // File name without directory and endings: "gsm8k" for "data/gsm8k.jsonl".
  virtual std::string name() const = 0;
  virtual std::string path() const = 0;

  // SHA-256 (hex) over the sorted (id, occurrence, content hash) of all rows:
  // independent of their order.
  virtual std::string fingerprint() const = 0;

  // The `rules` of the index that was found: those that all rows keep. 0: none
  // was found.
  virtual uint64_t checked_rules() const = 0;
  // Keeps the index, now that all rows keep `rules`. Does nothing where it is
  // kept already, or not to be kept. Errors are of the index alone.
  virtual absl::Status KeepIndex(uint64_t rules) const = 0;
};

}  // namespace runner

#endif  // RUNNER_DATA_DATASET_H_
