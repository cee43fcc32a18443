#include "runner/data/text_scanner.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "runner/base/line_reader.h"

namespace runner {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;

}  // namespace

void TextScanner::SkipWhitespace() {
  for (int c = Peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r';
       c = Peek()) {
    Skip();
  }
}

void TextScanner::BeginRow() {
  row_ = at_;
  row_line_ = line_;
  in_row_ = true;
}

int TextScanner::Fill() {
  const size_t keep = in_row_ ? row_ : at_;
  if (!status_.ok() || read_ >= file_size_) return kEnd;
  if (buffer_.size() - keep > kLineBytesMax) {
    status_ = absl::ResourceExhaustedError(
        absl::StrCat("a row of more than ", kLineBytesMax, " bytes"));
    return kEnd;
  }
  buffer_.erase(0, keep);
  at_ -= keep;
  row_ = 0;
  const size_t old_size = buffer_.size();
  const size_t wanted =
      static_cast<size_t>(std::min<uint64_t>(kReadBytes, file_size_ - read_));
  buffer_.resize(old_size + wanted);
  status_ = ReadExactly(fd_, read_, &buffer_[old_size], wanted);
  if (!status_.ok()) {
    buffer_.resize(old_size);
    return kEnd;
  }
  read_ += wanted;
  return static_cast<unsigned char>(buffer_[at_]);
}

}  // namespace runner
