// What counts of each query of each run, found in one pass over a journal.
// Private to the files that read results back.
#ifndef RUNNER_STORAGE_RESULT_ENTRIES_H_
#define RUNNER_STORAGE_RESULT_ENTRIES_H_

#include <array>
#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "journal/reader.h"
#include "runner/storage/journal_read.h"
#include "runner/storage/result_store.h"

namespace runner {

struct ResultEntry {
  RecordPlace end;       // The Response, else the final error.
  RecordPlace score;     // Of that Response.
  float latency_ms = 0;  // Of that Response; negative: not known.
  uint32_t attempts : 31 = 0;
  uint32_t answered : 1 = 0;
};
static_assert(sizeof(ResultEntry) <= 40);

// Entries by run and index, in blocks: a million of them lie as densely as in
// an array, and what a record claims costs no more than a block. Not
// thread-safe, also where it is const.
class ResultEntries {
 public:
  ResultEntry& At(uint32_t run, uint32_t index) {
    const uint64_t key = KeyOf(run, index);
    if (last_block_ == nullptr || key != last_key_) {
      std::unique_ptr<Block>& block = blocks_[key];
      if (block == nullptr) block = std::make_unique<Block>();
      Remember(key, block.get());
    }
    return (*last_block_)[index % kBlockEntries];
  }

  // Null where none was ever asked for near it.
  const ResultEntry* Find(uint32_t run, uint32_t index) const {
    const uint64_t key = KeyOf(run, index);
    if (last_block_ == nullptr || key != last_key_) {
      const auto block = blocks_.find(key);
      if (block == blocks_.end()) return nullptr;
      Remember(key, block->second.get());
    }
    return &(*last_block_)[index % kBlockEntries];
  }

  template <typename Visit>
  void ForEach(Visit visit) {
    for (auto& [key, block] : blocks_) {
      for (ResultEntry& entry : *block) visit(entry);
    }
  }

 private:
  static constexpr uint32_t kBlockEntries = 64;
  using Block = std::array<ResultEntry, kBlockEntries>;

  static uint64_t KeyOf(uint32_t run, uint32_t index) {
    return uint64_t{run} << 32 | index / kBlockEntries;
  }

  void Remember(uint64_t key, Block* block) const {
    last_key_ = key;
    last_block_ = block;
  }

  absl::flat_hash_map<uint64_t, std::unique_ptr<Block>> blocks_;
  // Of the call before: the next is mostly near it.
  mutable uint64_t last_key_ = 0;
  mutable Block* last_block_ = nullptr;
};

// Reads all that comes from `reader`. As ResultStore::Load.
absl::Status FindEntries(journal::Reader& reader,
                         absl::string_view scoring_hash, ResultEntries& entries,
                         ResultStore::History& history);

}  // namespace runner

#endif  // RUNNER_STORAGE_RESULT_ENTRIES_H_
