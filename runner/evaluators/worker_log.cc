#include "runner/evaluators/worker_log.h"

#include "absl/strings/str_cat.h"
#include "runner/base/printable.h"

namespace runner {

void WorkerLog::Append(absl::string_view bytes, absl::Duration now) {
  if (now - window_start_ >= absl::Seconds(1)) {
    window_start_ = now;
    lines_in_window_ = 0;
  }
  while (!bytes.empty()) {
    const absl::string_view piece = bytes.substr(0, kLogLineBytesMax);
    bytes.remove_prefix(piece.size());
    buffer_.Append(piece);
    while (absl::optional<absl::string_view> line = buffer_.Next()) {
      Emit(*line);
    }
    if (buffer_.oversize()) Emit(buffer_.TakeRest());
  }
}

void WorkerLog::Flush() {
  if (!buffer_.empty()) Emit(buffer_.TakeRest());
  if (left_out_ == 0) return;
  if (sink_) sink_(absl::StrCat("(", left_out_, " more lines left out)"));
  left_out_ = 0;
}

void WorkerLog::Emit(absl::string_view line) {
  if (line.empty()) return;
  if (lines_in_window_ >= kLogLinesPerSecondMax) {
    ++left_out_;
    return;
  }
  ++lines_in_window_;
  if (left_out_ > 0) {
    const uint64_t count = left_out_;
    left_out_ = 0;
    if (sink_) sink_(absl::StrCat("(", count, " more lines left out)"));
  }
  last_line_ = Printable(line);
  if (sink_) sink_(last_line_);
}

}  // namespace runner
