#include "runner/data/unpacked_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "runner/base/line_reader.h"
#include "runner/base/printable.h"

namespace runner {
namespace {

constexpr size_t kChunkBytes = size_t{256} << 10;
constexpr int kGzipOnly = 16 + MAX_WBITS;  // For inflateInit2.

// A file that no name leads to, so that nothing is left of it whatever happens.
absl::StatusOr<FileDescriptor> OpenNameless() {
  std::string errors;
  const char* const chosen = getenv("TMPDIR");
  for (const char* directory : {chosen, "/var/tmp", "/tmp"}) {
    if (directory == nullptr || *directory == '\0') continue;
    FileDescriptor fd(open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd.get() >= 0) return fd;
    // Some file systems do not know O_TMPFILE.
    std::string name = absl::StrCat(directory, "/bench-runner-XXXXXX");
    FileDescriptor named(mkostemp(&name[0], O_CLOEXEC));
    if (named.get() >= 0) {
      unlink(name.c_str());
      return named;
    }
    absl::StrAppend(&errors, errors.empty() ? "" : "; ", Printable(directory),
                    ": ", std::strerror(errno));
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("no place for the unpacked file (", errors,
                   "); set TMPDIR to a directory with space"));
}

absl::Status WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "unpacking it into a temporary file failed: ", std::strerror(errno),
          "; set TMPDIR to a directory with space"));
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// Unpacks `in` to `out`. One use.
class Unpacking {
 public:
  Unpacking(int in, uint64_t size, int out)
      : in_(in),
        size_(size),
        out_(out),
        input_(kChunkBytes, '\0'),
        output_(kChunkBytes, '\0') {}
  ~Unpacking() {
    if (begun_) inflateEnd(&stream_);
  }

  absl::Status Run();
  uint64_t unpacked() const { return unpacked_; }
  uint64_t line() const { return line_; }

 private:
  absl::Status Fill();
  absl::Status Step();
  absl::Status TakeOutput();
  uint64_t at() const { return read_ - stream_.avail_in; }

  const int in_;
  const uint64_t size_;
  const int out_;
  z_stream stream_ = {};
  bool begun_ = false;
  bool in_member_ = true;
  uint64_t read_ = 0;
  uint64_t unpacked_ = 0;
  uint64_t line_ = 1;
  std::string input_;
  std::string output_;
};

absl::Status Unpacking::Run() {
  if (inflateInit2(&stream_, kGzipOnly) != Z_OK) {
    return absl::ResourceExhaustedError("no memory for zlib");
  }
  begun_ = true;
  while (in_member_ || at() < size_) {
    if (absl::Status s = Fill(); !s.ok()) return s;
    if (absl::Status s = Step(); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status Unpacking::Fill() {
  if (stream_.avail_in > 0) return absl::OkStatus();
  const size_t wanted =
      static_cast<size_t>(std::min<uint64_t>(kChunkBytes, size_ - read_));
  // What zlib still holds may go on to come out.
  if (wanted == 0) return absl::OkStatus();
  absl::Status s = ReadExactly(in_, read_, &input_[0], wanted);
  if (!s.ok()) return s;
  read_ += wanted;
  stream_.next_in = reinterpret_cast<Bytef*>(&input_[0]);
  stream_.avail_in = static_cast<uInt>(wanted);
  return absl::OkStatus();
}

absl::Status Unpacking::Step() {
  if (!in_member_) {
    inflateReset(&stream_);
    in_member_ = true;
  }
  stream_.next_out = reinterpret_cast<Bytef*>(&output_[0]);
  stream_.avail_out = static_cast<uInt>(kChunkBytes);
  const int result = inflate(&stream_, Z_NO_FLUSH);
  const absl::Status taken = TakeOutput();
  if (!taken.ok()) return taken;
  if (result == Z_STREAM_END) {
    in_member_ = false;
  } else if (result == Z_BUF_ERROR && stream_.avail_in == 0) {
    return absl::InvalidArgumentError(
        "the gzip data has no end: the file was cut");
  } else if (result != Z_OK && result != Z_BUF_ERROR) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the gzip data is damaged near byte ", at(), " of the file: ",
        stream_.msg == nullptr ? "unknown error" : stream_.msg));
  }
  return absl::OkStatus();
}

absl::Status Unpacking::TakeOutput() {
  const absl::string_view bytes(output_.data(),
                                kChunkBytes - stream_.avail_out);
  unpacked_ += bytes.size();
  line_ += std::count(bytes.begin(), bytes.end(), '\n');
  const uint64_t most =
      std::min(kUnpackedBytesMax,
               std::max(kUnpackedFreeBytes, kUnpackedRatioMax * size_));
  if (unpacked_ > most) {
    return absl::InvalidArgumentError(
        absl::StrCat("the gzip data unpacks to more than ", most,
                     " bytes, which no dataset of this size does"));
  }
  return WriteAll(out_, bytes);
}

FileStamp StampOf(const struct stat& info) {
  constexpr int64_t kNanos = 1'000'000'000;
  return {.device = info.st_dev,
          .inode = info.st_ino,
          .bytes = static_cast<uint64_t>(info.st_size),
          .modified_ns = info.st_mtim.tv_sec * kNanos + info.st_mtim.tv_nsec,
          .changed_ns = info.st_ctim.tv_sec * kNanos + info.st_ctim.tv_nsec};
}

bool IsGzip(int fd, uint64_t size) {
  char magic[2];
  return size >= sizeof(magic) &&
         ReadExactly(fd, 0, magic, sizeof(magic)).ok() && magic[0] == '\x1f' &&
         magic[1] == '\x8b';
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<UnpackedFile> OpenUnpacked(absl::string_view path) {
  const std::string name(path);
  const std::string where = absl::StrCat(Printable(path), ": ");
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  FileDescriptor fd(open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) {
    const std::string message = absl::StrCat(where, std::strerror(errno));
    if (errno == ENOENT) return absl::NotFoundError(message);
    return absl::InvalidArgumentError(message);
  }
  struct stat info;
  if (fstat(fd.get(), &info) != 0) {
    return absl::UnknownError(absl::StrCat(where, std::strerror(errno)));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(
        where,
        "not a regular file; rows are read again as they are wanted, "
        "so write the data to a file first"));
  }
  const uint64_t size = static_cast<uint64_t>(info.st_size);
  if (!IsGzip(fd.get(), size)) {
    return UnpackedFile{std::move(fd), size, StampOf(info)};
  }
  absl::StatusOr<FileDescriptor> unpacked = OpenNameless();
  if (!unpacked.ok()) {
    return absl::Status(unpacked.status().code(),
                        absl::StrCat(where, unpacked.status().message()));
  }
  Unpacking unpacking(fd.get(), size, unpacked->get());
  if (absl::Status s = unpacking.Run(); !s.ok()) {
    return absl::Status(
        s.code(), absl::StrCat(Printable(path), ":", unpacking.line(), ": ",
                               s.message()));
  }
  return UnpackedFile{*std::move(unpacked), unpacking.unpacked(),
                      StampOf(info)};
}

}  // namespace runner
