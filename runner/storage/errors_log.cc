#include "runner/storage/errors_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "runner/base/printable.h"

namespace runner {
namespace {

std::string Shortened(absl::string_view text) {
  if (text.size() <= kErrorsLogTextMax) return Printable(text);
  return absl::StrCat(Printable(text.substr(0, kErrorsLogTextMax)), " … (",
                      text.size() - kErrorsLogTextMax,
                      " more bytes in the journal)");
}

std::string LineFor(const AttemptErrorRecord& error) {
  const std::string time =
      absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", error.at, absl::UTCTimeZone());
  return absl::StrCat(
      time, " ", Shortened(error.key.id), " run=", error.key.run,
      " attempt=", error.attempt, " ", Shortened(error.type),
      error.retryable ? " retryable" : " permanent",
      error.final ? " final: " : ": ", Shortened(error.message), "\n");
}

}  // namespace

ErrorsLog::~ErrorsLog() {
  if (fd_ >= 0) close(fd_);
}

void ErrorsLog::Add(const AttemptErrorRecord& error) {
  const std::string line = LineFor(error);
  absl::MutexLock lock(&mutex_);
  if (!Write(line)) ++lines_lost_;
}

uint64_t ErrorsLog::lines_lost() const {
  absl::MutexLock lock(&mutex_);
  return lines_lost_;
}

bool ErrorsLog::Write(const std::string& line) {
  if (fd_ < 0) {
    // Non-blocking, so that a FIFO put in its place cannot hang the run.
    fd_ = open(
        path_.c_str(),
        O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
        0600);
  }
  if (fd_ < 0) return false;
  ssize_t written;
  do {
    written = write(fd_, line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  return written == static_cast<ssize_t>(line.size());
}

}  // namespace runner
