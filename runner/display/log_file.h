// A file to which all messages go (--log-file).
#ifndef RUNNER_DISPLAY_LOG_FILE_H_
#define RUNNER_DISPLAY_LOG_FILE_H_

#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace runner {

// "2026-11-21 15:30:22 text", a line for each of the text's lines, other
// control characters escaped. Ends with a newline.
std::string LogLines(absl::string_view text, absl::Time time,
                     absl::TimeZone zone);

// Appends, each time in one piece where the file system takes it, so that
// several processes may share the file. Thread-safe.
class LogFile {
 public:
  // Told once of the first error, which ends the logging and nothing else. Must
  // not call back.
  using Complaint = std::function<void(absl::string_view message)>;

  // Opens or makes the file.
  LogFile(const std::string& path, Complaint complain);
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  void Append(absl::string_view lines) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Fail(int error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string path_;
  const Complaint complain_;
  absl::Mutex mutex_;
  int fd_ ABSL_GUARDED_BY(mutex_) = -1;
};

}  // namespace runner

#endif  // RUNNER_DISPLAY_LOG_FILE_H_
