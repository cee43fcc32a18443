#include "journal/writer_open.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/examiner.h"

namespace journal {
namespace {

// At most this much may be written and not fsynced (but for one frame that is
// itself larger), so that a torn tail has a bound that recovery can check.
constexpr uint64_t kMaxUnsyncedBytes = 32 << 20;

constexpr uint64_t kCopyBytes = 1 << 20;

// Names tried for a .torn file before giving up.
constexpr int kTornNamesMax = 1000;

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
    } else if (absl::EndsWith(name, absl::StrCat(".seg", kNewSuffix))) {
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

// Compares two files' ranges; `b_offset` is 0.
absl::StatusOr<bool> SameBytes(File& a, uint64_t a_offset, File& b,
                               uint64_t size) {
  absl::StatusOr<uint64_t> b_size = b.Size();
  if (!b_size.ok()) return b_size.status();
  if (*b_size != size) return false;
  std::string x(kCopyBytes, '\0');
  std::string y(kCopyBytes, '\0');
  for (uint64_t done = 0; done < size; done += kCopyBytes) {
    const uint64_t step = std::min(kCopyBytes, size - done);
    absl::StatusOr<size_t> got_x = a.ReadAt(a_offset + done, x.data(), step);
    if (!got_x.ok()) return got_x.status();
    absl::StatusOr<size_t> got_y = b.ReadAt(done, y.data(), step);
    if (!got_y.ok()) return got_y.status();
    if (*got_x != step || *got_y != step ||
        x.compare(0, step, y, 0, step) != 0) {
      return false;
    }
  }
  return true;
}

absl::Status CopyRange(File& from, uint64_t offset, uint64_t size, File& to) {
  std::string buffer(kCopyBytes, '\0');
  for (uint64_t done = 0; done < size; done += kCopyBytes) {
    const uint64_t step = std::min(kCopyBytes, size - done);
    absl::StatusOr<size_t> got =
        from.ReadAt(offset + done, buffer.data(), step);
    if (!got.ok()) return got.status();
    absl::Status s = to.WriteAt(done, absl::string_view(buffer.data(), *got));
    if (!s.ok()) return s;
  }
  return to.Sync();
}

absl::StatusOr<uint64_t> FirstNonZero(File& file, uint64_t from, uint64_t to) {
  std::string buffer(kCopyBytes, '\0');
  for (uint64_t at = from; at < to; at += kCopyBytes) {
    const uint64_t step = std::min(kCopyBytes, to - at);
    absl::StatusOr<size_t> got = file.ReadAt(at, buffer.data(), step);
    if (!got.ok()) return got.status();
    const size_t found =
        absl::string_view(buffer.data(), *got).find_first_not_of('\0');
    if (found != absl::string_view::npos) return at + found;
  }
  return to;
}

// A name for a .torn file that is free, or taken by a copy of just these bytes
// (an earlier opening was interrupted behind it): then `*kept` is set.
absl::StatusOr<std::string> TornName(FileSystem& fs, absl::string_view segment,
                                     File* file, uint64_t from, uint64_t size,
                                     bool* kept) {
  *kept = false;
  for (int i = 1; i <= kTornNamesMax; ++i) {
    const std::string name = i == 1
                                 ? absl::StrCat(segment, kTornSuffix)
                                 : absl::StrCat(segment, kTornSuffix, ".", i);
    absl::StatusOr<bool> exists = fs.Exists(name);
    if (!exists.ok()) return exists.status();
    if (!*exists) return name;
    if (file == nullptr) continue;
    absl::StatusOr<std::unique_ptr<File>> old = fs.Open(name, OpenMode::kRead);
    if (!old.ok()) return old.status();
    absl::StatusOr<bool> same = SameBytes(*file, from, **old, size);
    if (!same.ok()) return same.status();
    *kept = *same;
    if (*same) return name;
  }
  return MakeError(ErrorKind::kIo,
                   absl::StrCat(segment,
                                ": too many .torn files; move them "
                                "elsewhere and open again"));
}

// Keeps [from, to) of a segment in its .torn file, then zeroes it in place.
absl::Status CutTail(FileSystem& fs, absl::string_view directory,
                     uint64_t segment_id, uint64_t from, uint64_t to) {
  const std::string path = JoinPath(directory, SegmentFileName(segment_id));
  absl::StatusOr<std::unique_ptr<File>> file =
      fs.Open(path, OpenMode::kReadWrite);
  if (!file.ok()) return file.status();
  bool kept = false;
  absl::StatusOr<std::string> torn =
      TornName(fs, path, file->get(), from, to - from, &kept);
  if (!torn.ok()) return torn.status();
  if (!kept) {
    const std::string temporary = absl::StrCat(*torn, kNewSuffix);
    absl::StatusOr<std::unique_ptr<File>> copy =
        fs.Open(temporary, OpenMode::kCreate);
    if (!copy.ok()) return copy.status();
    absl::Status s = CopyRange(**file, from, to - from, **copy);
    if (s.ok()) s = fs.Rename(temporary, *torn);
    if (!s.ok()) {
      fs.Remove(temporary).IgnoreError();
      return s;
    }
  }
  if (absl::Status s = fs.SyncDirectory(directory); !s.ok()) return s;
  // What is zero already stays as it is: it may share a sector with something
  // that was acknowledged.
  absl::StatusOr<uint64_t> first = FirstNonZero(**file, from, to);
  if (!first.ok()) return first.status();
  const std::string zeros(kCopyBytes, '\0');
  for (uint64_t at = *first; at < to; at += kCopyBytes) {
    const uint64_t step = std::min(kCopyBytes, to - at);
    absl::Status s =
        (*file)->WriteAt(at, absl::string_view(zeros.data(), step));
    if (!s.ok()) return s;
  }
  return (*file)->Sync();
}

// Mode point-in-time: segments behind the last good record step aside, newest
// first, so that what is left is a journal at every moment.
absl::Status SetAside(FileSystem& fs, absl::string_view directory,
                      std::vector<uint64_t> ids) {
  std::sort(ids.rbegin(), ids.rend());
  for (const uint64_t id : ids) {
    const std::string path = JoinPath(directory, SegmentFileName(id));
    bool kept = false;
    absl::StatusOr<std::string> torn = TornName(fs, path, nullptr, 0, 0, &kept);
    if (!torn.ok()) return torn.status();
    if (absl::Status s = fs.Rename(path, *torn); !s.ok()) return s;
  }
  return fs.SyncDirectory(directory);
}

absl::Status Repair(FileSystem& fs, absl::string_view directory,
                    const Examination& found) {
  const JournalEnd& end = found.end;
  if (!end.given_up_segments.empty()) {
    absl::Status s = SetAside(fs, directory, end.given_up_segments);
    if (!s.ok()) return s;
  }
  if (found.report.outcome != FindingKind::kCleanEnd &&
      end.cut_end > end.cursor.end_offset) {
    return CutTail(fs, directory, end.header.segment_id, end.cursor.end_offset,
                   end.cut_end);
  }
  return absl::OkStatus();
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
  // Some of it would be readable by anybody, whatever the caller believes.
  if (options.cipher != nullptr && found->end.header.segment_id != 0 &&
      found->end.header.key_id == KeyId()) {
    return MakeError(ErrorKind::kInvalidArgument,
                     absl::StrCat(directory,
                                  ": a key is given for a journal that is not "
                                  "encrypted; only a new journal can be, from "
                                  "its first record on"));
  }
  switch (found->report.action) {
    case RecoveryAction::kOpen:
    case RecoveryAction::kCut:
      return found;
    case RecoveryAction::kStopBefore:
      // With nothing good before the damage there is nothing to go on from.
      if (options.append_after_damage && found->end.header.segment_id != 0) {
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
  if (absl::Status s = MakeDirectory(fs, directory, options); !s.ok()) return s;
  absl::StatusOr<std::unique_ptr<FileLock>> lock =
      fs.Lock(JoinPath(directory, kLockFileName));
  if (!lock.ok()) return WithContext(lock.status(), directory);
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
  log_options.max_unsynced_bytes =
      options.sync_mode == SyncMode::kNone ? 0 : kMaxUnsyncedBytes;
  log_options.cipher = options.cipher;

  absl::StatusOr<std::unique_ptr<SegmentLog>> log;
  if (listing->ids.empty()) {
    if (options.existing == WriterOptions::Existing::kMustExist) {
      return MakeError(ErrorKind::kNotFound,
                       absl::StrCat(directory, ": no journal here"));
    }
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
    if (s = Clean(fs, directory, *listing); !s.ok()) return s;
    if (s = Repair(fs, directory, *found); !s.ok()) return s;
    opened.report = std::move(found->report);
    log = SegmentLog::Continue(log_options, found->end);
  }
  if (!log.ok()) return log.status();
  opened.log = *std::move(log);
  return opened;
}

}  // namespace journal
