// Splits what arrives on a pipe into lines, within a bound.
#ifndef RUNNER_BASE_LINE_BUFFER_H_
#define RUNNER_BASE_LINE_BUFFER_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace runner {

// Holds at most `line_bytes_max` bytes of an unfinished line plus what one
// Append added. Not thread-safe.
class LineBuffer {
 public:
  explicit LineBuffer(size_t line_bytes_max)
      : line_bytes_max_(line_bytes_max) {}

  void Append(absl::string_view bytes);

  // Takes the next whole line, without its "\n" or "\r\n". Valid until the next
  // call. Nothing when no whole line is there.
  absl::optional<absl::string_view> Next();

  // True when the line that Next() would return, or the unfinished one, is
  // longer than the bound.
  bool oversize() const;

  // What came after the last newline; takes it out.
  std::string TakeRest();

  bool empty() const { return start_ == data_.size(); }

 private:
  // Drops what Next() has handed out.
  void Compact();

  const size_t line_bytes_max_;
  std::string data_;
  size_t start_ = 0;    // Of the first byte not yet handed out.
  size_t scanned_ = 0;  // No newline in [start_, scanned_).
};

}  // namespace runner

#endif  // RUNNER_BASE_LINE_BUFFER_H_
