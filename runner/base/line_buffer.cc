#include "runner/base/line_buffer.h"

#include <algorithm>

namespace runner {
namespace {

// A buffer that one long answer has grown is given back when it is empty.
constexpr size_t kCapacityKeptBytes = 1 << 20;

}  // namespace

void LineBuffer::Append(absl::string_view bytes) {
  Compact();
  data_.append(bytes.data(), bytes.size());
}

absl::optional<absl::string_view> LineBuffer::Next() {
  const size_t newline = data_.find('\n', scanned_);
  if (newline == std::string::npos) {
    scanned_ = data_.size();
    return absl::nullopt;
  }
  absl::string_view line(data_.data() + start_, newline - start_);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  start_ = scanned_ = newline + 1;
  return line;
}

bool LineBuffer::oversize() const {
  if (data_.size() - start_ <= line_bytes_max_) return false;
  const size_t newline = data_.find('\n', scanned_);
  return std::min(newline, data_.size()) - start_ > line_bytes_max_;
}

std::string LineBuffer::TakeRest() {
  std::string rest = data_.substr(start_);
  data_.clear();
  start_ = scanned_ = 0;
  return rest;
}

void LineBuffer::Compact() {
  if (start_ == 0) return;
  data_.erase(0, start_);
  scanned_ -= start_;
  start_ = 0;
  if (data_.empty() && data_.capacity() > kCapacityKeptBytes) {
    data_.shrink_to_fit();
  }
}

}  // namespace runner
