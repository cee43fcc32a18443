#include "journal/writer_open.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "journal/error.h"
#include "journal/examiner.h"
#include "journal/journal_lock.h"
#include "journal/repair.h"
#include "journal/snapshot_choice.h"
#include "journal/snapshot_keeper.h"

namespace journal {
namespace {

// At most this much may be written and not fsynced (but for one frame that is
// itself larger), so that a torn tail has a bound that recovery can check.
constexpr uint64_t kMaxUnsyncedBytes = 32 << 20;

absl::Status MakeDirectory(FileSystem& fs, absl::string_view directory,
                           const WriterOptions& options) {
  absl::StatusOr<bool> exists = fs.Exists(directory);
  if (!exists.ok()) return exists.status();
  if (*exists) return absl::OkStatus();
  if (options.existing == WriterOptions::Existing::kMustExist) {
    return MakeError(ErrorKind::kNotFound,
                     absl::StrCat(directory, ": no journal here"));
  }
  return fs.CreateDirectory(directory);
}

bool IsUnfinished(absl::string_view name) {
  return absl::ConsumeSuffix(&name, kNewSuffix) &&
         (absl::EndsWith(name, ".seg") || absl::EndsWith(name, ".part") ||
          absl::EndsWith(name, ".manifest"));
}

struct Listing {
  std::vector<uint64_t> ids;      // Of the segments, in order.
  std::vector<std::string> left;  // Prepared by an earlier writer, not used.
};

absl::StatusOr<Listing> List(FileSystem& fs, absl::string_view directory) {
  absl::StatusOr<std::vector<std::string>> names = fs.List(directory);
  if (!names.ok()) return names.status();
  Listing listing;
  for (const std::string& name : *names) {
    if (absl::optional<uint64_t> id = ParseSegmentFileName(name)) {
      listing.ids.push_back(*id);
    } else if (IsUnfinished(name)) {
      listing.left.push_back(name);
    }
  }
  std::sort(listing.ids.begin(), listing.ids.end());
  return listing;
}

// Not before the journal is known to be one that may be written.
absl::Status Clean(FileSystem& fs, absl::string_view directory,
                   const Listing& listing) {
  for (const std::string& name : listing.left) {
    absl::Status s = fs.Remove(JoinPath(directory, name));
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

// What the page cache holds need not be what the disk holds: a failed fsync
// leaves pages that only look clean. So first everything that may still be
// unsynced is synced, then forgotten, and what is read next comes from the
// disk.
absl::Status SyncNewest(FileSystem& fs, absl::string_view directory,
                        const std::vector<uint64_t>& ids) {
  for (size_t i = ids.size() >= 2 ? ids.size() - 2 : 0; i < ids.size(); ++i) {
    absl::StatusOr<std::unique_ptr<File>> file = fs.Open(
        JoinPath(directory, SegmentFileName(ids[i])), OpenMode::kReadWrite);
    if (!file.ok()) return file.status();
    if (absl::Status s = (*file)->Sync(); !s.ok()) return s;
    if (absl::Status s = (*file)->DropCache(); !s.ok()) return s;
  }
  return fs.SyncDirectory(directory);
}

// What cannot be read there now is the backup's own trouble.
absl::Status CheckBackup(const WriterOptions& options,
                         const absl::optional<JournalUuid>& uuid) {
  const std::string& backup = options.snapshots.backup_directory;
  if (backup.empty()) return absl::OkStatus();
  absl::Status s = CheckBackupDirectory(*options.file_system, backup, uuid);
  return KindOf(s) == ErrorKind::kInvalidArgument ? s : absl::OkStatus();
}

absl::StatusOr<Examination> ExamineForAppend(absl::string_view directory,
                                             const WriterOptions& options) {
  ExamineOptions examine;
  examine.mode = options.recovery_mode;
  examine.full = options.verify_all;
  examine.folder = options.folder;
  examine.cipher = options.cipher;
  examine.file_system = options.file_system;
  absl::StatusOr<Examination> found =
      Examiner(directory, examine, nullptr).Run();
  if (!found.ok()) return found.status();
  const JournalEnd& end = found->end;
  if (absl::Status s = CheckKey(end.key_id, options.cipher); !s.ok()) {
    return WithContext(s, directory);
  }
  // Some of it would be readable by anybody, whatever the caller believes.
  if (options.cipher != nullptr && end.header.segment_id != 0 &&
      end.key_id == KeyId()) {
    return MakeError(ErrorKind::kInvalidArgument,
                     absl::StrCat(directory,
                                  ": a key is given for a journal that is not "
                                  "encrypted; only a new journal can be, from "
                                  "its first record on"));
  }
  switch (found->report.action) {
    case RecoveryAction::kOpen:
    case RecoveryAction::kCut:
      // Nothing steps aside that no finding speaks of.
      if (found->end.given_up_segments.empty()) return found;
      return MakeError(
          ErrorKind::kDamage,
          absl::StrCat(directory, ": segments do not continue each other"));
    case RecoveryAction::kStopBefore:
      // With nothing good before the damage there is nothing to go on from.
      if (options.append_after_damage && end.header.segment_id != 0) {
        return found;
      }
      break;
    case RecoveryAction::kRefuse:
    case RecoveryAction::kSkip:
      break;
  }
  return StatusOf(found->report);
}

}  // namespace

absl::StatusOr<OpenedLog> OpenLog(absl::string_view directory,
                                  const WriterOptions& options) {
  FileSystem& fs = *options.file_system;
  OpenedLog opened;
  opened.directory = std::string(directory);
  if (absl::Status s = MakeDirectory(fs, directory, options); !s.ok()) return s;
  absl::StatusOr<std::unique_ptr<FileLock>> lock = LockJournal(fs, directory);
  if (!lock.ok()) return lock.status();
  opened.lock = *std::move(lock);
  absl::StatusOr<Listing> listing = List(fs, directory);
  if (!listing.ok()) return listing.status();
  absl::StatusOr<FileSystemTraits> traits = fs.Traits(directory);
  if (!traits.ok()) return traits.status();

  SegmentLog::Options log_options;
  log_options.fs = &fs;
  log_options.clock = options.clock;
  log_options.directory = std::string(directory);
  log_options.zero_ahead = traits->overwrites_in_place;
  log_options.segment_bytes_min = options.segment_bytes_min;
  log_options.segment_bytes_max = options.segment_bytes_max;
  log_options.may_remove_segments = options.snapshots.log_bytes > 0 ||
                                    options.snapshots.on_close ||
                                    options.compactor != nullptr;
  log_options.max_unsynced_bytes =
      options.sync_mode == SyncMode::kNone ? 0 : kMaxUnsyncedBytes;
  log_options.cipher = options.cipher;

  absl::StatusOr<std::unique_ptr<SegmentLog>> log;
  absl::StatusOr<SnapshotFiles> snapshots = ListSnapshotFiles(fs, directory);
  if (!snapshots.ok()) return snapshots.status();
  // A snapshot that has lost its log is a damaged journal, not an empty one.
  if (listing->ids.empty() && snapshots->manifests.empty() &&
      snapshots->parts.empty()) {
    if (options.existing == WriterOptions::Existing::kMustExist) {
      return MakeError(ErrorKind::kNotFound,
                       absl::StrCat(directory, ": no journal here"));
    }
    absl::Status own = CheckBackup(options, absl::nullopt);
    if (!own.ok()) return own;
    // Whoever made the directory may have died before its name was durable.
    absl::Status s = fs.SyncDirectory(ParentDirectory(directory));
    if (!s.ok()) return s;
    if (s = Clean(fs, directory, *listing); !s.ok()) return s;
    if (options.folder != nullptr) options.folder->Reset();
    if (options.cipher != nullptr) {
      opened.report.key_id = KeyIdHex(options.cipher->id());
    }
    opened.report.mode = options.recovery_mode;
    opened.report.full = true;
    log = SegmentLog::Create(log_options);
  } else {
    if (options.existing == WriterOptions::Existing::kMustNotExist) {
      return MakeError(ErrorKind::kInvalidArgument,
                       absl::StrCat(directory, ": a journal is already here"));
    }
    absl::Status s = SyncNewest(fs, directory, listing->ids);
    if (!s.ok()) return s;
    absl::StatusOr<Examination> found = ExamineForAppend(directory, options);
    if (!found.ok()) return found.status();
    if (s = CheckBackup(options, found->end.uuid); !s.ok()) return s;
    if (s = Clean(fs, directory, *listing); !s.ok()) return s;
    if (s = Repair(fs, directory, *found); !s.ok()) return s;
    opened.report = std::move(found->report);
    opened.snapshot = found->end.snapshot;
    log = SegmentLog::Continue(log_options, found->end);
  }
  if (!log.ok()) return log.status();
  opened.log = *std::move(log);
  return opened;
}

}  // namespace journal
