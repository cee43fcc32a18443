// A dataset's file opened, and unpacked when it is gzip-compressed.
#ifndef RUNNER_DATA_UNPACKED_FILE_H_
#define RUNNER_DATA_UNPACKED_FILE_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace runner {

// Owns a file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&&) = delete;
  ~FileDescriptor();
  int get() const { return fd_; }

 private:
  int fd_;
};

// Which file, and in which state: what is written to it changes the stamp, but
// for a writer that sets the times back.
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t bytes = 0;  // As it stands on disk.
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
};

struct UnpackedFile {
  FileDescriptor fd;
  uint64_t size = 0;
  FileStamp stamp;  // Of the file that was opened.
};

// A gzip bomb: up to kUnpackedFreeBytes a file may become whatever its size;
// beyond that kUnpackedRatioMax times its size, which text never reaches; and
// never more than kUnpackedBytesMax.
inline constexpr uint64_t kUnpackedFreeBytes = uint64_t{1} << 30;
inline constexpr uint64_t kUnpackedRatioMax = 250;
inline constexpr uint64_t kUnpackedBytesMax = uint64_t{1} << 40;

// Opens a regular file. One that begins like gzip (RFC 1952; several members
// follow each other) is unpacked, in bounded memory, to a file without a name
// in $TMPDIR, else /var/tmp, else /tmp, which goes when it is closed. Errors:
// NotFound; InvalidArgument "<path>:<line>: <what>" for damaged or too much
// data; ResourceExhausted where there is no room for the unpacked file.
absl::StatusOr<UnpackedFile> OpenUnpacked(absl::string_view path);

}  // namespace runner

#endif  // RUNNER_DATA_UNPACKED_FILE_H_
