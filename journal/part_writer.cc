#include "journal/part_writer.h"

#include <cassert>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/format.h"
#include "journal/part_block.h"
#include "journal/part_index.h"

namespace journal {
namespace {

// Blocks are small; the disk sees them in writes of at least this much.
constexpr uint64_t kWriteBytes = 256 << 10;

absl::Status Invalid(absl::string_view path, absl::string_view why) {
  return MakeError(ErrorKind::kInvalidArgument, absl::StrCat(path, ": ", why));
}

}  // namespace

class PartWriter::Impl {
 public:
  explicit Impl(const Options& options)
      : fs_(*options.fs),
        directory_(options.directory),
        path_(JoinPath(directory_, PartFileName(options.part_id))),
        new_path_(absl::StrCat(path_, kNewSuffix)),
        encoder_(options.uuid, options.part_id, options.cipher,
                 options.zstd_level) {
    footer_.uuid = options.uuid;
    footer_.part_id = options.part_id;
    footer_.span = options.span;
    footer_.created_unix_ns = options.created_unix_ns;
    if (options.cipher != nullptr) {
      footer_.required_features = kFeatureEncryption;
      footer_.key_id = options.cipher->id();
    }
  }

  ~Impl() { RemoveNew(); }

  absl::Status Start() {
    if (footer_.part_id == 0 || !IsWhole(footer_.span)) {
      return Invalid(path_, "a part needs an id and a span");
    }
    absl::StatusOr<std::unique_ptr<File>> file =
        fs_.Open(new_path_, OpenMode::kCreate);
    if (!file.ok()) return file.status();
    file_ = *std::move(file);
    buffer_.resize(kPartFooterBytes);
    EncodePartFooter(footer_, PartEnd::kHeader, buffer_.data());
    return absl::OkStatus();
  }

  absl::Status Add(const Record& record) {
    if (!status_.ok()) return status_;
    if (file_ == nullptr) return Invalid(path_, "the part is finished");
    if (record.lsn < footer_.span.first_lsn ||
        record.lsn > footer_.span.last_lsn || record.lsn <= last_lsn_) {
      return Invalid(path_, absl::StrCat("LSN ", record.lsn,
                                         " is outside the span, or not behind ",
                                         last_lsn_));
    }
    if (record.body.size() > kBodyBytesMax) {
      return Invalid(path_, "a record above the format's bound");
    }
    // A record that does not fit beside others goes into a block of its own.
    const uint64_t bytes = BlockEntryBytes(record.body.size());
    if (!encoder_.empty() && encoder_.raw_bytes() + bytes > kBlockRawBytes) {
      if (absl::Status s = CloseBlock(); !s.ok()) return s;
    }
    encoder_.Add(record);
    last_lsn_ = record.lsn;
    ++footer_.records;
    if (encoder_.raw_bytes() < kBlockRawBytes) return absl::OkStatus();
    return CloseBlock();
  }

  absl::StatusOr<PartFooter> Finish() {
    if (!status_.ok()) return status_;
    if (file_ == nullptr) return Invalid(path_, "the part is finished");
    if (!encoder_.empty()) {
      if (absl::Status s = CloseBlock(); !s.ok()) return s;
    }
    const std::string index = EncodePartIndex(index_);
    footer_.blocks = index_.size();
    footer_.index_offset = file_bytes();
    footer_.index_checksum =
        PartIndexChecksum(PartSeed(footer_.uuid, footer_.part_id), index);
    buffer_.append(index);
    buffer_.resize(buffer_.size() + kPartFooterBytes);
    EncodePartFooter(footer_, PartEnd::kFooter,
                     buffer_.data() + buffer_.size() - kPartFooterBytes);
    if (absl::Status s = Write(); !s.ok()) return s;
    if (absl::Status s = Check(file_->Sync()); !s.ok()) return s;
    if (absl::Status s = Check(fs_.Rename(new_path_, path_)); !s.ok()) return s;
    file_.reset();
    status_ = fs_.SyncDirectory(directory_);
    if (!status_.ok()) return status_;
    return footer_;
  }

  uint64_t file_bytes() const { return written_ + buffer_.size(); }

 private:
  absl::Status CloseBlock() {
    const uint64_t offset = file_bytes();
    const BlockHeader header = encoder_.Finish(offset, &buffer_);
    index_.push_back({offset, header.first_lsn, header.last_lsn});
    footer_.raw_bytes += header.raw_bytes;
    return buffer_.size() < kWriteBytes ? absl::OkStatus() : Write();
  }

  absl::Status Write() {
    absl::Status status = Check(file_->WriteAt(written_, buffer_));
    if (!status.ok()) return status;
    written_ += buffer_.size();
    buffer_.clear();
    // A large record's memory is not kept for small ones.
    if (buffer_.capacity() > 4 * kWriteBytes) buffer_.shrink_to_fit();
    return status;
  }

  // The first error ends the part: what was written may be anything, and the
  // space is wanted by others.
  absl::Status Check(absl::Status status) {
    if (!status.ok()) {
      status_ = status;
      RemoveNew();
    }
    return status;
  }

  void RemoveNew() {
    if (file_ == nullptr) return;
    file_.reset();
    // What cannot be removed is a *.new file, which nobody reads.
    fs_.Remove(new_path_).IgnoreError();
  }

  FileSystem& fs_;
  const std::string directory_;
  const std::string path_;
  const std::string new_path_;
  PartFooter footer_;
  BlockEncoder encoder_;
  std::unique_ptr<File> file_;  // Null when the part is finished or given up.
  absl::Status status_;
  std::string buffer_;
  uint64_t written_ = 0;
  Lsn last_lsn_ = 0;
  std::vector<PartIndexEntry> index_;
};

absl::StatusOr<std::unique_ptr<PartWriter>> PartWriter::Create(
    const Options& options) {
  auto impl = std::make_unique<Impl>(options);
  if (absl::Status s = impl->Start(); !s.ok()) return s;
  return std::unique_ptr<PartWriter>(new PartWriter(std::move(impl)));
}

PartWriter::PartWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

PartWriter::~PartWriter() = default;

absl::Status PartWriter::Add(const Record& record) {
  return impl_->Add(record);
}

absl::StatusOr<PartFooter> PartWriter::Finish() { return impl_->Finish(); }

uint64_t PartWriter::file_bytes() const { return impl_->file_bytes(); }

}  // namespace journal
