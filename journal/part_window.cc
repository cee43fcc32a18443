#include "journal/part_window.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace journal {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kWindowBytes = 256 << 10;

// Unreadable pages looked for one by one; behind the last, a whole window is
// unreadable, so that a dead disk does not cost hours of retries.
constexpr int kRetriesMax = 64;

constexpr char kUnreadable = '\xee';

}  // namespace

const char* PartWindow::Fetch(uint64_t offset, uint64_t size) {
  assert(offset <= file_bytes_ && size <= file_bytes_ - offset);
  if (offset < offset_ || offset + size > offset_ + size_) Fill(offset, size);
  return bytes_.get() + (offset - offset_);
}

const UnreadableRange* PartWindow::Unreadable(uint64_t offset, uint64_t size) {
  const uint64_t end = offset + size;
  answer_ = UnreadableRange();
  for (const UnreadableRange& range : unreadable_) {
    const uint64_t from = std::max(range.offset, offset);
    const uint64_t to = std::min(range.offset + range.bytes, end);
    if (from >= to) continue;
    if (answer_.bytes == 0) answer_ = {from, 0, range.message};
    answer_.bytes = to - answer_.offset;
  }
  return answer_.bytes == 0 ? nullptr : &answer_;
}

void PartWindow::Forget() {
  size_ = 0;
  retries_ = 0;
  unreadable_.clear();
}

void PartWindow::Fill(uint64_t offset, uint64_t size) {
  const uint64_t start = offset / kPageBytes * kPageBytes;
  const uint64_t wanted =
      std::min(std::max(offset + size, start + kWindowBytes), file_bytes_) -
      start;
  if (capacity_ < wanted || capacity_ > 2 * wanted + kWindowBytes) {
    capacity_ = wanted;
    bytes_.reset();
    bytes_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  offset_ = start;
  size_ = wanted;
  unreadable_.clear();
  const absl::StatusOr<size_t> got = file_->ReadAt(start, bytes_.get(), wanted);
  if (!got.ok()) {
    ReadByPages(start, wanted);
  } else {
    std::memset(bytes_.get() + *got, kUnreadable, wanted - *got);
  }
}

void PartWindow::ReadByPages(uint64_t offset, uint64_t size) {
  std::memset(bytes_.get(), kUnreadable, size);
  for (uint64_t done = 0; done < size;) {
    uint64_t bytes = std::min(kPageBytes, size - done);
    std::string message = "not tried: too many unreadable pages before";
    if (retries_ < kRetriesMax) {
      const absl::StatusOr<size_t> got =
          file_->ReadAt(offset + done, bytes_.get() + done, bytes);
      if (got.ok()) {
        std::memset(bytes_.get() + done + *got, kUnreadable, bytes - *got);
        done += bytes;
        continue;
      }
      ++retries_;
      std::memset(bytes_.get() + done, kUnreadable, bytes);
      message = std::string(got.status().message());
    } else {
      bytes = size - done;
    }
    unreadable_.push_back({offset + done, bytes, std::move(message)});
    done += bytes;
  }
}

}  // namespace journal
