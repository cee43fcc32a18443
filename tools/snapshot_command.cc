#include "tools/snapshot_command.h"

#include <signal.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "journal/journal.h"
#include "runner/base/printable.h"
#include "runner/config/option_values.h"
#include "runner/storage/progress_state.h"
#include "runner/storage/snapshot_request.h"
#include "tools/journal_view.h"
#include "tools/snapshot_files.h"

namespace inspector {
namespace {

// While it lives a signal that would end the program is only seen by
// Context::wait, so that what a command began can be taken back.
class SignalsHeldBack {
 public:
  SignalsHeldBack() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      sigaddset(&signals, signal);
    }
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  SignalsHeldBack(const SignalsHeldBack&) = delete;
  SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;
  ~SignalsHeldBack() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

class Snapshot {
 public:
  Snapshot(std::string path, absl::Duration timeout, Context& context)
      : path_(std::move(path)), timeout_(timeout), context_(context) {}

  int Run() {
    if (const absl::optional<Holder> holder = FindHolder(path_)) {
      const absl::optional<int> answered = Ask(*holder);
      if (answered.has_value()) return *answered;
      // The writer has ended, and the journal is ours.
    }
    if (!IsJournal(path_)) {
      return Fail(context_, kExitUsage,
                  absl::StrCat(path_, ": no journal here"));
    }
    absl::StatusOr<JournalView> view =
        ViewJournal(path_, /*full=*/false, nullptr, context_.cipher);
    if (!view.ok()) return Fail(context_, view.status());
    // A damaged one is for repair, a newer one for another program.
    const bool refused =
        view->status == JournalStatus::kDamaged
            ? view->report.outcome != journal::FindingKind::kSecondCopy
            : ExitCodeOf(view->status) != kExitOk &&
                  view->status != JournalStatus::kTorn;
    if (refused) return Refuse(*view);
    absl::Status made = Make(!view->report.key_id.empty());
    if (!made.ok()) return FailAndAdvise(made);
    return SayWhatThereIs();
  }

 private:
  // Nothing when nobody writes the journal any more.
  absl::optional<int> Ask(const Holder& holder) {
    const std::string who = HolderName(holder);
    if (context_.style.terminal) {
      context_.err << who << " is writing it, and is asked for a snapshot\n";
    }
    const absl::StatusOr<runner::AskOutcome> outcome = [this] {
      const SignalsHeldBack held_back;
      return runner::AskForSnapshot(path_, {timeout_, context_.wait});
    }();
    if (!outcome.ok()) return Fail(context_, outcome.status());
    switch (*outcome) {
      case runner::AskOutcome::kMade:
        return SayWhatThereIs();
      case runner::AskOutcome::kNobodyWrites:
        return absl::nullopt;
      case runner::AskOutcome::kNoSpace:
        return Unmade(kExitFailed, who, "has no room on its disk for it");
      case runner::AskOutcome::kDamaged:
        Unmade(kExitDamage, who, "has met damage in the log");
        return AdviseVerify();
      case runner::AskOutcome::kFailed:
        return Unmade(kExitFailed, who, "could not make it");
      case runner::AskOutcome::kNotTaken:
        return Unmade(kExitInUse, who,
                      "takes no requests (another program, or an older "
                      "version, or it is stopped); run this again when it has "
                      "ended");
      case runner::AskOutcome::kTooLate:
        return Unmade(
            kExitInUse, who,
            absl::StrCat("has not answered within ", Elapsed(timeout_),
                         ", and may still make it; --timeout waits "
                         "longer"));
      case runner::AskOutcome::kLost:
        return Unmade(kExitInUse, who,
                      "was asked, but something removes the requests");
      case runner::AskOutcome::kInterrupted:
        return kExitInUse;
    }
    return kExitFailed;
  }

  int Unmade(ExitCode exit_code, absl::string_view who,
             absl::string_view what) {
    return Fail(context_, exit_code,
                absl::StrCat(path_, ": no snapshot: ", who,
                             " is writing it, and ", what));
  }

  int AdviseVerify() {
    context_.err << "nothing was removed; next: journalctl-bench verify "
                 << ShellWord(path_) << "\n";
    return kExitDamage;
  }

  int Refuse(const JournalView& view) {
    for (const journal::Finding& finding : view.report.findings) {
      context_.err << runner::Printable(journal::Describe(finding)) << "\n";
    }
    for (const std::string& line : Advice(view)) context_.err << line << "\n";
    return ExitCodeOf(view.status);
  }

  int FailAndAdvise(const absl::Status& status) {
    const int exit_code = Fail(context_, status);
    return exit_code == kExitDamage ? AdviseVerify() : exit_code;
  }

  absl::Status Make(bool encrypted) {
    runner::ProgressState progress;  // Outlives the writer.
    journal::WriterOptions options;
    options.existing = journal::WriterOptions::Existing::kMustExist;
    // Every byte is looked at before anything takes its place.
    options.verify_all = true;
    options.folder = &progress;
    if (encrypted) options.cipher = context_.cipher;
    absl::StatusOr<std::unique_ptr<journal::Writer>> writer =
        journal::Writer::Open(path_, options);
    if (!writer.ok()) return writer.status();
    const uint64_t cut = (*writer)->recovery_report().bytes_cut;
    if (cut > 0) {
      context_.out << "Torn tail: " << context_.style.Count(cut)
                   << " bytes were cut and are kept in a .torn file; nothing "
                      "acknowledged is lost\n";
    }
    if (absl::Status s = (*writer)->Snapshot(); !s.ok()) return s;
    return (*writer)->Close();
  }

  int SayWhatThereIs() {
    const absl::StatusOr<JournalView> view =
        ViewJournal(path_, /*full=*/false, nullptr, context_.cipher);
    if (!view.ok()) return Fail(context_, view.status());
    const journal::RecoveryReport& report = view->report;
    const Style& style = context_.style;
    uint64_t second_copies = 0;
    for (const journal::SegmentInfo& segment : report.segments) {
      if (segment.covered) ++second_copies;
    }
    for (const SnapshotFile& snapshot : ListSnapshots(path_, report)) {
      if (!snapshot.used) continue;
      context_.out << "Snapshot " << snapshot.file << ": up to LSN "
                   << report.snapshot_lsn << ", " << report.snapshot_parts
                   << (report.snapshot_parts == 1 ? " part, " : " parts, ")
                   << style.Count(snapshot.records) << " records, "
                   << style.Bytes(snapshot.bytes) << "\n";
    }
    if (second_copies > 0) {
      context_.out << "The " << second_copies
                   << (second_copies == 1 ? " segment" : " segments")
                   << " before it stay as second copies; the next snapshot "
                      "lets them go\n";
    }
    context_.out << "Size " << style.Bytes(view->bytes) << "\n";
    return kExitOk;
  }

  const std::string path_;
  const absl::Duration timeout_;
  Context& context_;
};

absl::StatusOr<absl::Duration> TimeoutOf(const Arguments& arguments) {
  if (!arguments.Has("timeout")) return runner::AskOptions().timeout;
  absl::StatusOr<absl::Duration> timeout =
      runner::ParseDuration(arguments.Get("timeout"));
  if (!timeout.ok()) {
    return journal::WithContext(timeout.status(), "--timeout");
  }
  return timeout;
}

int Run(const Arguments& arguments, Context& context) {
  absl::StatusOr<std::string> path = ResolveJournal(arguments.operands()[0]);
  if (!path.ok()) return Fail(context, path.status());
  const absl::StatusOr<absl::Duration> timeout = TimeoutOf(arguments);
  if (!timeout.ok()) return Fail(context, timeout.status());
  return Snapshot(*std::move(path), *timeout, context).Run();
}

}  // namespace

const Command& SnapshotCommand() {
  static const auto* const command = new Command{
      {"snapshot",
       "J",
       1,
       1,
       "Compacts a journal: makes a snapshot now, or has its writer make it.",
       "Its records are compressed into parts, of which every byte is read\n"
       "back. A segment of the log is removed only once two snapshots hold "
       "its\n"
       "records: the first leaves it, the next one lets it go. All records "
       "stay.\n"
       "A living writer is asked by a file in the journal's directory, which\n"
       "needs no key. One that takes no requests is left alone: exit 12.\n"
       "Exit codes: 0 done, 10, 11 and 14 as of verify, 12 a living process\n"
       "writes it and has not made one.\n",
       {{"timeout", 0, "TIME",
         "how long a living writer may take, as 90s or 1h (10m)"}}},
      Run};
  return *command;
}

}  // namespace inspector
