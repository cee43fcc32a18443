#include "runner/display/progress_display.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <exception>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "runner/base/printable.h"
#include "runner/display/log_file.h"

namespace runner {
namespace {

constexpr size_t kColumnsDefault = 80;
constexpr size_t kColumnsMax = 1000;
constexpr char kClearLine[] = "\r\x1b[K";
// How long a terminal or a pipe that takes nothing (Ctrl-S, a pager, a dead
// connection) holds the caller up before the text is dropped.
constexpr int kWriteWaitMs = 1000;

std::string Environment(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

// For what programs read: waits for them as any program's output does. Errors
// are not reported: there is nowhere to report them to.
void WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t size = write(fd, text.data(), text.size());
    if (size >= 0) {
      text.remove_prefix(size);
    } else if (errno == EAGAIN) {
      pollfd ready = {fd, POLLOUT, 0};
      poll(&ready, 1, kWriteWaitMs);
    } else if (errno != EINTR) {
      return;
    }
  }
}

// For what people read, and need not: a pager that is not turned must not hold
// up a run. One wait in a row; until something is taken again, none.
void WriteOrDrop(int fd, absl::string_view text) {
  static std::atomic<bool> stuck{false};
  while (!text.empty()) {
    pollfd ready = {fd, POLLOUT, 0};
    const int count = poll(&ready, 1, stuck ? 0 : kWriteWaitMs);
    if (count < 0 && errno == EINTR) continue;
    stuck = count <= 0;
    if (stuck) return;
    // So much a pipe takes without blocking when it takes anything.
    const ssize_t size =
        write(fd, text.data(), std::min<size_t>(text.size(), PIPE_BUF));
    if (size >= 0) {
      text.remove_prefix(size);
    } else if (errno != EINTR && errno != EAGAIN) {
      return;
    }
  }
}

size_t ColumnsOf(int fd) {
  winsize size = {};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    return size.ws_col;
  }
  uint32_t columns = 0;
  if (absl::SimpleAtoi(Environment("COLUMNS"), &columns) && columns > 0) {
    return std::min<size_t>(columns, kColumnsMax);
  }
  return kColumnsDefault;
}

// Asked at each drawing, so that no SIGWINCH handler is needed.
size_t TerminalColumns() { return ColumnsOf(STDERR_FILENO); }

// A locale that is set, and set to something else than UTF-8, is believed.
bool LocaleIsUtf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = absl::AsciiStrToLower(Environment(name));
    if (value.empty()) continue;
    return absl::StrContains(value, "utf-8") ||
           absl::StrContains(value, "utf8");
  }
  return true;
}

const char* LevelName(MessageLevel level) {
  switch (level) {
    case MessageLevel::kVerbose:
      return "verbose";
    case MessageLevel::kInfo:
      return "info";
    case MessageLevel::kWarning:
      return "warning";
    case MessageLevel::kError:
      return "error";
  }
  return "info";
}

}  // namespace

size_t StdoutColumns() {
  return isatty(STDOUT_FILENO) == 1 ? ColumnsOf(STDOUT_FILENO) : 0;
}

ProgressDisplay::Options ProgressDisplay::Options::ForProcess() {
  const std::string term = Environment("TERM");
  const bool terminal =
      isatty(STDERR_FILENO) == 1 && !term.empty() && term != "dumb";
  Options options;
  options.mode = terminal ? Mode::kBar : Mode::kLines;
  options.color = terminal && Environment("NO_COLOR").empty();
  options.utf8 = LocaleIsUtf8();
  options.tick = terminal;
  options.columns = TerminalColumns;
  options.err = [](absl::string_view text) {
    WriteOrDrop(STDERR_FILENO, text);
  };
  options.out = [](absl::string_view text) { WriteAll(STDOUT_FILENO, text); };
  options.zone = absl::LocalTimeZone();
  return options;
}

ProgressDisplay::Options ProgressDisplay::Options::ForFlags(
    bool quiet, bool no_progress_bar, bool json, bool verbose) {
  Options options = ForProcess();
  options.verbose = verbose;
  if (no_progress_bar) options.mode = Mode::kLines;
  if (quiet) options.mode = Mode::kQuiet;
  if (json) options.mode = Mode::kJson;
  options.tick = options.mode == Mode::kBar;
  return options;
}

ProgressDisplay::ProgressDisplay(Options options)
    : options_(std::move(options)) {
  if (!options_.tick) return;
  try {
    ticker_ = std::thread([this] { TickUntilClosed(); });
  } catch (const std::exception&) {
    // The bar moves with the queries only.
  }
}

ProgressDisplay::~ProgressDisplay() {
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    closed_changed_.SignalAll();
    End();
  }
  if (ticker_.joinable()) ticker_.join();
}

void ProgressDisplay::TickUntilClosed() {
  absl::MutexLock lock(&mutex_);
  while (!closed_) {
    options_.clock->WaitWithTimeout(&closed_changed_, &mutex_, kTick);
    if (!closed_ && active_ && due()) Show();
  }
}

void ProgressDisplay::Begin(const Progress& progress) {
  absl::MutexLock lock(&mutex_);
  End();
  active_ = true;
  progress_ = progress;
  began_ = shown_ = options_.clock->Monotonic();
  if (options_.mode == Mode::kBar) Show();
}

void ProgressDisplay::Update(const Progress& progress) {
  absl::MutexLock lock(&mutex_);
  if (!active_) return;
  progress_ = progress;
  if (due()) Show();
}

void ProgressDisplay::Finish() {
  absl::MutexLock lock(&mutex_);
  if (!active_) return;
  Show();
  End();
}

void ProgressDisplay::Message(absl::string_view text, MessageLevel level) {
  absl::MutexLock lock(&mutex_);
  const absl::Time now = options_.clock->Now();
  if (options_.log) options_.log(LogLines(text, now, options_.zone));
  if (level == MessageLevel::kVerbose && !options_.verbose) return;
  const std::string stamp = FormatTimestamp(now, options_.zone);
  std::string lines;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    absl::StrAppend(&lines, stamp, Printable(line), "\n");
  }
  if (options_.mode == Mode::kJson) {
    options_.out(FormatMessageEvent(LevelName(level), text, now));
  } else if (options_.mode != Mode::kQuiet || level >= MessageLevel::kWarning) {
    WriteAbove(std::move(lines));
  }
}

void ProgressDisplay::Print(absl::string_view text) {
  absl::MutexLock lock(&mutex_);
  if (options_.mode == Mode::kJson || options_.mode == Mode::kQuiet) return;
  WriteAbove(std::string(text));
}

bool ProgressDisplay::due() const {
  const absl::Duration pause =
      options_.mode == Mode::kBar ? kRedrawMin : kLineMin;
  return options_.clock->Monotonic() - shown_ >= pause;
}

absl::Duration ProgressDisplay::Elapsed() const {
  return options_.clock->Monotonic() - began_;
}

std::string ProgressDisplay::BarText() const {
  BarStyle style;
  style.columns = options_.columns ? options_.columns() : kColumnsDefault;
  style.utf8 = options_.utf8;
  style.color = options_.color;
  return FormatBar(progress_, Elapsed(), style);
}

void ProgressDisplay::Show() {
  shown_ = options_.clock->Monotonic();
  const absl::Time now = options_.clock->Now();
  switch (options_.mode) {
    case Mode::kBar:
      options_.err(absl::StrCat(kClearLine, BarText()));
      bar_drawn_ = true;
      break;
    case Mode::kLines:
      options_.err(absl::StrCat(FormatTimestamp(now, options_.zone),
                                FormatPlainProgress(progress_, Elapsed()),
                                "\n"));
      break;
    case Mode::kJson:
      options_.out(FormatProgressEvent(progress_, Elapsed(), now));
      break;
    case Mode::kQuiet:
      break;
  }
}

void ProgressDisplay::End() {
  if (bar_drawn_) options_.err("\n");
  bar_drawn_ = false;
  active_ = false;
}

void ProgressDisplay::WriteAbove(std::string lines) {
  if (!bar_drawn_) return options_.err(lines);
  options_.err(absl::StrCat(kClearLine, lines, BarText()));
}

}  // namespace runner
