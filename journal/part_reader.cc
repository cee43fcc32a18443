#include "journal/part_reader.h"

#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/format.h"
#include "journal/part_block.h"
#include "journal/part_blocks.h"
#include "journal/part_verifier.h"
#include "journal/part_window.h"

namespace journal {
namespace {

// What is wrong with a file that does not open as the part it should be.
struct OpenError {
  ErrorKind error = ErrorKind::kDamage;
  FindingKind finding = FindingKind::kAckedLoss;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::string detail;
};

// Whether what the footer says of the file's size is so. Blocks lie between
// the header and the index and have a least size, so that what is allocated
// for the index is bounded by what the file holds.
bool FitsFile(const PartFooter& footer, uint64_t file_bytes) {
  const uint64_t body_end = file_bytes - kPartFooterBytes;
  if (footer.index_offset < kPartFooterBytes ||
      footer.index_offset > body_end ||
      footer.index_offset % kFrameAlignment != 0) {
    return false;
  }
  const uint64_t block_bytes = footer.index_offset - kPartFooterBytes;
  return footer.blocks <= block_bytes / kBlockBytesMin &&
         (footer.blocks == 0) == (block_bytes == 0) &&
         footer.blocks * kPartIndexEntryBytes == body_end - footer.index_offset;
}

absl::optional<OpenError> CheckFooter(const char* bytes, uint64_t file_bytes,
                                      const JournalUuid& uuid, uint64_t part_id,
                                      PartFooter* footer) {
  OpenError error;
  error.offset = file_bytes - kPartFooterBytes;
  error.bytes = kPartFooterBytes;
  switch (DecodePartFooter(bytes, PartEnd::kFooter, footer)) {
    case HeaderState::kBad:
      error.detail = "the part's footer does not validate";
      return error;
    case HeaderState::kNewer:
      error.error = ErrorKind::kNewerVersion;
      error.finding = FindingKind::kNewerFormat;
      error.detail = absl::StrCat("written by a newer version (format version ",
                                  footer->format_version, ")");
      return error;
    case HeaderState::kGood:
      break;
  }
  if (footer->uuid != uuid) {
    error.finding = FindingKind::kSegmentChain;
    error.detail = absl::StrCat("this part belongs to another journal, ",
                                UuidHex(footer->uuid));
    return error;
  }
  if (footer->part_id != part_id) {
    error.finding = FindingKind::kSegmentChain;
    error.detail =
        absl::StrCat("this is part ", footer->part_id, " under another name");
    return error;
  }
  if (!FitsFile(*footer, file_bytes)) {
    error.detail = "the part's footer states another size than the file has";
    return error;
  }
  return absl::nullopt;
}

absl::Status Refuse(const OpenError& error, absl::string_view path,
                    uint64_t part_id, Finding* finding) {
  if (finding != nullptr) {
    *finding = Finding();
    finding->kind = error.finding;
    finding->file = PartFileName(part_id);
    finding->offset = error.offset;
    finding->bytes = error.bytes;
    finding->detail = error.detail;
  }
  return MakeError(error.error, absl::StrCat(path, ": ", error.detail));
}

}  // namespace

class PartReader::Impl {
 public:
  Impl(std::unique_ptr<File> file, uint64_t file_bytes,
       const PartFooter& footer, const Cipher* cipher)
      : file_(std::move(file)),
        file_bytes_(file_bytes),
        footer_(footer),
        file_name_(PartFileName(footer.part_id)),
        window_(file_.get(), file_bytes),
        blocks_(&window_, footer_),
        decoder_(footer.uuid, footer.part_id, footer.key_id, cipher),
        has_cipher_(cipher != nullptr) {}

  const PartFooter& footer() const { return footer_; }
  uint64_t file_bytes() const { return file_bytes_; }
  const Finding& finding() const { return finding_; }

  void Seek(Lsn lsn) {
    seek_lsn_ = lsn;
    // Often it lies in the block that is already decoded.
    if (block_first_ <= lsn && lsn <= block_last_) {
      entries_ = block_entries_;
      return;
    }
    ForgetBlock();
    blocks_.Seek(lsn);
  }

  PartStep Next(Record* record) {
    while (true) {
      // The decoder has checked all of them, before the first was given.
      while (TakeBlockEntry(&entries_, record)) {
        if (record->lsn >= seek_lsn_) return PartStep::kRecord;
      }
      ForgetBlock();
      PartBlocks::Block block;
      switch (blocks_.Next(&block)) {
        case PartBlocks::Step::kEnd:
          return PartStep::kEnd;
        case PartBlocks::Step::kBad:
          return SetBad(blocks_.finding());
        case PartBlocks::Step::kBlock:
          break;
      }
      absl::StatusOr<absl::string_view> entries =
          decoder_.Decode(block.header, block.stored);
      if (!entries.ok()) {
        return SetBad(DescribeUndecoded(block, entries.status()));
      }
      entries_ = block_entries_ = *entries;
      block_first_ = block.header.first_lsn;
      block_last_ = block.header.last_lsn;
    }
  }

  absl::StatusOr<bool> Verify(
      bool decode, absl::FunctionRef<void(const Finding&)> on_finding,
      absl::FunctionRef<bool(uint64_t)> keep_going) {
    Restart();
    const auto named = [&](Finding finding) {
      finding.file = file_name_;
      on_finding(finding);
    };
    PartVerifier verifier(*file_, file_bytes_, footer_, window_, blocks_, named,
                          keep_going);
    absl::StatusOr<bool> whole = verifier.Verify(!decode ? nullptr : &decoder_,
                                                 /*with_key=*/has_cipher_);
    Restart();
    return whole;
  }

  absl::Status DropCache() {
    Restart();
    return file_->DropCache();
  }

 private:
  void ForgetBlock() {
    entries_ = block_entries_ = {};
    block_first_ = kNoBlock;
    block_last_ = 0;
  }

  void Restart() {
    ForgetBlock();
    window_.Forget();
    blocks_.Restart();
    Seek(0);
  }

  PartStep SetBad(Finding finding) {
    finding_ = std::move(finding);
    finding_.file = file_name_;
    return PartStep::kBad;
  }

  const std::unique_ptr<File> file_;
  const uint64_t file_bytes_;
  const PartFooter footer_;
  const std::string file_name_;
  PartWindow window_;
  PartBlocks blocks_;
  BlockDecoder decoder_;
  const bool has_cipher_;
  Lsn seek_lsn_ = 0;
  static constexpr Lsn kNoBlock = std::numeric_limits<Lsn>::max();
  // The block that is decoded, and what of it is not yet given.
  Lsn block_first_ = kNoBlock;
  Lsn block_last_ = 0;
  absl::string_view block_entries_;
  absl::string_view entries_;
  Finding finding_;
};

absl::StatusOr<std::unique_ptr<PartReader>> PartReader::Open(
    FileSystem& fs, absl::string_view directory, const JournalUuid& uuid,
    uint64_t part_id, const Cipher* cipher, Finding* finding) {
  const std::string path = JoinPath(directory, PartFileName(part_id));
  const auto unreadable = [&](const absl::Status& status, uint64_t offset) {
    OpenError error{ErrorKind::kIo, FindingKind::kReadError, offset, 0,
                    std::string(status.message())};
    if (KindOf(status) == ErrorKind::kNotFound) {
      error.error = ErrorKind::kNotFound;
      error.finding = FindingKind::kSegmentChain;
      error.detail = "the part is not there";
    }
    return Refuse(error, path, part_id, finding);
  };
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kRead);
  if (!file.ok()) return unreadable(file.status(), 0);
  absl::StatusOr<uint64_t> size = (*file)->Size();
  if (!size.ok()) return unreadable(size.status(), 0);
  OpenError error;
  error.bytes = *size;
  error.detail = absl::StrCat(*size, " bytes are no part");
  if (*size < 2 * kPartFooterBytes) {
    return Refuse(error, path, part_id, finding);
  }
  char bytes[kPartFooterBytes];
  const uint64_t footer_offset = *size - kPartFooterBytes;
  absl::StatusOr<size_t> got =
      (*file)->ReadAt(footer_offset, bytes, sizeof(bytes));
  if (!got.ok()) return unreadable(got.status(), footer_offset);
  std::memset(bytes + *got, 0, sizeof(bytes) - *got);
  PartFooter footer;
  if (absl::optional<OpenError> wrong =
          CheckFooter(bytes, *size, uuid, part_id, &footer)) {
    return Refuse(*wrong, path, part_id, finding);
  }
  return std::unique_ptr<PartReader>(new PartReader(
      std::make_unique<Impl>(*std::move(file), *size, footer, cipher)));
}

PartReader::PartReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

PartReader::~PartReader() = default;

const PartFooter& PartReader::footer() const { return impl_->footer(); }

uint64_t PartReader::file_bytes() const { return impl_->file_bytes(); }

void PartReader::Seek(Lsn lsn) { impl_->Seek(lsn); }

PartStep PartReader::Next(Record* record) { return impl_->Next(record); }

const Finding& PartReader::finding() const { return impl_->finding(); }

absl::StatusOr<bool> PartReader::Verify(
    bool decode, absl::FunctionRef<void(const Finding&)> on_finding,
    absl::FunctionRef<bool(uint64_t bytes)> keep_going) {
  return impl_->Verify(decode, on_finding, keep_going);
}

absl::Status PartReader::DropCache() { return impl_->DropCache(); }

}  // namespace journal
