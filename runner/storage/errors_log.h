// errors.log: what went wrong, for people, beside the journal.
#ifndef RUNNER_STORAGE_ERRORS_LOG_H_
#define RUNNER_STORAGE_ERRORS_LOG_H_

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "runner/storage/records.h"

namespace runner {

// Longer messages are cut in errors.log, which says so; the journal has all.
inline constexpr size_t kErrorsLogTextMax = 4096;

// Appends a line for each error, created with the first:
//
//   2026-11-21T06:00:05.123Z q17 run=2 attempt=3 timeout retryable final: text
//
// with control characters escaped. The journal is what counts: a line that
// cannot be written is counted and otherwise forgotten. Thread-safe.
class ErrorsLog {
 public:
  explicit ErrorsLog(absl::string_view path) : path_(path) {}
  ~ErrorsLog();

  ErrorsLog(const ErrorsLog&) = delete;
  ErrorsLog& operator=(const ErrorsLog&) = delete;

  void Add(const AttemptErrorRecord& error);

  uint64_t lines_lost() const;

 private:
  bool Write(const std::string& line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string path_;
  mutable absl::Mutex mutex_;
  int fd_ ABSL_GUARDED_BY(mutex_) = -1;
  uint64_t lines_lost_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace runner

#endif  // RUNNER_STORAGE_ERRORS_LOG_H_
