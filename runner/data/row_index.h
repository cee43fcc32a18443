// What is kept of a dataset's rows: who they are, where they stand.
#ifndef RUNNER_DATA_ROW_INDEX_H_
#define RUNNER_DATA_ROW_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "runner/data/row_format.h"

namespace runner {

inline constexpr size_t kIdBytesMax = 1024;

struct RowEntry {
  uint64_t offset = 0;
  uint64_t content_hash = 0;  // XXH3-64 of the canonical JSON.
  uint64_t text_hash = 0;     // XXH3-64 of the bytes as they stand in the file.
  uint32_t length = 0;
  uint64_t line = 0;  // May be too small: for messages only.
};

// Rows that follow each other: 32 bytes each, and their ids. As it stands in
// memory it stands in an index file, too.
struct RowBlock {
  static constexpr size_t kRows = 64;

  uint64_t line = 0;  // Of the first row.
  uint64_t offset[kRows] = {};
  uint64_t content_hash[kRows] = {};
  uint64_t text_hash[kRows] = {};
  uint32_t length[kRows] = {};
  uint16_t line_behind[kRows] = {};  // The first row's. Saturates.
  uint16_t id_begin[kRows] = {};     // In the block's ids, one behind another.
};
static_assert(RowBlock::kRows * kIdBytesMax <= size_t{1} << 16);

// Thread-safe once Finish() was called.
class RowIndex {
 public:
  struct Block {
    RowBlock rows;
    std::string ids;
  };

  // `row` is what `raw` means, an object. InvalidArgument for a row without
  // the id that `id_field` asks for (see DatasetOptions), or with a wrong one.
  absl::Status Add(const RawRow& raw, const nlohmann::json& row,
                   const std::string& id_field);

  // After the last row: numbers rows of equal id, hashes all of them.
  void Finish();

  size_t size() const { return size_; }
  RowEntry operator[](size_t i) const;
  std::string id(size_t i) const;
  uint32_t occurrence(size_t i) const {
    return occurrences_.empty() ? 0 : occurrences_[i];
  }
  const std::string& fingerprint() const { return fingerprint_; }

  // What an index file holds. All blocks but the last are full.
  const std::deque<Block>& blocks() const { return blocks_; }
  // Of each row; empty where all are 0.
  const std::vector<uint32_t>& occurrences() const { return occurrences_; }

  // An index as it was saved, in place of Add and Finish. InvalidArgument for
  // what no index can be: the file is not believed.
  absl::Status Restore(std::deque<Block> blocks, size_t size,
                       std::vector<uint32_t> occurrences,
                       std::string fingerprint);

 private:
  // Empty: the id is the content hash in hex.
  absl::string_view IdBytes(size_t i) const;
  int CompareIds(size_t a, size_t b) const;

  // A deque: a vector would hold all rows twice while it grows.
  std::deque<Block> blocks_;
  size_t size_ = 0;
  std::vector<uint32_t> occurrences_;
  std::string fingerprint_;
};

}  // namespace runner

#endif  // RUNNER_DATA_ROW_INDEX_H_
