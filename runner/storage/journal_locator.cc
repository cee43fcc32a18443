#include "runner/storage/journal_locator.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "journal/error.h"
#include "journal/journal_lock.h"
#include "journal/reader.h"
#include "journal/recovery.h"
#include "runner/storage/journal_now.h"
#include "runner/storage/journal_read.h"

namespace runner {
namespace {

// Names tried before giving up.
constexpr int kSuffixMax = 10000;

// "20261121_".
constexpr size_t kDateChars = 8;

constexpr absl::string_view kSegmentSuffix = ".seg";
constexpr absl::string_view kManifestSuffix = ".manifest";

bool IsDated(absl::string_view name) {
  return name.size() > kDateChars && name[kDateChars] == '_' &&
         std::all_of(name.begin(), name.begin() + kDateChars,
                     [](char c) { return absl::ascii_isdigit(c); });
}

absl::string_view Undated(absl::string_view name) {
  return IsDated(name) ? name.substr(kDateChars + 1) : name;
}

// When the journal was made. A name knows only the day: its end is taken, so
// that an unreadable journal is not thought older than it is.
absl::Time CreatedOf(const LocatedJournal& journal) {
  if (journal.info.has_value()) return journal.info->created;
  if (!IsDated(journal.name)) return absl::InfinitePast();
  const absl::string_view name = journal.name;
  int year = 0;
  int month = 0;
  int day = 0;
  if (!absl::SimpleAtoi(name.substr(0, 4), &year) ||
      !absl::SimpleAtoi(name.substr(4, 2), &month) ||
      !absl::SimpleAtoi(name.substr(6, 2), &day)) {
    return absl::InfinitePast();
  }
  return absl::FromCivil(absl::CivilDay(year, month, day) + 1,
                         absl::UTCTimeZone());
}

bool IsNewer(const LocatedJournal& a, const LocatedJournal& b) {
  const absl::Time created_a = CreatedOf(a);
  const absl::Time created_b = CreatedOf(b);
  if (created_a != created_b) return created_a > created_b;
  // "_10" is newer than "_9".
  if (a.name.size() != b.name.size()) return a.name.size() > b.name.size();
  return a.name > b.name;
}

void SetFailure(const absl::Status& status, LocatedJournal* journal) {
  const journal::ErrorKind kind = journal::KindOf(status);
  journal->status = status;
  journal->condition = kind == journal::ErrorKind::kDamage
                           ? JournalCondition::kDamaged
                           : JournalCondition::kUnreadable;
}

std::string NameOf(absl::string_view directory) {
  const absl::string_view path = absl::StripSuffix(directory, "/");
  const size_t slash = path.rfind('/');
  return std::string(slash == absl::string_view::npos ? path
                                                      : path.substr(slash + 1));
}

// A directory of which nothing is known yet; nothing when it holds no
// journal.
absl::optional<LocatedJournal> Begin(journal::FileSystem& fs,
                                     absl::string_view directory) {
  absl::StatusOr<std::vector<std::string>> names = fs.List(directory);
  LocatedJournal found;
  found.directory = std::string(directory);
  found.name = NameOf(directory);
  if (!names.ok()) {
    // A plain file is no journal; a directory that refuses to be read may be.
    absl::StatusOr<bool> is_directory = fs.Exists(absl::StrCat(directory, "/"));
    if (!is_directory.ok() || !*is_directory) return absl::nullopt;
    SetFailure(names.status(), &found);
    return found;
  }
  // What a backup holds is a journal, too: a snapshot without the log.
  const bool is_journal =
      std::any_of(names->begin(), names->end(), [](const std::string& name) {
        return absl::EndsWith(name, kSegmentSuffix) ||
               absl::EndsWith(name, kManifestSuffix);
      });
  if (!is_journal) return absl::nullopt;
  return found;
}

// Reads what the journal is about from its first record. A failure is noted.
void ReadInfo(const JournalAccess& access, LocatedJournal* journal) {
  journal::ReaderOptions options;
  options.cipher = access.cipher;
  options.file_system = access.file_system;
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      journal::Reader::Open(journal->directory, options);
  if (!reader.ok()) return SetFailure(reader.status(), journal);
  const journal::ReadResult first = (*reader)->Next();
  if (first.outcome == journal::ReadOutcome::kEnd) {
    journal->condition = JournalCondition::kUnborn;
    return;
  }
  if (first.outcome != journal::ReadOutcome::kRecord) {
    return SetFailure(ReadFailure(first), journal);
  }
  absl::StatusOr<BenchmarkInfo> info =
      DecodeRecord<BenchmarkInfo>(first.record);
  if (!info.ok()) return SetFailure(info.status(), journal);
  journal->info = *std::move(info);
}

absl::Status ReadNow(const JournalAccess& access, const ProgressState& state,
                     LocatedJournal* journal) {
  journal::ReaderOptions options;
  options.cipher = access.cipher;
  options.file_system = access.file_system;
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      journal::Reader::Open(journal->directory, options);
  if (!reader.ok()) return reader.status();
  return ReadWhatHolds(**reader, state, *journal->info, journal->now);
}

// Finds the journal's condition by opening it as a writer would, but without
// changing it.
void ReadCondition(const JournalAccess& access, ProgressState& state,
                   LocatedJournal* journal) {
  journal::ExamineOptions options;
  options.full = false;
  options.folder = &state;
  options.cipher = access.cipher;
  options.file_system = access.file_system;
  absl::StatusOr<journal::RecoveryReport> report =
      journal::Examine(journal->directory, options);
  if (!report.ok()) return SetFailure(report.status(), journal);
  if (absl::Status s = journal::StatusOf(*report); !s.ok()) {
    return SetFailure(s, journal);
  }
  journal->torn_tail = report->outcome == journal::FindingKind::kTornTail;
  const OddRecords odd = state.odd_records();
  if (odd.unknown_lsn != 0) {
    return SetFailure(
        journal::MakeError(journal::ErrorKind::kNewerVersion,
                           absl::StrCat("LSN ", odd.unknown_lsn,
                                        " was written by a newer version")),
        journal);
  }
  if (!journal->info.has_value()) return;
  absl::Status now = ReadNow(access, state, journal);
  if (!now.ok()) return SetFailure(now, journal);
  journal->totals = state.totals();
  journal->rows = state.rows();
  journal->selection_lsn = state.newest_selection_lsn();
  journal->complete_exit_code = state.complete_exit_code();
  journal->complete_time = state.complete_time();
  if (state.rows() < state.announced_queries()) {
    if (odd.poison == 0) {
      journal->condition = JournalCondition::kUnborn;
      return;
    }
    return SetFailure(
        journal::MakeError(
            journal::ErrorKind::kDamage,
            absl::StrCat("LSN ", odd.first_poison_lsn, ": a poison record")),
        journal);
  }
  journal->condition = state.complete() ? JournalCondition::kComplete
                                        : JournalCondition::kUnfinished;
}

// Names in the journal directory that may be journals.
absl::StatusOr<std::vector<std::string>> CandidateNames(
    journal::FileSystem& fs, absl::string_view journal_dir) {
  absl::StatusOr<bool> exists = fs.Exists(journal_dir);
  if (!exists.ok()) return exists.status();
  if (!*exists) return std::vector<std::string>();
  absl::StatusOr<std::vector<std::string>> names = fs.List(journal_dir);
  if (!names.ok()) return names.status();
  std::vector<std::string> candidates;
  for (std::string& name : *names) {
    if (name == kLatestName || name == kReplacedName || name[0] == '.') {
      continue;
    }
    candidates.push_back(std::move(name));
  }
  return candidates;
}

void KeepNewer(LocatedJournal journal, absl::optional<LocatedJournal>* newest) {
  if (newest->has_value() && IsNewer(**newest, journal)) return;
  *newest = std::move(journal);
}

// Creating a journal here would neither touch nor hide anything.
bool MayBeCreated(const JournalAccess& access, absl::string_view directory) {
  journal::FileSystem& fs = *access.file_system;
  absl::StatusOr<bool> exists = fs.Exists(directory);
  if (exists.ok() && !*exists) return true;
  const absl::optional<LocatedJournal> journal =
      LocateJournal(access, directory);
  if (journal.has_value()) {
    return journal->condition == JournalCondition::kUnborn &&
           !journal->info.has_value();
  }
  absl::StatusOr<std::vector<std::string>> names = fs.List(directory);
  return names.ok() &&
         std::all_of(names->begin(), names->end(), [](const std::string& name) {
           return name == journal::kLockFileName ||
                  absl::EndsWith(name, ".seg.new");
         });
}

std::string WithSuffix(absl::string_view name, int number) {
  return number == 1 ? std::string(name) : absl::StrCat(name, "_", number);
}

}  // namespace

bool IsRunIdLike(absl::string_view name, absl::string_view run_id) {
  absl::string_view rest = Undated(name);
  if (!absl::ConsumePrefix(&rest, Undated(run_id))) return false;
  if (rest.empty()) return true;
  return absl::ConsumePrefix(&rest, "_") && !rest.empty() &&
         std::all_of(rest.begin(), rest.end(),
                     [](char c) { return absl::ascii_isdigit(c); });
}

absl::string_view JournalConditionName(JournalCondition condition) {
  switch (condition) {
    case JournalCondition::kComplete:
      return "complete";
    case JournalCondition::kUnfinished:
      return "unfinished";
    case JournalCondition::kUnborn:
      return "empty";
    case JournalCondition::kDamaged:
      return "damaged";
    case JournalCondition::kUnreadable:
      return "unreadable";
  }
  return "unknown";
}

absl::optional<LocatedJournal> LocateJournal(const JournalAccess& access,
                                             absl::string_view directory,
                                             ProgressState* state) {
  absl::optional<LocatedJournal> found = Begin(*access.file_system, directory);
  if (!found.has_value() || !found->status.ok()) return found;
  ReadInfo(access, &*found);
  // Also when the first record cannot be read: what recovery says of the whole
  // is the better reason.
  const absl::Status first_failure = found->status;
  ProgressState own;
  ReadCondition(access, state == nullptr ? own : *state, &*found);
  if (found->status.ok()) found->status = first_failure;
  return found;
}

absl::StatusOr<std::vector<LocatedJournal>> ListJournals(
    const JournalAccess& access, absl::string_view journal_dir) {
  absl::StatusOr<std::vector<std::string>> names =
      CandidateNames(*access.file_system, journal_dir);
  if (!names.ok()) return names.status();
  std::vector<LocatedJournal> journals;
  for (const std::string& name : *names) {
    absl::optional<LocatedJournal> found =
        LocateJournal(access, journal::JoinPath(journal_dir, name));
    if (found.has_value()) journals.push_back(*std::move(found));
  }
  std::sort(journals.begin(), journals.end(), IsNewer);
  return journals;
}

namespace {

// Its name tells a journal of which nothing else is known.
bool IsRelevant(const LocatedJournal& found, const JournalQuery& query) {
  if (CreatedOf(found) < query.created_min) return false;
  if (!found.info.has_value()) return IsRunIdLike(found.name, query.run_id);
  return found.info->benchmark_id == query.benchmark_id &&
         found.info->shard_index == query.shard_index &&
         found.info->shard_count == query.shard_count;
}

// True for one that says so itself; a damaged one says nothing.
bool NothingAsked(const LocatedJournal& journal) {
  return journal.condition == JournalCondition::kUnfinished &&
         journal.totals.attempts == 0;
}

}  // namespace

absl::StatusOr<JournalMatch> FindJournal(const JournalAccess& access,
                                         absl::string_view journal_dir,
                                         const JournalQuery& query) {
  absl::StatusOr<std::vector<std::string>> names =
      CandidateNames(*access.file_system, journal_dir);
  if (!names.ok()) return names.status();
  JournalMatch match;
  for (const std::string& name : *names) {
    absl::optional<LocatedJournal> found =
        Begin(*access.file_system, journal::JoinPath(journal_dir, name));
    if (!found.has_value()) continue;
    if (found->status.ok()) ReadInfo(access, &*found);
    // Only what is asked for is read further.
    if (!IsRelevant(*found, query)) continue;
    if (found->status.ok() || found->condition == JournalCondition::kDamaged) {
      found = LocateJournal(access, found->directory);
    }
    if (!found.has_value() || found->condition == JournalCondition::kUnborn) {
      continue;
    }
    const bool same = !found->info.has_value() ||
                      found->info->identity_hash == query.identity_hash;
    if (same) {
      KeepNewer(*std::move(found), &match.same);
    } else if (found->condition != JournalCondition::kComplete &&
               !NothingAsked(*found)) {
      KeepNewer(*std::move(found), &match.other_identity);
    }
  }
  return match;
}

absl::StatusOr<std::string> FreeRunId(const JournalAccess& access,
                                      absl::string_view journal_dir,
                                      absl::string_view run_id) {
  for (int number = 1; number <= kSuffixMax; ++number) {
    const std::string name = WithSuffix(run_id, number);
    if (MayBeCreated(access, journal::JoinPath(journal_dir, name))) return name;
  }
  return journal::MakeError(
      journal::ErrorKind::kInvalidArgument,
      absl::StrCat(journal_dir, ": ", run_id, " and ", kSuffixMax - 1,
                   " names like it are taken; move some away"));
}

absl::Status PointLatestAt(journal::FileSystem& fs,
                           absl::string_view journal_dir,
                           absl::string_view name) {
  const std::string link = journal::JoinPath(journal_dir, kLatestName);
  if (name == kLatestName) {
    return journal::MakeError(
        journal::ErrorKind::kInvalidArgument,
        absl::StrCat(link, ": is not made to point at itself"));
  }
  // A leftover of a process that died here is in nobody's way.
  const std::string temporary =
      absl::StrCat(journal_dir, "/.", kLatestName, ".", getpid());
  unlink(temporary.c_str());
  if (symlink(std::string(name).c_str(), temporary.c_str()) != 0) {
    return journal::ErrnoError(errno, temporary);
  }
  char target[1];
  if (readlink(link.c_str(), target, sizeof(target)) < 0 && errno != ENOENT) {
    const absl::Status status = journal::ErrnoError(
        errno, absl::StrCat(link, " is not a link; move it away"));
    unlink(temporary.c_str());
    return status;
  }
  if (absl::Status s = fs.Rename(temporary, link); !s.ok()) {
    unlink(temporary.c_str());
    return s;
  }
  return fs.SyncDirectory(journal_dir);
}

absl::Status MendLatest(const JournalAccess& access,
                        absl::string_view journal_dir) {
  const std::string link = journal::JoinPath(journal_dir, kLatestName);
  char target[1];
  if (readlink(link.c_str(), target, sizeof(target)) < 0) {
    return absl::OkStatus();  // There is none.
  }
  struct stat ignored;
  if (stat(link.c_str(), &ignored) == 0) return absl::OkStatus();
  const absl::StatusOr<std::vector<LocatedJournal>> left =
      ListJournals(access, journal_dir);
  if (!left.ok()) return left.status();
  for (const LocatedJournal& each : *left) {
    if (each.condition == JournalCondition::kUnborn) continue;
    return PointLatestAt(*access.file_system, journal_dir, each.name);
  }
  if (unlink(link.c_str()) != 0) return journal::ErrnoError(errno, link);
  return access.file_system->SyncDirectory(journal_dir);
}

absl::StatusOr<std::string> MoveToReplaced(
    journal::FileSystem& fs, absl::string_view journal_dir,
    absl::string_view name, std::unique_ptr<journal::FileLock> lock) {
  const std::string source = journal::JoinPath(journal_dir, name);
  absl::StatusOr<bool> exists = fs.Exists(source);
  if (!exists.ok()) return exists.status();
  if (!*exists) {
    return journal::MakeError(journal::ErrorKind::kNotFound,
                              absl::StrCat(source, ": no journal here"));
  }
  // Held until it has moved, so that no writer is left behind without a name.
  if (lock == nullptr) {
    absl::StatusOr<std::unique_ptr<journal::FileLock>> taken =
        journal::LockJournal(fs, source);
    if (!taken.ok()) return taken.status();
    lock = *std::move(taken);
  }
  const std::string replaced = journal::JoinPath(journal_dir, kReplacedName);
  if (absl::Status s = fs.CreateDirectory(replaced); !s.ok()) return s;
  for (int number = 1; number <= kSuffixMax; ++number) {
    const std::string target =
        journal::JoinPath(replaced, WithSuffix(name, number));
    absl::StatusOr<bool> taken = fs.Exists(target);
    if (!taken.ok()) return taken.status();
    if (*taken) continue;
    if (absl::Status s = fs.Rename(source, target); !s.ok()) return s;
    // First where it is now, then where it no longer is: a crash between the
    // two shows it twice rather than not at all.
    if (absl::Status s = fs.SyncDirectory(replaced); !s.ok()) return s;
    if (absl::Status s = fs.SyncDirectory(journal_dir); !s.ok()) return s;
    return target;
  }
  return journal::MakeError(
      journal::ErrorKind::kInvalidArgument,
      absl::StrCat(replaced, ": ", name, " and ", kSuffixMax - 1,
                   " names like it are taken; move some away"));
}

}  // namespace runner
