#include "tools/watch_command.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "journal/journal.h"
#include "runner/base/printable.h"
#include "runner/config/option_values.h"
#include "runner/display/progress_display.h"
#include "tools/journal_view.h"
#include "tools/run_watch.h"
#include "tools/watch_text.h"

namespace inspector {
namespace {

constexpr absl::Duration kIntervalDefault = absl::Seconds(1);
constexpr absl::Duration kIntervalMin = absl::Milliseconds(100);

constexpr char kClearToEndOfLine[] = "\x1b[K";
constexpr char kClearBelow[] = "\x1b[J";

enum class Form { kScreen, kLines, kJson };

// Asked at each drawing, so that no SIGWINCH handler is needed.
ScreenSize SizeOfScreen(const Style& style) {
  ScreenSize screen;
  screen.columns = style.columns;
  screen.utf8 = runner::ProgressDisplay::Options::ForProcess().utf8;
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    screen.columns = size.ws_col;
    if (size.ws_row > 0) screen.rows = size.ws_row;
  }
  return screen;
}

class Watch {
 public:
  Watch(std::string path, Form form, absl::Duration interval, Context& context)
      : path_(std::move(path)),
        form_(form),
        interval_(interval),
        context_(context) {}

  int Run() {
    absl::StatusOr<std::unique_ptr<RunWatch>> watch =
        RunWatch::Open(path_, context_.cipher);
    if (!watch.ok()) return Fail(context_, watch.status());
    while (ExitCodeOf((*watch)->view().status) == kExitOk) {
      absl::Status read = (*watch)->Refresh(interval_);
      if (!read.ok()) return FailAndAdvise(read);
      Show((*watch)->run());
      context_.out.flush();
      if (!context_.out) return kExitFailed;
      if ((*watch)->ended()) break;
      if (!context_.wait(interval_)) return kExitOk;
    }
    return SayHowItEnded((*watch)->view());
  }

 private:
  void Show(const WatchedRun& run) {
    const absl::Time now = absl::Now();
    if (form_ == Form::kJson) {
      context_.out << WatchJson(run, now);
    } else if (form_ == Form::kLines) {
      context_.out << WatchLine(run, context_.style, now);
    } else {
      Draw(WatchScreen(run, context_.style, SizeOfScreen(context_.style)));
    }
  }

  // In the place of the last one.
  void Draw(const std::vector<std::string>& lines) {
    if (drawn_ > 0) context_.out << "\x1b[" << drawn_ << "F";
    for (const std::string& line : lines) {
      context_.out << line << kClearToEndOfLine << "\n";
    }
    context_.out << kClearBelow;
    drawn_ = lines.size();
  }

  int FailAndAdvise(const absl::Status& status) {
    const int exit_code = Fail(context_, status);
    if (exit_code == kExitDamage) {
      context_.err << "next: journalctl-bench verify " << ShellWord(path_)
                   << "\n";
    }
    return exit_code;
  }

  int SayHowItEnded(const JournalView& view) {
    const std::vector<std::string> advice = Advice(view);
    if (!advice.empty()) {
      for (const journal::Finding& finding : view.report.findings) {
        context_.err << runner::Printable(journal::Describe(finding)) << "\n";
      }
    }
    for (const std::string& line : advice) context_.err << line << "\n";
    return ExitCodeOf(view.status);
  }

  const std::string path_;
  const Form form_;
  const absl::Duration interval_;
  Context& context_;
  size_t drawn_ = 0;
};

absl::StatusOr<absl::Duration> IntervalOf(const Arguments& arguments) {
  if (!arguments.Has("interval")) return kIntervalDefault;
  absl::StatusOr<absl::Duration> interval =
      runner::ParseDuration(arguments.Get("interval"));
  if (!interval.ok()) {
    return journal::WithContext(interval.status(), "--interval");
  }
  if (*interval < kIntervalMin) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--interval: at least ", absl::FormatDuration(kIntervalMin)));
  }
  return interval;
}

int Run(const Arguments& arguments, Context& context) {
  absl::StatusOr<std::string> path = ResolveJournal(arguments.operands()[0]);
  if (!path.ok()) return Fail(context, path.status());
  const absl::StatusOr<absl::Duration> interval = IntervalOf(arguments);
  if (!interval.ok()) return Fail(context, interval.status());
  const Form form = arguments.Has("json") ? Form::kJson
                    : context.style.moves ? Form::kScreen
                                          : Form::kLines;
  return Watch(*std::move(path), form, *interval, context).Run();
}

}  // namespace

const Command& WatchCommand() {
  static const auto* const command = new Command{
      {"watch",
       "J",
       1,
       1,
       "Watches a benchmark at work: progress, rate, errors and cost.",
       "The rate is that of the last minute. Errors are those that stand and\n"
       "those that have come since, the type of the newest first. In a pipe, "
       "or\n"
       "with --json, a line for each look. What a look costs does not depend "
       "on\n"
       "how large the journal is. It ends with the run, with an exit code as "
       "of\n"
       "info; of a journal that nobody writes there is one look.\n",
       {{"interval", 0, "TIME", "between two looks, as 500ms or 10s (1s)"},
        {"json", 0, "", "a JSON object a line"}}},
      Run};
  return *command;
}

}  // namespace inspector
