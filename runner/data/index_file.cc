#include "runner/data/index_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <filesystem>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/file_system.h"
#include "runner/base/hashing.h"
#include "runner/base/line_reader.h"
#include "runner/base/published_file.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

constexpr char kMagic[8] = {'b', 'j', 'r', 'o', 'w', 's', '0', '1'};
// Of the machine that wrote it: on another one the file is none.
constexpr uint32_t kByteOrder = 0x01020304;
constexpr size_t kFingerprintChars = 64;
constexpr size_t kReadBytes = 256 << 10;
constexpr size_t kBlockIdsMax = RowBlock::kRows * kIdBytesMax;

// The file: Header, then each block as RowBlock, the length of its ids and
// these; the occurrences; a hash of all that stands behind the header.
struct Header {
  char magic[sizeof(kMagic)];
  uint32_t byte_order;
  uint32_t block_bytes;
  uint64_t device;
  uint64_t inode;
  uint64_t bytes;
  int64_t modified_ns;
  int64_t changed_ns;
  uint64_t options;
  uint64_t unpacked_bytes;
  uint64_t rules;
  uint64_t rows;
  uint64_t occurrences;
  char fingerprint[kFingerprintChars];
  uint64_t hash;  // XXH3-64 of what stands before it.
};
static_assert(std::is_trivially_copyable_v<Header>);
static_assert(std::is_trivially_copyable_v<RowBlock>);
static_assert(std::has_unique_object_representations_v<Header>);

template <typename T>
absl::string_view BytesOf(const T& value) {
  return absl::string_view(reinterpret_cast<const char*>(&value),
                           sizeof(value));
}

uint64_t HashOf(const Header& header) {
  return Xxh3(BytesOf(header).substr(0, sizeof(Header) - sizeof(header.hash)));
}

Header HeaderOf(const IndexKey& key) {
  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.byte_order = kByteOrder;
  header.block_bytes = sizeof(RowBlock);
  header.device = key.stamp.device;
  header.inode = key.stamp.inode;
  header.bytes = key.stamp.bytes;
  header.modified_ns = key.stamp.modified_ns;
  header.changed_ns = key.stamp.changed_ns;
  header.options = key.options;
  header.unpacked_bytes = key.unpacked_bytes;
  return header;
}

// A hash over pieces, whose order counts.
class PieceHash {
 public:
  void Add(absl::string_view piece) {
    value_ = (value_ << 7 | value_ >> 57) * 0x9E3779B97F4A7C15 + Xxh3(piece);
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0;
};

absl::Status Damaged() { return absl::DataLossError("the index is damaged"); }

// A file from its beginning on, never beyond its end.
class Source {
 public:
  Source(int fd, uint64_t size) : fd_(fd), size_(size) {}

  // The next bytes, valid until the next call.
  absl::StatusOr<absl::string_view> Take(size_t bytes) {
    if (bytes > left()) return Damaged();
    if (bytes > buffer_.size() - at_) {
      buffer_.erase(0, at_);
      at_ = 0;
      const size_t old_size = buffer_.size();
      const size_t more = std::min<uint64_t>(
          std::max(bytes - old_size, kReadBytes), size_ - read_);
      buffer_.resize(old_size + more);
      absl::Status s = ReadExactly(fd_, read_, &buffer_[old_size], more);
      if (!s.ok()) return s;
      read_ += more;
    }
    const absl::string_view taken(buffer_.data() + at_, bytes);
    at_ += bytes;
    return taken;
  }
  template <typename T>
  absl::Status Take(T& value, PieceHash& hash) {
    absl::StatusOr<absl::string_view> bytes = Take(sizeof(value));
    if (!bytes.ok()) return bytes.status();
    hash.Add(*bytes);
    std::memcpy(&value, bytes->data(), sizeof(value));
    return absl::OkStatus();
  }
  uint64_t left() const { return size_ - read_ + buffer_.size() - at_; }

 private:
  const int fd_;
  const uint64_t size_;
  uint64_t read_ = 0;
  std::string buffer_;
  size_t at_ = 0;
};

absl::Status TakeBlock(Source& source, PieceHash& hash,
                       RowIndex::Block& block) {
  absl::Status s = source.Take(block.rows, hash);
  uint64_t id_bytes = 0;
  if (s.ok()) s = source.Take(id_bytes, hash);
  if (!s.ok()) return s;
  if (id_bytes > kBlockIdsMax) return Damaged();
  absl::StatusOr<absl::string_view> ids = source.Take(id_bytes);
  if (!ids.ok()) return ids.status();
  hash.Add(*ids);
  block.ids = std::string(*ids);
  return absl::OkStatus();
}

// No row reaches beyond the file it is read from.
bool RowsFit(const RowBlock& rows, uint64_t file_bytes) {
  for (size_t i = 0; i < RowBlock::kRows; ++i) {
    if (rows.length[i] > kLineBytesMax || rows.offset[i] > file_bytes ||
        rows.length[i] > file_bytes - rows.offset[i]) {
      return false;
    }
  }
  return true;
}

absl::StatusOr<StoredIndex> ReadBody(Source& source, const Header& header) {
  const uint64_t count =
      header.rows / RowBlock::kRows + (header.rows % RowBlock::kRows != 0);
  if (count > source.left() / sizeof(RowBlock) ||
      header.occurrences > source.left() / sizeof(uint32_t)) {
    return Damaged();
  }
  PieceHash hash;
  std::deque<RowIndex::Block> blocks;
  for (uint64_t i = 0; i < count; ++i) {
    absl::Status s = TakeBlock(source, hash, blocks.emplace_back());
    if (!s.ok()) return s;
    if (!RowsFit(blocks.back().rows, header.unpacked_bytes)) return Damaged();
  }
  std::vector<uint32_t> occurrences(header.occurrences);
  for (uint32_t& occurrence : occurrences) {
    if (absl::Status s = source.Take(occurrence, hash); !s.ok()) return s;
  }
  const uint64_t computed = hash.value();
  uint64_t stored = 0;
  if (absl::Status s = source.Take(stored, hash); !s.ok()) return s;
  if (stored != computed || source.left() != 0) return Damaged();
  StoredIndex index;
  index.rules = header.rules;
  absl::Status s =
      index.rows.Restore(std::move(blocks), header.rows, std::move(occurrences),
                         std::string(header.fingerprint, kFingerprintChars));
  if (!s.ok()) return Damaged();
  return index;
}

// What remains of earlier datasets, oldest first.
void Prune(const std::string& directory) {
  std::error_code error;
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  for (fs::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    files.emplace_back(it->last_write_time(error), it->path());
  }
  if (files.size() <= kIndexFilesMax) return;
  std::sort(files.begin(), files.end());
  files.resize(files.size() - kIndexFilesMax);
  for (const auto& [time, path] : files) fs::remove(path, error);
}

}  // namespace

std::string IndexFilePath(absl::string_view directory,
                          absl::string_view dataset_path) {
  std::error_code error;
  const fs::path path =
      fs::absolute(fs::path(std::string(dataset_path)), error);
  return journal::JoinPath(
      directory,
      absl::StrCat(Xxh3Hex(error ? std::string(dataset_path) : path.string()),
                   ".rows"));
}

absl::StatusOr<StoredIndex> ReadIndexFile(const std::string& path,
                                          const IndexKey& key) {
  const FileDescriptor fd(
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  struct stat info;
  if (fd.get() < 0 || fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return absl::NotFoundError("no index");
  }
  Source source(fd.get(), static_cast<uint64_t>(info.st_size));
  Header header;
  PieceHash unused;
  if (absl::Status s = source.Take(header, unused); !s.ok()) return s;
  if (header.hash != HashOf(header)) return Damaged();
  Header expected = HeaderOf(key);
  expected.rules = header.rules;
  expected.rows = header.rows;
  expected.occurrences = header.occurrences;
  std::memcpy(expected.fingerprint, header.fingerprint, kFingerprintChars);
  expected.hash = header.hash;
  if (BytesOf(expected) != BytesOf(header)) {
    return absl::NotFoundError("the index is of something else");
  }
  return ReadBody(source, header);
}

absl::Status WriteIndexFile(const std::string& path, const IndexKey& key,
                            const RowIndex& rows, uint64_t rules) {
  Header header = HeaderOf(key);
  header.rules = rules;
  header.rows = rows.size();
  header.occurrences = rows.occurrences().size();
  if (rows.fingerprint().size() != kFingerprintChars) {
    return absl::InternalError("a fingerprint of another length");
  }
  std::memcpy(header.fingerprint, rows.fingerprint().data(), kFingerprintChars);
  header.hash = HashOf(header);
  journal::FileSystem& file_system = *journal::FileSystem::Posix();
  const std::string directory = journal::ParentDirectory(path);
  absl::Status s = CreateDirectories(file_system, directory);
  if (!s.ok()) return s;
  absl::StatusOr<PublishedFile> file = PublishedFile::Create(file_system, path);
  if (!file.ok()) return file.status();
  PieceHash hash;
  s = file->Append(BytesOf(header));
  const auto append = [&](absl::string_view piece) {
    hash.Add(piece);
    if (s.ok()) s = file->Append(piece);
  };
  for (const RowIndex::Block& block : rows.blocks()) {
    const uint64_t id_bytes = block.ids.size();
    append(BytesOf(block.rows));
    append(BytesOf(id_bytes));
    append(block.ids);
  }
  for (const uint32_t& occurrence : rows.occurrences()) {
    append(BytesOf(occurrence));
  }
  const uint64_t value = hash.value();
  append(BytesOf(value));
  if (s.ok()) s = file->Publish();
  if (s.ok()) Prune(directory);
  return s;
}

}  // namespace runner
