#include "journal/file_copy.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "journal/error.h"

namespace journal {
namespace {

constexpr uint64_t kCopyBytes = 1 << 20;

absl::Status Stopped(const std::atomic<bool>* stop) {
  return stop != nullptr && *stop
             ? absl::CancelledError("the journal is being closed")
             : absl::OkStatus();
}

}  // namespace

absl::Status CopyRange(File& from, uint64_t offset, uint64_t size, File& to,
                       const std::atomic<bool>* stop) {
  std::string buffer(kCopyBytes, '\0');
  for (uint64_t done = 0; done < size; done += kCopyBytes) {
    if (absl::Status s = Stopped(stop); !s.ok()) return s;
    const uint64_t step = std::min(kCopyBytes, size - done);
    absl::StatusOr<size_t> got =
        from.ReadAt(offset + done, buffer.data(), step);
    if (!got.ok()) return got.status();
    if (*got != step) {
      return MakeError(
          ErrorKind::kIo,
          absl::StrCat("the file to copy ends at ", offset + done + *got,
                       ", not at ", offset + size));
    }
    absl::Status s = to.WriteAt(done, absl::string_view(buffer.data(), step));
    if (!s.ok()) return s;
  }
  return to.Sync();
}

absl::StatusOr<bool> SameBytes(File& a, uint64_t offset, uint64_t size, File& b,
                               const std::atomic<bool>* stop) {
  absl::StatusOr<uint64_t> b_size = b.Size();
  if (!b_size.ok()) return b_size.status();
  if (*b_size != size) return false;
  std::string x(kCopyBytes, '\0');
  std::string y(kCopyBytes, '\0');
  for (uint64_t done = 0; done < size; done += kCopyBytes) {
    if (absl::Status s = Stopped(stop); !s.ok()) return s;
    const uint64_t step = std::min(kCopyBytes, size - done);
    absl::StatusOr<size_t> got_x = a.ReadAt(offset + done, x.data(), step);
    if (!got_x.ok()) return got_x.status();
    absl::StatusOr<size_t> got_y = b.ReadAt(done, y.data(), step);
    if (!got_y.ok()) return got_y.status();
    if (*got_x != step || *got_y != step ||
        x.compare(0, step, y, 0, step) != 0) {
      return false;
    }
  }
  return true;
}

}  // namespace journal
