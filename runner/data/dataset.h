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

struct DatasetOptions {
  // Dotted path of the id; empty: the first of `id`, `question_id`, `task_id`
  // that the row has, else the content hash.
  std::string id_field;
  DatasetFormat format = DatasetFormat::kByName;
};

// Immutable and thread-safe. Rows are read again where they lie, each when it
// is wanted; memory is some 64 bytes a row, not the rows. A gzip-compressed
// file is unpacked to a temporary one (unpacked_file.h).
class Dataset {
 public:
  // Reads and checks every row, in the forms of row_format.h: UTF-8 (a byte
  // order mark is skipped), a JSON object each, of at most kLineBytesMax, ids
  // of type string or number.
  // Errors: InvalidArgument "<path>:<line>: <what>"; NotFound; a file that
  // changes while it is used is not supported and is detected on Row().
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
};

}  // namespace runner

#endif  // RUNNER_DATA_DATASET_H_
