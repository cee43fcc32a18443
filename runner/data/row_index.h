// What is kept of a dataset's rows: who they are, where they stand.
#ifndef RUNNER_DATA_ROW_INDEX_H_
#define RUNNER_DATA_ROW_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "runner/data/row_format.h"

namespace runner {

// 48 bytes a row, and the id.
struct RowEntry {
  uint64_t offset = 0;
  uint64_t content_hash = 0;  // XXH3-64 of the canonical JSON.
  uint64_t text_hash = 0;     // XXH3-64 of the bytes as they stand in the file.
  uint32_t length = 0;
  uint32_t line = 0;  // Saturates: for messages only.
  uint32_t occurrence = 0;
  uint32_t id_length = 0;  // 0: the id is the content hash in hex.
  const char* id = nullptr;
};

// Thread-safe once Finish() was called.
class RowIndex {
 public:
  // `row` is what `raw` means, an object. InvalidArgument for a row without
  // the id that `id_field` asks for (see DatasetOptions), or with a wrong one.
  absl::Status Add(const RawRow& raw, const nlohmann::json& row,
                   const std::string& id_field);

  // After the last row: numbers rows of equal id, hashes all of them.
  void Finish();

  size_t size() const { return rows_.size(); }
  const RowEntry& operator[](size_t i) const { return rows_[i]; }
  std::string id(size_t i) const { return IdText(rows_[i]); }
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  // Holds ids in blocks that never move, so that growing copies nothing.
  class IdStore {
   public:
    const char* Add(absl::string_view id);

   private:
    std::deque<std::string> blocks_;
  };

  static std::string IdText(const RowEntry& row);
  static int CompareIds(const RowEntry& a, const RowEntry& b);

  // A deque: a vector would hold all rows twice while it grows.
  std::deque<RowEntry> rows_;
  IdStore ids_;
  std::string fingerprint_;
};

}  // namespace runner

#endif  // RUNNER_DATA_ROW_INDEX_H_
