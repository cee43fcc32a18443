#include "journal/salvage.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "journal/recovery.h"
#include "journal/writer.h"

namespace journal {

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
  // Nothing is created for a journal that cannot be read at all.
  absl::StatusOr<RecoveryReport> report = Examine(source, examine);
  if (!report.ok()) return report.status();
  if (report->action == RecoveryAction::kRefuse) return StatusOf(*report);

  WriterOptions write;
  write.sync_mode = SyncMode::kNone;  // Durable as a whole, at Close.
  write.existing = WriterOptions::Existing::kMustNotExist;
  write.file_system = options.file_system;
  absl::StatusOr<std::unique_ptr<Writer>> copy = Writer::Open(target, write);
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
  check.file_system = options.file_system;
  absl::StatusOr<RecoveryReport> written = Examine(target, check);
  if (!written.ok()) return written.status();
  if (written->outcome != FindingKind::kCleanEnd ||
      written->records != copied) {
    return MakeError(ErrorKind::kDamage,
                     absl::StrCat(target, ": the copy does not verify"));
  }
  return report;
}

}  // namespace journal
