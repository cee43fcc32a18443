// A file's lines, one after another, in bounded memory.
#ifndef RUNNER_BASE_LINE_READER_H_
#define RUNNER_BASE_LINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace runner {

// Longest line of a dataset, without its end.
inline constexpr size_t kLineBytesMax = size_t{16} << 20;

// Reads exactly `size` bytes at `offset` with pread(2), never through a
// mapping: a file that is cut while it is read gives an error, not SIGBUS.
// OutOfRange where the file ends early; Unknown, with the errno text, for other
// errors.
absl::Status ReadExactly(int fd, uint64_t offset, char* buffer, size_t size);

// Not thread-safe. Borrows the descriptor.
class LineReader {
 public:
  LineReader(int fd, uint64_t file_size) : fd_(fd), file_size_(file_size) {}

  struct Line {
    absl::string_view text;  // Without "\n"; valid until the next call.
    uint64_t offset = 0;     // Of its first byte.
    uint64_t number = 0;     // From 1.
  };

  // True: `line` is the next one. False: the file has ended. A last line
  // without an end counts. ResourceExhausted for a line over kLineBytesMax.
  absl::StatusOr<bool> Next(Line& line);

 private:
  absl::Status Fill();

  const int fd_;
  const uint64_t file_size_;
  uint64_t read_ = 0;    // Bytes of the file that were read.
  std::string buffer_;   // The file's bytes before read_, from offset_ on.
  size_t begin_ = 0;     // Of the next line, in buffer_.
  size_t searched_ = 0;  // No line end in [begin_, searched_).
  uint64_t number_ = 0;
};

}  // namespace runner

#endif  // RUNNER_BASE_LINE_READER_H_
