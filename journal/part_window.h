// Reads a file that does not change through one buffer, and remembers which of
// the bytes the disk did not return.
#ifndef JOURNAL_PART_WINDOW_H_
#define JOURNAL_PART_WINDOW_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "journal/file_system.h"

namespace journal {

// Bytes that could not be read.
struct UnreadableRange {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::string message;
};

// Not thread-safe. Memory: the largest range fetched, or 256 KiB.
class PartWindow {
 public:
  // `file` is not owned and must outlive the window.
  PartWindow(File* file, uint64_t file_bytes)
      : file_(file), file_bytes_(file_bytes) {}

  // `size` bytes at `offset`, which must lie within the file; valid until the
  // next call. Memory is aligned as the file is, to 8. Bytes that the disk does
  // not return, or that are not there any more, read as something that no
  // checksum accepts and that is not zero.
  const char* Fetch(uint64_t offset, uint64_t size);

  // What of the last fetch that held [offset, offset + size) is unreadable:
  // one range from the first to the last such byte. Null if all was read.
  const UnreadableRange* Unreadable(uint64_t offset, uint64_t size);

  // What is fetched from now on is read anew.
  void Forget();

 private:
  void Fill(uint64_t offset, uint64_t size);
  void ReadByPages(uint64_t offset, uint64_t size);

  File* const file_;
  const uint64_t file_bytes_;
  std::unique_ptr<char[]> bytes_;
  uint64_t capacity_ = 0;
  uint64_t offset_ = 0;
  uint64_t size_ = 0;
  int retries_ = 0;
  std::vector<UnreadableRange> unreadable_;  // In the window.
  UnreadableRange answer_;
};

}  // namespace journal

#endif  // JOURNAL_PART_WINDOW_H_
