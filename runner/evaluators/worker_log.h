// What a worker writes to stderr, as lines for the log.
#ifndef RUNNER_EVALUATORS_WORKER_LOG_H_
#define RUNNER_EVALUATORS_WORKER_LOG_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "runner/base/line_buffer.h"

namespace runner {

inline constexpr size_t kLogLineBytesMax = 4096;
// A worker that floods its stderr is read as fast as it writes, so that it is
// never blocked, but only so many lines a second reach the log; the others are
// counted there.
inline constexpr int kLogLinesPerSecondMax = 200;

// Not thread-safe.
class WorkerLog {
 public:
  // Takes a printable line, without its end.
  using Sink = std::function<void(absl::string_view line)>;

  explicit WorkerLog(Sink sink)
      : buffer_(kLogLineBytesMax), sink_(std::move(sink)) {}

  // `now` is monotonic. A line longer than kLogLineBytesMax becomes several.
  void Append(absl::string_view bytes, absl::Duration now);

  // Ends the last line and says how many were left out.
  void Flush();

  // The newest line, for error messages; empty if there was none.
  const std::string& last_line() const { return last_line_; }

 private:
  void Emit(absl::string_view line);

  LineBuffer buffer_;
  const Sink sink_;
  std::string last_line_;
  absl::Duration window_start_ = -absl::InfiniteDuration();
  int lines_in_window_ = 0;
  uint64_t left_out_ = 0;
};

}  // namespace runner

#endif  // RUNNER_EVALUATORS_WORKER_LOG_H_
