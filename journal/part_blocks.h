// Steps through the blocks of one part: by its index, or, where that is
// damaged, from block to block.
#ifndef JOURNAL_PART_BLOCKS_H_
#define JOURNAL_PART_BLOCKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "journal/part_block.h"
#include "journal/part_footer.h"
#include "journal/part_index.h"
#include "journal/part_window.h"
#include "journal/recovery_report.h"
#include "journal/types.h"

namespace journal {

// Not thread-safe. Memory: the index, 24 bytes a block.
class PartBlocks {
 public:
  enum class Step {
    kBlock,
    kEnd,
    kBad,  // See finding(). Next() goes on behind it.
  };
  struct Block {
    uint64_t offset = 0;
    BlockHeader header;
    absl::string_view stored;   // 8-byte aligned; valid until the next call.
    absl::string_view padding;  // Should be zero.
  };

  // `window` is not owned. `footer` must fit the file's size.
  PartBlocks(PartWindow* window, const PartFooter& footer);

  // Next() gives the first block that ends with `lsn` or behind it. Bad places
  // that end before it are passed over.
  void Seek(Lsn lsn);

  // The next block whose header and stored bytes are whole.
  Step Next(Block* block);
  // Its file is empty. The LSNs are those of the bad block and of no other.
  const Finding& finding() const { return finding_; }
  // Where what the last Next() gave ends.
  uint64_t end() const { return end_; }

  // Whether the index is whole; else, why not.
  bool IndexWhole();
  const Finding& index_finding() const { return index_finding_; }

  // Forgets the index and begins at the start, so that all is read anew.
  void Restart();

  // A finding of these bytes: a read error if the disk did not return them,
  // else `kind`.
  Finding Describe(uint64_t offset, uint64_t bytes, FindingKind kind,
                   absl::string_view detail) const;

 private:
  Step NextByIndex(Block* block);
  Step NextByWalking(Block* block);
  // At `offset`, ending at `end` or before; false unless it is whole.
  bool HeaderAt(uint64_t offset, uint64_t end, BlockHeader* header);
  // The same, and its LSNs lie where the walk stands.
  bool HeaderFits(uint64_t offset, BlockHeader* header);
  // Moves at_ to the next header that fits, or to the index; what lies between.
  Finding FindHeader(BlockHeader* header);
  Step Load(uint64_t offset, const BlockHeader& header, Block* block);
  Step SetBad(Finding finding, Lsn first_lsn, Lsn last_lsn, uint64_t end);

  PartWindow& window_;
  const PartFooter& footer_;
  const uint64_t seed_;
  enum class IndexState { kUnread, kWhole, kBad };
  IndexState index_state_ = IndexState::kUnread;
  std::vector<PartIndexEntry> index_;
  Finding index_finding_;
  Finding finding_;
  uint64_t end_ = 0;

  Lsn seek_lsn_ = 0;
  size_t next_ = 0;     // In the index; what ends before seek_lsn_ is skipped.
  uint64_t at_ = 0;     // Of the walk.
  Lsn walked_lsn_ = 0;  // The last one that lies before `at_` for certain.
};

}  // namespace journal

#endif  // JOURNAL_PART_BLOCKS_H_
