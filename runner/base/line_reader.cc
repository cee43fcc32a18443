#include "runner/base/line_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace runner {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;

}  // namespace

absl::Status ReadExactly(int fd, uint64_t offset, char* buffer, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = pread(fd, buffer + done, size - done,
                            static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return absl::UnknownError(std::strerror(errno));
    if (n == 0) return absl::OutOfRangeError("the file became shorter");
    done += static_cast<size_t>(n);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> LineReader::Next(Line& line) {
  for (;;) {
    const size_t end = buffer_.find('\n', searched_);
    searched_ = end == std::string::npos ? buffer_.size() : end;
    if (searched_ - begin_ > kLineBytesMax) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "line ", number_ + 1, " is longer than ", kLineBytesMax, " bytes"));
    }
    const bool at_end = end == std::string::npos && read_ == file_size_;
    if (at_end && begin_ == buffer_.size()) return false;
    if (end != std::string::npos || at_end) break;
    if (absl::Status status = Fill(); !status.ok()) return status;
  }
  line.text = absl::string_view(buffer_).substr(begin_, searched_ - begin_);
  line.offset = read_ - (buffer_.size() - begin_);
  line.number = ++number_;
  begin_ = std::min(searched_ + 1, buffer_.size());
  searched_ = begin_;
  return true;
}

absl::Status LineReader::Fill() {
  buffer_.erase(0, begin_);
  searched_ -= begin_;
  begin_ = 0;
  const size_t old_size = buffer_.size();
  const size_t wanted =
      static_cast<size_t>(std::min<uint64_t>(kReadBytes, file_size_ - read_));
  buffer_.resize(old_size + wanted);
  absl::Status status = ReadExactly(fd_, read_, &buffer_[old_size], wanted);
  if (status.ok()) read_ += wanted;
  return status;
}

}  // namespace runner
