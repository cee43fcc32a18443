#include "runner/base/whole_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace runner {
namespace {

constexpr size_t kReadBytes = 64 << 10;

}  // namespace

absl::StatusOr<std::string> ReadWholeFile(const std::string& path,
                                          size_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  // One byte more tells that there is one.
  while (file && text.size() <= bytes_max) {
    const size_t before = text.size();
    const size_t wanted = std::min(kReadBytes, bytes_max + 1 - before);
    text.resize(before + wanted);
    file.read(&text[before], static_cast<std::streamsize>(wanted));
    text.resize(before + static_cast<size_t>(file.gcount()));
  }
  if (!file && !file.eof()) {
    return absl::InvalidArgumentError(std::strerror(errno));
  }
  if (text.size() > bytes_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("larger than ", bytes_max, " bytes"));
  }
  return text;
}

}  // namespace runner
