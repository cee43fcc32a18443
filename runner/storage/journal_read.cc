#include "runner/storage/journal_read.h"

#include "journal/recovery_report.h"

namespace runner {
namespace {

journal::ErrorKind KindOf(journal::FindingKind finding) {
  switch (finding) {
    case journal::FindingKind::kReadError:
      return journal::ErrorKind::kIo;
    case journal::FindingKind::kNewerFormat:
      return journal::ErrorKind::kNewerVersion;
    default:
      return journal::ErrorKind::kDamage;
  }
}

}  // namespace

absl::Status ReadFailure(const journal::ReadResult& result) {
  switch (result.outcome) {
    case journal::ReadOutcome::kCompacted:
      return journal::MakeError(
          journal::ErrorKind::kDamage,
          absl::StrCat("records before LSN ", result.first_lsn, " are gone"));
    case journal::ReadOutcome::kDamaged:
      return journal::MakeError(KindOf(result.finding.kind),
                                journal::Describe(result.finding));
    case journal::ReadOutcome::kRecord:
    case journal::ReadOutcome::kEnd:
      break;
  }
  return journal::MakeError(journal::ErrorKind::kDamage,
                            "the journal ends before the record");
}

}  // namespace runner
