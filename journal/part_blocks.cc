#include "journal/part_blocks.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/format.h"

namespace journal {
namespace {

Finding ReadErrorAt(const UnreadableRange& range) {
  Finding finding;
  finding.kind = FindingKind::kReadError;
  finding.offset = range.offset;
  finding.bytes = range.bytes;
  finding.detail = range.message;
  return finding;
}

}  // namespace

PartBlocks::PartBlocks(PartWindow* window, const PartFooter& footer)
    : window_(*window),
      footer_(footer),
      seed_(PartSeed(footer.uuid, footer.part_id)) {
  Restart();
}

void PartBlocks::Restart() {
  index_state_ = IndexState::kUnread;
  index_.clear();
  index_finding_ = Finding();
  Seek(0);
}

void PartBlocks::Seek(Lsn lsn) {
  seek_lsn_ = lsn;
  at_ = kPartFooterBytes;
  walked_lsn_ = footer_.span.first_lsn - 1;
  const auto block = std::partition_point(
      index_.begin(), index_.end(),
      [lsn](const PartIndexEntry& entry) { return entry.last_lsn < lsn; });
  next_ = block - index_.begin();
}

bool PartBlocks::IndexWhole() {
  if (index_state_ != IndexState::kUnread) {
    return index_state_ == IndexState::kWhole;
  }
  // Opening has seen that this lies in the file.
  const uint64_t bytes = footer_.blocks * kPartIndexEntryBytes;
  const absl::string_view stored(window_.Fetch(footer_.index_offset, bytes),
                                 bytes);
  if (window_.Unreadable(footer_.index_offset, bytes) == nullptr &&
      DecodePartIndex(stored, footer_, &index_)) {
    index_state_ = IndexState::kWhole;
  } else {
    index_state_ = IndexState::kBad;
    index_.clear();
    index_finding_ =
        Describe(footer_.index_offset, bytes, FindingKind::kNoRecordLost,
                 "the index of the part does not validate");
  }
  Seek(seek_lsn_);
  return index_state_ == IndexState::kWhole;
}

PartBlocks::Step PartBlocks::Next(Block* block) {
  return IndexWhole() ? NextByIndex(block) : NextByWalking(block);
}

PartBlocks::Step PartBlocks::NextByIndex(Block* block) {
  if (next_ == index_.size()) return Step::kEnd;
  const PartIndexEntry& entry = index_[next_++];
  const uint64_t end =
      next_ < index_.size() ? index_[next_].offset : footer_.index_offset;
  BlockHeader header;
  if (!HeaderAt(entry.offset, end, &header) ||
      header.first_lsn != entry.first_lsn ||
      header.last_lsn != entry.last_lsn) {
    return SetBad(
        Describe(entry.offset, end - entry.offset, FindingKind::kAckedLoss,
                 "block header does not validate"),
        entry.first_lsn, entry.last_lsn, end);
  }
  return Load(entry.offset, header, block);
}

PartBlocks::Step PartBlocks::NextByWalking(Block* block) {
  while (at_ < footer_.index_offset) {
    const uint64_t offset = at_;
    BlockHeader header;
    if (HeaderFits(offset, &header)) {
      at_ += BlockBytes(header);
      walked_lsn_ = header.last_lsn;
      if (header.last_lsn < seek_lsn_) continue;
      return Load(offset, header, block);
    }
    Finding bad = FindHeader(&header);
    // Between the neighbours, so that neither of them is blamed.
    const Lsn first_lsn = walked_lsn_ + 1;
    const Lsn last_lsn = at_ < footer_.index_offset ? header.first_lsn - 1
                                                    : footer_.span.last_lsn;
    if (last_lsn < seek_lsn_) continue;
    return SetBad(std::move(bad), first_lsn, last_lsn, at_);
  }
  return Step::kEnd;
}

Finding PartBlocks::FindHeader(BlockHeader* header) {
  Finding bad;
  bad.kind = FindingKind::kAckedLoss;
  bad.offset = at_;
  bad.detail = "block header does not validate";
  UnreadableRange lost;
  // Block headers are bound to their part and place: what looks like one
  // further on is one.
  bool found = false;
  while (!found && at_ < footer_.index_offset) {
    if (const auto* range = window_.Unreadable(at_, kFrameAlignment)) {
      if (lost.bytes == 0) lost = *range;
      lost.bytes = range->offset + range->bytes - lost.offset;
    }
    at_ += kFrameAlignment;
    found = HeaderFits(at_, header);
  }
  bad.bytes = at_ - bad.offset;
  return lost.bytes == 0 ? bad : ReadErrorAt(lost);
}

bool PartBlocks::HeaderAt(uint64_t offset, uint64_t end, BlockHeader* header) {
  return offset + kBlockHeaderBytes <= end &&
         DecodeBlockHeader(window_.Fetch(offset, kBlockHeaderBytes), seed_,
                           offset, header) &&
         BlockBytes(*header) <= end - offset;
}

bool PartBlocks::HeaderFits(uint64_t offset, BlockHeader* header) {
  return HeaderAt(offset, footer_.index_offset, header) &&
         header->first_lsn > walked_lsn_ &&
         header->last_lsn <= footer_.span.last_lsn;
}

PartBlocks::Step PartBlocks::Load(uint64_t offset, const BlockHeader& header,
                                  Block* block) {
  const uint64_t bytes = BlockBytes(header);
  const char* from = window_.Fetch(offset, bytes);
  block->offset = offset;
  block->header = header;
  block->stored =
      absl::string_view(from + kBlockHeaderBytes, header.stored_bytes);
  block->padding =
      absl::string_view(from + kBlockHeaderBytes + header.stored_bytes,
                        bytes - kBlockHeaderBytes - header.stored_bytes);
  end_ = offset + bytes;
  absl::string_view detail;
  if (window_.Unreadable(offset, bytes) != nullptr) {
    detail = "not read";
  } else if (StoredChecksum(seed_, block->stored) != header.stored_checksum) {
    detail = "block checksum does not match";
  } else if (header.encrypted != (footer_.key_id != KeyId{})) {
    // Made by somebody who has no key, or for another part.
    detail = header.encrypted ? "encrypted in a part that is not: tampered"
                              : "not encrypted in a part that is: tampered";
  } else {
    return Step::kBlock;
  }
  return SetBad(Describe(offset, bytes, FindingKind::kAckedLoss, detail),
                header.first_lsn, header.last_lsn, end_);
}

Finding PartBlocks::Describe(uint64_t offset, uint64_t bytes, FindingKind kind,
                             absl::string_view detail) const {
  if (const UnreadableRange* range = window_.Unreadable(offset, bytes)) {
    return ReadErrorAt(*range);
  }
  Finding finding;
  finding.kind = kind;
  finding.offset = offset;
  finding.bytes = bytes;
  finding.detail = std::string(detail);
  return finding;
}

PartBlocks::Step PartBlocks::SetBad(Finding finding, Lsn first_lsn,
                                    Lsn last_lsn, uint64_t end) {
  finding_ = std::move(finding);
  // Between neighbours whose LSNs are consecutive, no record can lie.
  if (first_lsn <= last_lsn) {
    finding_.first_lsn = first_lsn;
    finding_.last_lsn = last_lsn;
  } else if (finding_.kind == FindingKind::kAckedLoss) {
    finding_.kind = FindingKind::kNoRecordLost;
  }
  end_ = end;
  return Step::kBad;
}

}  // namespace journal
