#include "runner/display/log_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "runner/base/printable.h"

namespace runner {

std::string LogLines(absl::string_view text, absl::Time time,
                     absl::TimeZone zone) {
  const std::string stamp = absl::FormatTime("%Y-%m-%d %H:%M:%S ", time, zone);
  std::string lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    absl::StrAppend(&lines, stamp, Printable(line), "\n");
  }
  return lines;
}

LogFile::LogFile(const std::string& path, Complaint complain)
    : path_(path), complain_(std::move(complain)) {
  absl::MutexLock lock(&mutex_);
  // Whoever reads a pipe may come later, or never: none is waited for.
  fd_ = open(path.c_str(),
             O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
  if (fd_ < 0) Fail(errno);
}

LogFile::~LogFile() {
  absl::MutexLock lock(&mutex_);
  if (fd_ >= 0) close(fd_);
}

void LogFile::Append(absl::string_view lines) {
  absl::MutexLock lock(&mutex_);
  while (fd_ >= 0 && !lines.empty()) {
    const ssize_t size = write(fd_, lines.data(), lines.size());
    if (size >= 0) {
      lines.remove_prefix(size);
    } else if (errno != EINTR) {
      const int error = errno;
      close(fd_);
      fd_ = -1;
      Fail(error);
    }
  }
}

void LogFile::Fail(int error) {
  complain_(absl::StrCat("--log-file ", Printable(path_), ": ",
                         std::strerror(error),
                         "; nothing more is written there"));
}

}  // namespace runner
