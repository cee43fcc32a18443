#include "tools/repair_command.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "journal/journal.h"
#include "journal/journal_lock.h"
#include "runner/base/printable.h"
#include "runner/base/text.h"
#include "tools/journal_check.h"
#include "tools/losses.h"

namespace inspector {
namespace {

namespace fs = std::filesystem;

// Kept beside the segments for people.
constexpr absl::string_view kErrorsLogName = "errors.log";
constexpr int kNameSuffixMax = 1000;

struct RepairOptions {
  std::string path;  // Absolute, links resolved.
  journal::RecoveryMode mode = journal::RecoveryMode::kSalvage;
  std::string output;  // Empty: in place.
  bool dry_run = false;
};

absl::Status RenameError(absl::string_view from, absl::string_view to,
                         int error_number) {
  return journal::ErrnoError(error_number,
                             absl::StrCat("rename ", from, " to ", to));
}

// Exchanges two directories in one step, where the file system can; else in
// two, the first of which is taken back when the second fails.
absl::Status Exchange(const std::string& a, const std::string& b,
                      const std::string& spare) {
  if (renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) ==
      0) {
    return absl::OkStatus();
  }
  if (errno != EINVAL && errno != ENOSYS) return RenameError(a, b, errno);
  if (rename(a.c_str(), spare.c_str()) != 0) {
    return RenameError(a, spare, errno);
  }
  if (rename(b.c_str(), a.c_str()) != 0) {
    const int error_number = errno;
    rename(spare.c_str(), a.c_str());
    return RenameError(b, a, error_number);
  }
  if (rename(spare.c_str(), b.c_str()) != 0) {
    return RenameError(spare, b, errno);
  }
  return absl::OkStatus();
}

class Repair {
 public:
  Repair(RepairOptions options, Context& context)
      : options_(std::move(options)), context_(context) {}

  int Run() {
    if (absl::Status locked = Lock(); !locked.ok()) {
      return Fail(context_, locked);
    }
    absl::StatusOr<JournalCheck> check =
        CheckJournal(options_.path, context_.cipher);
    if (!check.ok()) return Fail(context_, check.status());
    check_ = std::make_unique<JournalCheck>(*std::move(check));
    const JournalStatus status = check_->view.status;
    if (status == JournalStatus::kNewer) return SayAdvice();
    if (status != JournalStatus::kDamaged &&
        status != JournalStatus::kUnreadable) {
      return NothingToRepair();
    }
    SayFindings();
    absl::StatusOr<Losses> losses =
        FindLosses(options_.path, options_.mode, context_.cipher);
    if (!losses.ok()) return Fail(context_, losses.status());
    losses_ = *std::move(losses);
    if (options_.dry_run) {
      context_.out << "Nothing was changed (--dry-run). It would become "
                   << runner::Printable(Target()) << "\n";
      PrintLosses(losses_, context_);
      return kExitOk;
    }
    return options_.output.empty() ? InPlace() : IntoOutput();
  }

 private:
  // A journal that is being written must not be moved from under its writer.
  absl::Status Lock() {
    if (options_.dry_run || !options_.output.empty()) {
      const absl::optional<Holder> holder = FindHolder(options_.path);
      if (!holder.has_value()) return absl::OkStatus();
      return journal::MakeError(
          journal::ErrorKind::kLocked,
          absl::StrCat(options_.path, ": ", HolderName(*holder),
                       " is writing it; stop it first"));
    }
    absl::StatusOr<std::unique_ptr<journal::FileLock>> lock =
        journal::LockJournal(*journal::FileSystem::Posix(), options_.path);
    if (!lock.ok()) return lock.status();
    lock_ = *std::move(lock);
    return absl::OkStatus();
  }

  int SayAdvice() {
    for (const std::string& line : check_->advice()) {
      context_.err << runner::Printable(line) << "\n";
    }
    return check_->exit_code();
  }

  int NothingToRepair() {
    context_.out << runner::Printable(options_.path)
                 << ": nothing to repair, nothing was changed\n";
    // A torn tail and poison records are not for repair: what is for them.
    SayAdvice();
    return kExitOk;
  }

  void SayFindings() {
    const journal::RecoveryReport& report = check_->view.report;
    context_.out << runner::Printable(options_.path) << ": damaged\n";
    for (const journal::Finding& finding : report.findings) {
      context_.out << "  " << runner::Printable(journal::Describe(finding))
                   << "\n";
    }
    if (report.findings_more > 0) {
      context_.out << "  " << report.findings_more << " more bad places\n";
    }
    for (const LostRecord& lost : check_->lost) {
      context_.out << "  damaged record: " << runner::Printable(Describe(lost))
                   << "\n";
    }
  }

  std::string Target() const {
    return options_.output.empty() ? options_.path : options_.output;
  }

  int IntoOutput() {
    absl::Status copied = Copy(options_.output);
    if (!copied.ok()) return Fail(context_, copied);
    context_.out << "Repaired: " << runner::Printable(options_.output) << "\n"
                 << runner::Printable(options_.path) << " was not changed\n";
    return Finish();
  }

  // The copy is made under replaced/ and then changes places with the original,
  // so that there is a whole journal, or the untouched original, under the
  // journal's name at any moment.
  int InPlace() {
    const std::string parent = journal::ParentDirectory(options_.path);
    const std::string replaced = journal::JoinPath(parent, kReplacedName);
    journal::FileSystem& files = *journal::FileSystem::Posix();
    absl::Status status = files.CreateDirectory(replaced);
    if (!status.ok()) return Fail(context_, status);
    const std::string base =
        journal::JoinPath(replaced, BaseName(options_.path));
    const std::string utc =
        absl::FormatTime("%Y%m%dT%H%M%SZ", absl::Now(), absl::UTCTimeZone());
    absl::StatusOr<std::string> damaged =
        FreeName(absl::StrCat(base, ".damaged-", utc));
    absl::StatusOr<std::string> repairing =
        FreeName(absl::StrCat(base, ".repairing-", utc));
    absl::StatusOr<std::string> spare =
        FreeName(absl::StrCat(base, ".moving-", utc));
    for (const auto* name : {&damaged, &repairing, &spare}) {
      if (!name->ok()) return Fail(context_, name->status());
    }
    status = Copy(*repairing);
    if (!status.ok()) {
      std::error_code ignored;
      fs::remove_all(*repairing, ignored);
      context_.err << "journalctl-bench: the original is as it was\n";
      return Fail(context_, status);
    }
    status = Exchange(options_.path, *repairing, *spare);
    if (status.ok()) status = files.Rename(*repairing, *damaged);
    if (status.ok()) status = files.SyncDirectory(replaced);
    if (status.ok()) status = files.SyncDirectory(parent);
    if (!status.ok()) return Fail(context_, status);
    context_.out << "Repaired: " << runner::Printable(options_.path) << "\n"
                 << "Every original byte is kept in "
                 << runner::Printable(*damaged) << "\n";
    return Finish();
  }

  static absl::StatusOr<std::string> FreeName(const std::string& base) {
    std::error_code error;
    std::string name = base;
    for (int i = 2; i < kNameSuffixMax; ++i) {
      if (fs::symlink_status(name, error).type() == fs::file_type::not_found) {
        return name;
      }
      name = absl::StrCat(base, "_", i);
    }
    return journal::MakeError(journal::ErrorKind::kIo,
                              absl::StrCat(base, ": no free name"));
  }

  absl::Status Copy(const std::string& target) {
    journal::SalvageOptions salvage;
    salvage.mode = options_.mode;
    salvage.cipher = context_.cipher;
    absl::StatusOr<journal::RecoveryReport> report =
        journal::Salvage(options_.path, target, salvage);
    if (!report.ok()) return report.status();
    std::error_code error;
    const std::string errors_log =
        journal::JoinPath(options_.path, kErrorsLogName);
    if (fs::is_regular_file(errors_log, error)) {
      fs::copy_file(errors_log, journal::JoinPath(target, kErrorsLogName),
                    error);
      if (error) {
        context_.err << "journalctl-bench: " << kErrorsLogName
                     << " was not copied: " << error.message() << "\n";
      }
    }
    return absl::OkStatus();
  }

  int Finish() {
    PrintLosses(losses_, context_);
    const absl::StatusOr<JournalCheck> after =
        CheckJournal(Target(), context_.cipher);
    if (!after.ok()) return Fail(context_, after.status());
    const std::string word = ShellWord(Target());
    if (after->exit_code() != kExitOk) {
      context_.err << "What is left is whole, and not enough to go on with: "
                      "journalctl-bench verify "
                   << word << "\n";
      return after->exit_code();
    }
    context_.out << "Next: the same bench-runner run command goes on with it "
                    "and asks again for what is lost\n";
    return kExitOk;
  }

  const RepairOptions options_;
  Context& context_;
  std::unique_ptr<journal::FileLock> lock_;
  std::unique_ptr<JournalCheck> check_;
  Losses losses_;
};

absl::StatusOr<RepairOptions> ParseRepairOptions(const Arguments& arguments) {
  RepairOptions options;
  const std::string mode = arguments.Get("mode");
  if (mode == "point-in-time") {
    options.mode = journal::RecoveryMode::kPointInTime;
  } else if (!mode.empty() && mode != "salvage") {
    return absl::InvalidArgumentError(
        absl::StrCat("--mode: ", runner::Quoted(mode),
                     " is none of salvage, "
                     "point-in-time"));
  }
  options.output = arguments.Get("output");
  options.dry_run = arguments.Has("dry-run");
  absl::StatusOr<std::string> path = ResolveJournal(arguments.operands()[0]);
  if (!path.ok()) return path.status();
  // What is moved is the directory, not a link to it.
  std::error_code error;
  options.path = fs::canonical(*path, error).string();
  if (error) {
    return journal::ErrnoError(error.value(), *path);
  }
  if (!IsJournal(options.path)) {
    return journal::MakeError(journal::ErrorKind::kNotFound,
                              absl::StrCat(*path, ": no journal here"));
  }
  return options;
}

int Run(const Arguments& arguments, Context& context) {
  absl::StatusOr<RepairOptions> options = ParseRepairOptions(arguments);
  if (!options.ok()) return Fail(context, options.status());
  return Repair(*std::move(options), context).Run();
}

}  // namespace

const Command& RepairCommand() {
  static const auto* const command = new Command{
      {"repair",
       "J",
       1,
       1,
       "Makes a whole journal of what is whole in a damaged one.",
       "In place: the damaged journal moves, untouched, to\n"
       "replaced/<run_id>.damaged-<UTC> beside it, and the repaired one takes\n"
       "its name. Says what is lost by LSN and, where it can be told, by "
       "query\n"
       "id. A torn tail needs no repair: the same bench-runner run command "
       "cuts\n"
       "it. Exit codes: 0 repaired or nothing to repair, 1 I/O, 11 what is "
       "left\n"
       "is not enough to go on with, 12 a living process writes the journal.\n",
       {{"mode", 0, "MODE",
         "salvage (the default) keeps every whole record; point-in-time those "
         "before the first damage"},
        {"output", 0, "DIR",
         "writes the repaired journal to the new directory DIR and leaves J "
         "alone"},
        {"dry-run", 0, "", "says what would be lost, changes nothing"}}},
      Run};
  return *command;
}

}  // namespace inspector
