#include "tools/show_command.h"

#include <deque>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/journal.h"
#include "runner/base/printable.h"
#include "tools/journal_view.h"
#include "tools/record_filter.h"
#include "tools/record_printer.h"

namespace inspector {
namespace {

// How long -f waits before it looks again.
constexpr absl::Duration kFollowInterval = absl::Milliseconds(200);

// How many records -f begins with.
constexpr uint64_t kFollowLines = 10;

// -r without -n remembers where each record lies, 16 bytes each.
constexpr size_t kPlacesMax = 1 << 26;

struct Place {
  journal::Position position = 0;
  journal::Lsn lsn = 0;
};

struct ShowOptions {
  std::string path;
  FilterOptions filter;
  absl::optional<uint64_t> lines;
  bool reverse = false;
  bool follow = false;
};

class Show {
 public:
  Show(ShowOptions options, RecordPrinter& printer, Context& context)
      : options_(std::move(options)),
        printer_(printer),
        context_(context),
        filter_(options_.filter) {}

  int Run() {
    if (filter_.needs_learning()) {
      absl::Status learned = Learn();
      if (!learned.ok()) return Fail(context_, learned);
    }
    printer_.Begin();
    absl::StatusOr<journal::RecoveryReport> report = ShowPresent();
    if (!report.ok()) return Fail(context_, report.status());
    if (too_many_) {
      return Fail(context_, kExitUsage,
                  absl::StrCat("-r: more than ", kPlacesMax,
                               " records match; say how many with -n"));
    }
    if (options_.follow) return Follow();
    printer_.End();
    if (report->outcome == journal::FindingKind::kCleanEnd) return kExitOk;
    return SayWhatIsWrong();
  }

 private:
  journal::ExamineOptions PastDamage() const {
    journal::ExamineOptions options;
    options.mode = journal::RecoveryMode::kSalvage;
    options.cipher = context_.cipher;
    return options;
  }

  absl::StatusOr<std::unique_ptr<journal::Reader>> OpenReader(
      journal::Lsn start_lsn) const {
    journal::ReaderOptions options;
    options.start_lsn = start_lsn;
    options.cipher = context_.cipher;
    return journal::Reader::Open(options_.path, options);
  }

  absl::Status Learn() {
    const absl::StatusOr<journal::RecoveryReport> report = journal::Examine(
        options_.path, PastDamage(),
        [&](const journal::Record& record) { filter_.Learn(record); });
    filter_.EndLearning(FindHolder(options_.path).has_value());
    return report.status();
  }

  bool in_order() const {
    return !options_.lines.has_value() && !options_.reverse;
  }

  // Prints what matches, or remembers where it lies when only the last ones, or
  // the other order, are wanted.
  absl::StatusOr<journal::RecoveryReport> ShowPresent() {
    absl::StatusOr<journal::RecoveryReport> report = journal::Examine(
        options_.path, PastDamage(), [&](const journal::Record& record) {
          last_lsn_ = record.lsn;
          if (filter_.needs_learning()) filter_.Learn(record);
          const RecordFacts facts = FactsOf(record);
          if (!filter_.Matches(record, facts)) return;
          if (in_order()) {
            printer_.Print(record, facts);
          } else {
            Remember({record.position, record.lsn});
          }
        });
    if (!report.ok() || in_order() || too_many_) return report;
    absl::StatusOr<std::unique_ptr<journal::Reader>> reader = OpenReader(1);
    if (!reader.ok()) return reader.status();
    while (!places_.empty()) {
      PrintAt(options_.reverse ? places_.back() : places_.front(), **reader);
      options_.reverse ? places_.pop_back() : places_.pop_front();
    }
    return report;
  }

  void Remember(Place place) {
    if (options_.lines == uint64_t{0}) return;
    if (options_.lines.has_value() && places_.size() == *options_.lines) {
      places_.pop_front();
    }
    if (places_.size() == kPlacesMax) {
      too_many_ = true;
      return;
    }
    places_.push_back(place);
  }

  void PrintAt(const Place& place, journal::Reader& reader) {
    journal::ReadResult read = reader.ReadAt(place.position);
    // A living writer's snapshot may have taken the place of its segment.
    if (read.outcome == journal::ReadOutcome::kCompacted) {
      read = reader.Read(place.lsn);
    }
    if (read.outcome == journal::ReadOutcome::kRecord) {
      printer_.Print(read.record, FactsOf(read.record));
      return;
    }
    // It was whole a moment ago.
    Fail(context_, kExitFailed, journal::Describe(read.finding));
  }

  int SayWhatIsWrong() {
    const absl::StatusOr<JournalView> view =
        ViewJournal(options_.path, /*full=*/true, nullptr, context_.cipher);
    if (!view.ok()) return Fail(context_, view.status());
    const std::vector<std::string> advice = Advice(*view);
    if (!advice.empty()) {
      for (const journal::Finding& finding : view->report.findings) {
        context_.err << runner::Printable(journal::Describe(finding)) << "\n";
      }
    }
    for (const std::string& line : advice) context_.err << line << "\n";
    return ExitCodeOf(view->status);
  }

  int Follow() {
    absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
        OpenReader(last_lsn_ + 1);
    if (!reader.ok()) return Fail(context_, reader.status());
    for (;;) {
      const journal::ReadResult next = (*reader)->Next();
      switch (next.outcome) {
        case journal::ReadOutcome::kRecord: {
          if (filter_.needs_learning()) {
            filter_.Learn(next.record);
            filter_.EndLearning(/*writer_alive=*/true);
          }
          const RecordFacts facts = FactsOf(next.record);
          if (filter_.Matches(next.record, facts)) {
            printer_.Print(next.record, facts);
          }
          break;
        }
        case journal::ReadOutcome::kEnd:
          context_.out.flush();
          if (!context_.out) return kExitFailed;
          if (!context_.wait(kFollowInterval)) return kExitOk;
          break;
        case journal::ReadOutcome::kCompacted:
          context_.err << "journalctl-bench: records before LSN "
                       << next.first_lsn << " were removed\n";
          if (!context_.wait(kFollowInterval)) return kExitOk;
          break;
        case journal::ReadOutcome::kDamaged:
          context_.out.flush();
          return Fail(context_, kExitDamage,
                      absl::StrCat(journal::Describe(next.finding),
                                   "; next: journalctl-bench verify ",
                                   ShellWord(options_.path)));
      }
    }
  }

  const ShowOptions options_;
  RecordPrinter& printer_;
  Context& context_;
  RecordFilter filter_;
  std::deque<Place> places_;
  journal::Lsn last_lsn_ = 0;
  bool too_many_ = false;
};

absl::StatusOr<ShowOptions> ParseShowOptions(const Arguments& arguments,
                                             const Context& context) {
  ShowOptions options;
  absl::StatusOr<FilterOptions> filter =
      ParseFilterOptions(arguments, context.style.zone);
  if (!filter.ok()) return filter.status();
  options.filter = *std::move(filter);
  options.reverse = arguments.Has("reverse");
  options.follow = arguments.Has("follow");
  if (arguments.Has("lines")) {
    absl::StatusOr<uint64_t> lines =
        ParseNumber("--lines", arguments.Get("lines"), 0, kPlacesMax);
    if (!lines.ok()) return lines.status();
    options.lines = *lines;
  } else if (options.follow && options.filter.lsns.first == 1) {
    options.lines = kFollowLines;
  }
  if (options.follow && options.reverse) {
    return absl::InvalidArgumentError("-f and -r contradict each other");
  }
  if (options.follow && arguments.Get("output") == "json") {
    return absl::InvalidArgumentError(
        "-f never ends and -o json is one object: use -o jsonl");
  }
  absl::StatusOr<std::string> path = ResolveJournal(arguments.operands()[0]);
  if (!path.ok()) return path.status();
  options.path = *std::move(path);
  return options;
}

int Run(const Arguments& arguments, Context& context) {
  absl::StatusOr<std::unique_ptr<RecordPrinter>> printer =
      MakeRecordPrinter(arguments.Get("output"), context);
  if (!printer.ok()) return Fail(context, printer.status());
  absl::StatusOr<ShowOptions> options = ParseShowOptions(arguments, context);
  if (!options.ok()) return Fail(context, options.status());
  return Show(*std::move(options), **printer, context).Run();
}

}  // namespace

const Command& ShowCommand() {
  static const auto* const command = new Command{
      {"show",
       "J",
       1,
       1,
       "Shows the records of a journal, also of a damaged or living one.",
       "Each line: LSN, time, type, run, query id, what it says; separated by\n"
       "tabs in a pipe. TIME is 2026-11-21 15:30:22, 15:30, -5m, today, RFC\n"
       "3339 or @SECONDS. Exit codes: those of verify.\n",
       {{"run", 0, "N", "only records of run N"},
        {"query-id", 0, "GLOB", "only records of queries whose id matches"},
        {"status", 0, "WHAT",
         "ok: all records of answered queries; failed: of queries whose "
         "failure stands; in-doubt: attempts that began and never ended"},
        {"type", 0, "A,B", "only records of these types, as attempt-error"},
        {"since", 0, "TIME", "from this time on"},
        {"until", 0, "TIME", "up to this time"},
        {"lsn", 0, "A..B", "only these LSNs, both inclusive; A.. and ..B too"},
        {"lines", 'n', "N", "only the last N that match"},
        {"reverse", 'r', "", "newest first"},
        {"follow", 'f', "",
         "shows the last 10, then each new one as it comes, across rotation, "
         "snapshots and resume, until interrupted"},
        {"output", 'o', "FORM",
         "short (the default), verbose, json (one object), jsonl (a line a "
         "record)"}}},
      Run};
  return *command;
}

}  // namespace inspector
