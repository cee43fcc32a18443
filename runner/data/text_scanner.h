// A file's bytes one after another, of which those of one row are kept.
#ifndef RUNNER_DATA_TEXT_SCANNER_H_
#define RUNNER_DATA_TEXT_SCANNER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace runner {

// Reads [begin, file_size) of a file in bounded memory: a row of more than
// kLineBytesMax is an error. Borrows the descriptor. Not thread-safe.
class TextScanner {
 public:
  static constexpr int kEnd = -1;

  TextScanner(int fd, uint64_t begin, uint64_t file_size)
      : fd_(fd), file_size_(file_size), read_(begin) {}

  // The next byte; kEnd where the file ends and after an error.
  int Peek() {
    if (at_ < buffer_.size()) return static_cast<unsigned char>(buffer_[at_]);
    return Fill();
  }
  // Goes on behind the byte that Peek() showed.
  void Skip() {
    if (buffer_[at_] == '\n') ++line_;
    ++at_;
  }
  void SkipWhitespace();

  // From here on bytes are kept, until EndRow().
  void BeginRow();
  void EndRow() { in_row_ = false; }
  // What was skipped since BeginRow(). Valid until the next Peek().
  absl::string_view row() const {
    return absl::string_view(buffer_).substr(row_, at_ - row_);
  }
  uint64_t row_offset() const { return read_ - (buffer_.size() - row_); }
  uint64_t row_line() const { return row_line_; }

  // Of the next byte, from 1.
  uint64_t line() const { return line_; }

  // Why Peek() shows an end that is none: ResourceExhausted for a row that is
  // too long, Unknown or OutOfRange for a file that cannot be read on.
  const absl::Status& status() const { return status_; }

 private:
  int Fill();

  const int fd_;
  const uint64_t file_size_;
  uint64_t read_;       // The file's bytes before it were read.
  std::string buffer_;  // Those just before read_.
  size_t at_ = 0;       // Of the next byte, in buffer_.
  size_t row_ = 0;      // Of the row's first byte, in buffer_.
  bool in_row_ = false;
  uint64_t row_line_ = 1;
  uint64_t line_ = 1;
  absl::Status status_;
};

}  // namespace runner

#endif  // RUNNER_DATA_TEXT_SCANNER_H_
