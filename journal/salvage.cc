#include "journal/salvage.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "journal/error.h"
#include "journal/format.h"
#include "journal/journal_lock.h"
#include "journal/recovery.h"
#include "journal/segment_header.h"
#include "journal/writer.h"

namespace journal {
namespace {

constexpr absl::string_view kIncompleteSuffix = ".incomplete";

bool IsOurs(absl::string_view name) {
  absl::ConsumeSuffix(&name, kNewSuffix);
  return name == kLockFileName || ParseSegmentFileName(name).has_value();
}

// Removes what an interrupted salvage left, and nothing that it did not write.
absl::Status RemoveUnfinished(FileSystem& fs, absl::string_view directory) {
  absl::StatusOr<bool> exists = fs.Exists(directory);
  if (!exists.ok() || !*exists) return exists.status();
  absl::StatusOr<std::vector<std::string>> names = fs.List(directory);
  if (!names.ok()) return names.status();
  const auto foreign = std::find_if_not(names->begin(), names->end(), IsOurs);
  if (foreign != names->end()) {
    return MakeError(ErrorKind::kInvalidArgument,
                     absl::StrCat(JoinPath(directory, *foreign),
                                  ": not what a salvage that was interrupted "
                                  "leaves; move it elsewhere"));
  }
  for (const std::string& name : *names) {
    absl::Status s = fs.Remove(JoinPath(directory, name));
    if (!s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RecoveryReport> Salvage(absl::string_view source,
                                       absl::string_view target,
                                       const SalvageOptions& options) {
  if (options.mode != RecoveryMode::kSalvage &&
      options.mode != RecoveryMode::kPointInTime) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "salvage works in the modes salvage and point-in-time");
  }
  ExamineOptions examine;
  examine.mode = options.mode;
  examine.file_system = options.file_system;
  examine.cipher = options.cipher;
  // Nothing is created for a journal that cannot be read at all.
  absl::StatusOr<RecoveryReport> report =
      Examine(source, examine, [](const Record&) {});
  if (!report.ok()) return report.status();
  if (report->action == RecoveryAction::kRefuse) return StatusOf(*report);

  // Not under its name before it is whole: a copy that was interrupted must
  // not look like one.
  FileSystem& fs =
      options.file_system ? *options.file_system : *FileSystem::Posix();
  absl::StatusOr<bool> exists = fs.Exists(target);
  if (!exists.ok()) return exists.status();
  if (*exists) {
    return MakeError(ErrorKind::kInvalidArgument,
                     absl::StrCat(target, ": already exists"));
  }
  const std::string incomplete = absl::StrCat(target, kIncompleteSuffix);
  if (absl::Status s = RemoveUnfinished(fs, incomplete); !s.ok()) return s;

  WriterOptions write;
  write.cipher = report->key_id.empty() ? nullptr : options.cipher;
  write.max_record_bytes = kBodyBytesMax - StoredBytes(write.cipher, 0);
  write.sync_mode = SyncMode::kNone;  // Durable as a whole, at Close.
  write.existing = WriterOptions::Existing::kMustNotExist;
  write.file_system = options.file_system;
  absl::StatusOr<std::unique_ptr<Writer>> copy =
      Writer::Open(incomplete, write);
  if (!copy.ok()) return copy.status();
  absl::Status failed;
  uint64_t copied = 0;
  report = Examine(source, examine, [&](const Record& record) {
    if (!failed.ok()) return;
    RecordView view;
    view.type = record.type;
    view.body = record.body;
    view.ignorable = record.ignorable;
    failed = (*copy)->Append(view).status();
    ++copied;
  });
  if (!report.ok()) return report.status();
  if (!failed.ok()) return failed;
  if (absl::Status s = (*copy)->Close(); !s.ok()) return s;

  ExamineOptions check;
  check.cipher = write.cipher;
  check.file_system = options.file_system;
  absl::StatusOr<RecoveryReport> written = Examine(incomplete, check);
  if (!written.ok()) return written.status();
  if (written->outcome != FindingKind::kCleanEnd ||
      written->records != copied) {
    return MakeError(ErrorKind::kDamage,
                     absl::StrCat(target, ": the copy does not verify"));
  }
  if (absl::Status s = fs.Rename(incomplete, target); !s.ok()) return s;
  absl::Status s = fs.SyncDirectory(ParentDirectory(target));
  if (!s.ok()) return s;
  return report;
}

}  // namespace journal
