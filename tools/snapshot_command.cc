#include "tools/snapshot_command.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "journal/journal.h"
#include "runner/base/printable.h"
#include "runner/storage/progress_state.h"
#include "tools/journal_view.h"
#include "tools/snapshot_files.h"

namespace inspector {
namespace {

class Snapshot {
 public:
  Snapshot(std::string path, Context& context)
      : path_(std::move(path)), context_(context) {}

  int Run() {
    if (const absl::optional<Holder> holder = FindHolder(path_)) {
      return Fail(context_, kExitInUse,
                  absl::StrCat(path_, ": ", HolderName(*holder),
                               " is writing it, and a living writer cannot be "
                               "asked yet; run this again when it has ended"));
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
  int Refuse(const JournalView& view) {
    for (const journal::Finding& finding : view.report.findings) {
      context_.err << runner::Printable(journal::Describe(finding)) << "\n";
    }
    for (const std::string& line : Advice(view)) context_.err << line << "\n";
    return ExitCodeOf(view.status);
  }

  int FailAndAdvise(const absl::Status& status) {
    const int exit_code = Fail(context_, status);
    if (exit_code == kExitDamage) {
      context_.err << "nothing was removed; next: journalctl-bench verify "
                   << ShellWord(path_) << "\n";
    }
    return exit_code;
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
  Context& context_;
};

int Run(const Arguments& arguments, Context& context) {
  absl::StatusOr<std::string> path = ResolveJournal(arguments.operands()[0]);
  if (!path.ok()) return Fail(context, path.status());
  return Snapshot(*std::move(path), context).Run();
}

}  // namespace

const Command& SnapshotCommand() {
  static const auto* const command = new Command{
      {"snapshot",
       "J",
       1,
       1,
       "Compacts a journal that nobody writes: makes a snapshot of it now.",
       "Its records are compressed into parts, of which every byte is read\n"
       "back. A segment of the log is removed only once two snapshots hold "
       "its\n"
       "records: the first leaves it, the next one lets it go. All records "
       "stay.\n"
       "Exit codes: 0 done, 10, 11 and 14 as of verify, 12 a living process\n"
       "writes it.\n",
       {}},
      Run};
  return *command;
}

}  // namespace inspector
