// Checks every byte of a part.
#ifndef JOURNAL_PART_VERIFIER_H_
#define JOURNAL_PART_VERIFIER_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "journal/file_system.h"
#include "journal/part_block.h"
#include "journal/part_blocks.h"
#include "journal/part_footer.h"
#include "journal/part_window.h"
#include "journal/recovery_report.h"

namespace journal {

// What a block whose checksums are right does not decode into: damage, or, when
// only the key is missing, something that cannot be read.
Finding DescribeUndecoded(const PartBlocks::Block& block,
                          const absl::Status& status);

// Used once; nothing is owned. `window` and `blocks` stand at the start and
// have nothing cached. Not thread-safe.
class PartVerifier {
 public:
  // Findings come without a file name.
  PartVerifier(File& file, uint64_t file_bytes, const PartFooter& footer,
               PartWindow& window, PartBlocks& blocks,
               absl::FunctionRef<void(Finding)> on_finding,
               absl::FunctionRef<bool(uint64_t bytes)> keep_going);

  // As PartReader::Verify. `decoder` may be null: then blocks are not decoded,
  // nor are encrypted ones unless `with_key`.
  absl::StatusOr<bool> Verify(BlockDecoder* decoder, bool with_key);

 private:
  void CheckEnds();
  void CheckBlock(const PartBlocks::Block& block, BlockDecoder* decoder,
                  bool with_key);
  void CheckTotals();
  void Report(Finding finding);

  File& file_;
  const uint64_t file_bytes_;
  const PartFooter& footer_;
  PartWindow& window_;
  PartBlocks& blocks_;
  absl::FunctionRef<void(Finding)> on_finding_;
  absl::FunctionRef<bool(uint64_t bytes)> keep_going_;

  bool whole_ = true;
  bool blocks_whole_ = true;
  uint64_t at_ = 0;  // Where the next block should start.
  uint64_t block_count_ = 0;
  uint64_t records_ = 0;
  uint64_t raw_bytes_ = 0;
};

}  // namespace journal

#endif  // JOURNAL_PART_VERIFIER_H_
