#include "journal/recovery.h"

#include <utility>

#include "journal/examiner.h"

namespace journal {
namespace {

absl::StatusOr<RecoveryReport> RunExaminer(Examiner examiner) {
  absl::StatusOr<Examination> examination = examiner.Run();
  if (!examination.ok()) return examination.status();
  return std::move(examination->report);
}

}  // namespace

absl::StatusOr<RecoveryReport> Examine(absl::string_view directory,
                                       const ExamineOptions& options) {
  return RunExaminer(Examiner(directory, options, nullptr));
}

absl::StatusOr<RecoveryReport> Examine(
    absl::string_view directory, const ExamineOptions& options,
    absl::FunctionRef<void(const Record&)> on_record) {
  return RunExaminer(
      Examiner(directory, options,
               [on_record](const Record& record) { on_record(record); }));
}

}  // namespace journal
