#include "journal/part_verifier.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/format.h"
#include "journal/frame.h"

namespace journal {
namespace {

// A footer says all that a header does.
bool HeaderAgrees(const PartFooter& header, const PartFooter& footer) {
  return header.format_version == footer.format_version &&
         header.required_features == footer.required_features &&
         header.uuid == footer.uuid && header.part_id == footer.part_id &&
         header.span == footer.span && header.key_id == footer.key_id &&
         header.created_unix_ns == footer.created_unix_ns;
}

}  // namespace

Finding DescribeUndecoded(const PartBlocks::Block& block,
                          const absl::Status& status) {
  Finding finding;
  // Nothing is lost without its key: no mode may go on as if it were.
  finding.kind = KindOf(status) == ErrorKind::kKey ? FindingKind::kReadError
                                                   : FindingKind::kAckedLoss;
  finding.offset = block.offset;
  finding.bytes = BlockBytes(block.header);
  finding.first_lsn = block.header.first_lsn;
  finding.last_lsn = block.header.last_lsn;
  finding.detail = std::string(status.message());
  return finding;
}

PartVerifier::PartVerifier(File& file, uint64_t file_bytes,
                           const PartFooter& footer, PartWindow& window,
                           PartBlocks& blocks,
                           absl::FunctionRef<void(Finding)> on_finding,
                           absl::FunctionRef<bool(uint64_t bytes)> keep_going)
    : file_(file),
      file_bytes_(file_bytes),
      footer_(footer),
      window_(window),
      blocks_(blocks),
      on_finding_(on_finding),
      keep_going_(keep_going) {}

absl::StatusOr<bool> PartVerifier::Verify(BlockDecoder* decoder,
                                          bool with_key) {
  CheckEnds();
  if (!blocks_.IndexWhole()) Report(blocks_.index_finding());
  at_ = kPartFooterBytes;
  bool going =
      keep_going_(file_bytes_ - footer_.index_offset + kPartFooterBytes);
  while (going) {
    PartBlocks::Block block;
    const PartBlocks::Step step = blocks_.Next(&block);
    if (step == PartBlocks::Step::kEnd) break;
    if (step == PartBlocks::Step::kBad) {
      blocks_whole_ = false;
      Report(blocks_.finding());
    } else {
      CheckBlock(block, decoder, with_key);
    }
    const uint64_t bytes = blocks_.end() - at_;
    at_ = blocks_.end();
    going = keep_going_(bytes);
  }
  if (!going) return absl::CancelledError("the check was ended");
  CheckTotals();
  return whole_;
}

void PartVerifier::CheckEnds() {
  PartFooter header;
  const bool header_whole =
      DecodePartFooter(window_.Fetch(0, kPartFooterBytes), PartEnd::kHeader,
                       &header) == HeaderState::kGood &&
      HeaderAgrees(header, footer_);
  if (!header_whole) {
    Report(blocks_.Describe(0, kPartFooterBytes, FindingKind::kNoRecordLost,
                            "the part's header is not what its footer says"));
  }
  // Opening may have read it from the cache.
  const uint64_t at = file_bytes_ - kPartFooterBytes;
  PartFooter footer;
  const absl::StatusOr<uint64_t> size = file_.Size();
  const bool footer_whole =
      size.ok() && *size == file_bytes_ &&
      DecodePartFooter(window_.Fetch(at, kPartFooterBytes), PartEnd::kFooter,
                       &footer) == HeaderState::kGood &&
      footer.checksum == footer_.checksum;
  if (footer_whole) return;
  Finding finding =
      blocks_.Describe(at, kPartFooterBytes, FindingKind::kAckedLoss,
                       "the part's footer or size is not what it was");
  finding.first_lsn = footer_.span.first_lsn;
  finding.last_lsn = footer_.span.last_lsn;
  Report(std::move(finding));
}

void PartVerifier::CheckBlock(const PartBlocks::Block& block,
                              BlockDecoder* decoder, bool with_key) {
  if (block.offset != at_) {
    Report(blocks_.Describe(at_, block.offset - at_, FindingKind::kNoRecordLost,
                            "bytes between blocks that belong to none"));
  }
  if (!AllZero(block.padding)) {
    Report(blocks_.Describe(blocks_.end() - block.padding.size(),
                            block.padding.size(), FindingKind::kNoRecordLost,
                            "the padding behind a block is not zero"));
  }
  ++block_count_;
  records_ += block.header.records;
  raw_bytes_ += block.header.raw_bytes;
  if (decoder == nullptr || (block.header.encrypted && !with_key)) return;
  const absl::Status status =
      decoder->Decode(block.header, block.stored).status();
  if (status.ok()) return;
  blocks_whole_ = false;
  Report(DescribeUndecoded(block, status));
}

void PartVerifier::CheckTotals() {
  if (at_ != footer_.index_offset) {
    Report(blocks_.Describe(at_, footer_.index_offset - at_,
                            FindingKind::kNoRecordLost,
                            "bytes before the index that belong to no block"));
  }
  if (!blocks_whole_ ||
      (records_ == footer_.records && raw_bytes_ == footer_.raw_bytes &&
       block_count_ == footer_.blocks)) {
    return;
  }
  Finding finding;
  finding.kind = FindingKind::kAckedLoss;
  finding.offset = file_bytes_ - kPartFooterBytes;
  finding.bytes = kPartFooterBytes;
  finding.detail = absl::StrCat(
      "the part holds ", records_, " records in ", block_count_, " blocks of ",
      raw_bytes_, " bytes, and its footer states ", footer_.records, " in ",
      footer_.blocks, " of ", footer_.raw_bytes);
  Report(std::move(finding));
}

void PartVerifier::Report(Finding finding) {
  whole_ = false;
  on_finding_(std::move(finding));
}

}  // namespace journal
