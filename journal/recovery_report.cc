#include "journal/recovery_report.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "journal/error.h"

namespace journal {
namespace {

constexpr RecoveryAction kOpen = RecoveryAction::kOpen;
constexpr RecoveryAction kCut = RecoveryAction::kCut;
constexpr RecoveryAction kRefuse = RecoveryAction::kRefuse;
constexpr RecoveryAction kStop = RecoveryAction::kStopBefore;
constexpr RecoveryAction kSkip = RecoveryAction::kSkip;

// FORMAT.md, section 6. Rows are FindingKind, columns RecoveryMode.
constexpr RecoveryAction kTable[kFindingKindCount][kRecoveryModeCount] = {
    //                   strict   absolute point-in-time salvage
    /* clean end     */ {kOpen, kOpen, kOpen, kOpen},
    /* torn tail     */ {kCut, kRefuse, kCut, kCut},
    /* second copy   */ {kOpen, kRefuse, kOpen, kOpen},
    /* no record lost*/ {kRefuse, kRefuse, kOpen, kOpen},
    /* acked loss    */ {kRefuse, kRefuse, kStop, kSkip},
    /* segment chain */ {kRefuse, kRefuse, kStop, kSkip},
    /* headers bad   */ {kRefuse, kRefuse, kStop, kSkip},
    /* read error    */ {kRefuse, kRefuse, kRefuse, kSkip},
    /* newer format  */ {kRefuse, kRefuse, kRefuse, kRefuse},
};

ErrorKind KindOfFinding(FindingKind kind) {
  switch (kind) {
    case FindingKind::kCleanEnd:
      return ErrorKind::kNone;
    case FindingKind::kTornTail:
      return ErrorKind::kTornTail;
    case FindingKind::kReadError:
      return ErrorKind::kIo;
    case FindingKind::kNewerFormat:
      return ErrorKind::kNewerVersion;
    default:
      return ErrorKind::kDamage;
  }
}

std::string LsnRange(const Finding& finding) {
  if (finding.first_lsn == 0) return "";
  if (finding.last_lsn == 0) {
    return absl::StrCat(", LSN ", finding.first_lsn, " and later");
  }
  if (finding.first_lsn == finding.last_lsn) {
    return absl::StrCat(", LSN ", finding.first_lsn);
  }
  return absl::StrCat(", LSN ", finding.first_lsn, " to ", finding.last_lsn);
}

}  // namespace

absl::string_view FindingKindName(FindingKind kind) {
  switch (kind) {
    case FindingKind::kCleanEnd:
      return "clean end";
    case FindingKind::kTornTail:
      return "torn tail";
    case FindingKind::kSecondCopy:
      return "one of two copies damaged, nothing lost";
    case FindingKind::kNoRecordLost:
      return "bytes damaged, no record lost";
    case FindingKind::kAckedLoss:
      return "confirmed data damaged (ACKED_LOSS)";
    case FindingKind::kSegmentChain:
      return "segment missing or out of place";
    case FindingKind::kHeadersBad:
      return "both segment header copies damaged";
    case FindingKind::kReadError:
      return "read error";
    case FindingKind::kNewerFormat:
      return "written by a newer version";
  }
  return "unknown";
}

FindingKind FindingKindOf(const absl::Status& status) {
  switch (KindOf(status)) {
    case ErrorKind::kNotFound:
      return FindingKind::kSegmentChain;
    case ErrorKind::kNewerVersion:
      return FindingKind::kNewerFormat;
    case ErrorKind::kIo:
    case ErrorKind::kNoSpace:
      return FindingKind::kReadError;
    default:
      return FindingKind::kAckedLoss;
  }
}

RecoveryAction Decide(FindingKind finding, RecoveryMode mode) {
  return kTable[static_cast<int>(finding)][static_cast<int>(mode)];
}

std::string Describe(const Finding& finding) {
  const absl::string_view what =
      absl::EndsWith(finding.file, ".part")       ? "part "
      : absl::EndsWith(finding.file, ".manifest") ? "manifest "
      : absl::EndsWith(finding.file, ".seg")      ? "segment "
                                                  : "";
  return absl::StrCat(what, finding.file, ", offset ", finding.offset,
                      LsnRange(finding), ": ", finding.detail);
}

absl::Status StatusOf(const RecoveryReport& report) {
  if (report.action == RecoveryAction::kOpen ||
      report.action == RecoveryAction::kCut) {
    return absl::OkStatus();
  }
  std::string message(FindingKindName(report.outcome));
  for (const Finding& finding : report.findings) {
    if (finding.kind != report.outcome) continue;
    absl::StrAppend(&message, ": ", Describe(finding));
    break;
  }
  const uint64_t more = report.findings.size() + report.findings_more - 1;
  if (more > 0) absl::StrAppend(&message, " (and ", more, " more)");
  return MakeError(KindOfFinding(report.outcome), message);
}

}  // namespace journal
