// Shows people how a run is going: a bar on a terminal, lines elsewhere, and
// messages between them.
//
//   ProgressDisplay display(ProgressDisplay::Options::ForProcess());
//   display.Message("Found journal: journals/R");
//   display.Begin(progress);
//   display.Update(progress);      // As often as one likes.
//   display.Finish();
#ifndef RUNNER_DISPLAY_PROGRESS_DISPLAY_H_
#define RUNNER_DISPLAY_PROGRESS_DISPLAY_H_

#include <cstddef>
#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "journal/clock.h"
#include "runner/display/progress_format.h"

namespace runner {

enum class MessageLevel { kVerbose, kInfo, kWarning, kError };

// Thread-safe.
class ProgressDisplay {
 public:
  enum class Mode {
    kBar,    // Redrawn in place.
    kLines,  // A whole line now and then.
    kQuiet,  // Warnings and errors only.
    kJson,   // JSON lines, messages too, on stdout; nothing on stderr.
  };

  // Time between two redraws of the bar, and between two lines or events.
  static constexpr absl::Duration kRedrawMin = absl::Milliseconds(100);
  static constexpr absl::Duration kLineMin = absl::Seconds(5);
  // A bar goes on counting seconds while no query ends.
  static constexpr absl::Duration kTick = absl::Seconds(1);

  // Takes whole texts; what it cannot write is lost. Those of ForProcess: what
  // nobody takes from stderr for a second is dropped, stdout is waited for.
  using Writer = std::function<void(absl::string_view text)>;

  struct Options {
    Mode mode = Mode::kLines;
    bool verbose = false;
    bool utf8 = true;
    bool color = false;
    // Redraw by itself while a benchmark is shown (mode kBar).
    bool tick = false;
    std::function<size_t()> columns;  // Of the terminal now; empty: 80.
    Writer err;                       // Stderr.
    Writer out;                       // Stdout, for kJson.
    // Every message as LogLines, whatever is shown of it; may be empty. Must
    // not call back.
    Writer log;
    journal::Clock* clock = journal::Clock::Real();
    absl::TimeZone zone = absl::UTCTimeZone();

    // What the process's streams and environment ask for: a bar if stderr is
    // a terminal that can move its cursor (TERM), colour unless NO_COLOR is
    // set, blocks unless the locale is not UTF-8, local time.
    static Options ForProcess();

    // ForProcess with the options --quiet, --no-progress-bar and --json. JSON
    // goes before quiet.
    static Options ForFlags(bool quiet, bool no_progress_bar, bool json,
                            bool verbose);
  };

  explicit ProgressDisplay(Options options);
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;
  // Leaves the terminal on a line of its own.
  ~ProgressDisplay();

  // Starts a benchmark's session; its clock runs from here.
  void Begin(const Progress& progress);

  // Shows it if that is due; otherwise the next one, or the tick, does.
  void Update(const Progress& progress);

  // Shows the newest state whatever is due, and lets the bar stand.
  void Finish();

  // Prints "[HH:MM:SS] text" above the bar. Line breaks in it are kept, other
  // control characters are escaped.
  void Message(absl::string_view text,
               MessageLevel level = MessageLevel::kInfo);

  // Prints text as it is, such as a table, in the bar's place.
  // In kJson and kQuiet: not at all.
  void Print(absl::string_view text);

 private:
  bool due() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Duration Elapsed() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string BarText() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Show() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void End() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Writes whole lines above the bar, in one piece.
  void WriteAbove(std::string lines) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TickUntilClosed();

  const Options options_;
  absl::Mutex mutex_;
  absl::CondVar closed_changed_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool active_ ABSL_GUARDED_BY(mutex_) = false;  // Between Begin and Finish.
  bool bar_drawn_ ABSL_GUARDED_BY(mutex_) = false;
  Progress progress_ ABSL_GUARDED_BY(mutex_);
  absl::Duration began_ ABSL_GUARDED_BY(mutex_);
  absl::Duration shown_ ABSL_GUARDED_BY(mutex_);
  std::thread ticker_;
};

// How wide the terminal is that stdout is; 0: it is none.
size_t StdoutColumns();

}  // namespace runner

#endif  // RUNNER_DISPLAY_PROGRESS_DISPLAY_H_
