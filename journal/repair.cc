#include "journal/repair.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/file_copy.h"
#include "journal/format.h"
#include "journal/segment_header.h"
#include "journal/snapshot_choice.h"

namespace journal {
namespace {

constexpr uint64_t kCopyBytes = 1 << 20;

// Names tried for a .torn file before giving up.
constexpr int kTornNamesMax = 1000;

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
    absl::StatusOr<bool> same = SameBytes(*file, from, size, **old);
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
absl::Status Cut(FileSystem& fs, absl::string_view directory,
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

// Mode point-in-time: what lies behind the last good record steps aside, newest
// segments first, so that what is left is a journal at every moment; before
// them snapshots newer than the one stood on, which speak of what is given up.
absl::Status SetAside(FileSystem& fs, absl::string_view directory,
                      const JournalEnd& end) {
  absl::StatusOr<SnapshotFiles> files = ListSnapshotFiles(fs, directory);
  if (!files.ok()) return files.status();
  std::vector<std::string> names;
  for (const uint64_t id : files->manifests) {
    if (id > end.snapshot.manifest_id) names.push_back(ManifestFileName(id));
  }
  std::vector<uint64_t> segments = end.given_up_segments;
  std::sort(segments.rbegin(), segments.rend());
  for (const uint64_t id : segments) names.push_back(SegmentFileName(id));
  for (const std::string& name : names) {
    const std::string path = JoinPath(directory, name);
    bool kept = false;
    absl::StatusOr<std::string> torn = TornName(fs, path, nullptr, 0, 0, &kept);
    if (!torn.ok()) return torn.status();
    if (absl::Status s = fs.Rename(path, *torn); !s.ok()) return s;
  }
  return fs.SyncDirectory(directory);
}

// Writes the copy of a segment's header that does not validate again from the
// one that does: else the strict mode would refuse the journal for ever.
absl::Status CompleteHeader(FileSystem& fs, absl::string_view directory,
                            uint64_t segment_id) {
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(
      JoinPath(directory, SegmentFileName(segment_id)), OpenMode::kReadWrite);
  if (!file.ok()) return file.status();
  char copies[kSegmentHeaderCopies][kSegmentHeaderBytes] = {};
  absl::StatusOr<size_t> got = (*file)->ReadAt(0, copies[0], sizeof(copies));
  if (!got.ok()) return got.status();
  SegmentHeader header;
  const bool first_good =
      DecodeSegmentHeader(copies[0], &header) == HeaderState::kGood;
  const absl::string_view good(copies[first_good ? 0 : 1], kSegmentHeaderBytes);
  // What was examined may have changed since; then the good copy is no proof.
  if (DecodeSegmentHeader(good.data(), &header) != HeaderState::kGood) {
    return MakeError(ErrorKind::kIo,
                     absl::StrCat(directory, "/", SegmentFileName(segment_id),
                                  ": its header changed while it was read"));
  }
  absl::Status s = (*file)->WriteAt(first_good ? kSegmentHeaderBytes : 0, good);
  return s.ok() ? (*file)->Sync() : s;
}

}  // namespace

absl::Status Repair(FileSystem& fs, absl::string_view directory,
                    const Examination& found) {
  const JournalEnd& end = found.end;
  for (const uint64_t id : end.half_headers) {
    if (absl::Status s = CompleteHeader(fs, directory, id); !s.ok()) return s;
  }
  for (const JournalEnd::Stray& stray : end.strays) {
    absl::Status s = Cut(fs, directory, stray.segment_id, stray.from, stray.to);
    if (!s.ok()) return s;
  }
  if (found.report.action == RecoveryAction::kStopBefore) {
    if (absl::Status s = SetAside(fs, directory, end); !s.ok()) return s;
  }
  if (found.report.outcome != FindingKind::kCleanEnd &&
      end.cut_end > end.cursor.end_offset) {
    return Cut(fs, directory, end.header.segment_id, end.cursor.end_offset,
               end.cut_end);
  }
  return absl::OkStatus();
}

}  // namespace journal
