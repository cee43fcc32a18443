#include "tools/verify_command.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "runner/base/printable.h"
#include "tools/journal_check.h"
#include "tools/json_text.h"

namespace inspector {
namespace {

// Mildest first: a directory's exit code is its gravest journal's.
constexpr ExitCode kByGravity[] = {kExitOk,           kExitTornTail,
                                   kExitNewerVersion, kExitFailed,
                                   kExitUsage,        kExitDamage};

int Graver(int a, int b) {
  const auto rank = [](int code) {
    return std::find(std::begin(kByGravity), std::end(kByGravity), code);
  };
  return rank(a) < rank(b) ? b : a;
}

// Then what looks like a torn tail is what the writer is just writing.
bool BeingWritten(const JournalCheck& check) {
  return check.verdict() == "running";
}

absl::string_view ActionName(journal::RecoveryAction action) {
  switch (action) {
    case journal::RecoveryAction::kOpen:
      return "open";
    case journal::RecoveryAction::kCut:
      return "cut";
    case journal::RecoveryAction::kRefuse:
      return "refuse";
    case journal::RecoveryAction::kStopBefore:
      return "stop before it";
    case journal::RecoveryAction::kSkip:
      return "skip it";
  }
  return "unknown";
}

bool CostsRecords(const journal::Finding& finding) {
  return finding.first_lsn > 0 &&
         finding.kind > journal::FindingKind::kNoRecordLost;
}

// Of what is lost, ranges of LSNs, both ends included; the last one null where
// the end is not known.
Json LostLsnsJson(const journal::RecoveryReport& report) {
  Json ranges = Json::array();
  for (const journal::Finding& finding : report.findings) {
    if (!CostsRecords(finding)) continue;
    ranges.push_back({finding.first_lsn, finding.last_lsn == 0
                                             ? Json(nullptr)
                                             : Json(finding.last_lsn)});
  }
  return ranges;
}

// Everything of the engine's report that the rest does not say.
void AddReport(const JournalCheck& check, Json& json) {
  const journal::RecoveryReport& report = check.view.report;
  const bool clean = report.findings.empty() || BeingWritten(check);
  json["mode"] = JsonString(journal::RecoveryModeName(report.mode));
  // What a writer, which is strict, would make of it.
  json["strict_action"] = JsonString(ActionName(
      journal::Decide(report.outcome, journal::RecoveryMode::kStrict)));
  json["reason"] = JsonString(journal::FindingKindName(report.outcome));
  json["full"] = report.full;
  json["snapshot"] = SnapshotJson(report);
  json["state_lsn"] = report.state_lsn;
  json["removed_before_lsn"] = report.removed_before_lsn;
  json["journal_uuid"] = report.journal_uuid;
  json["key_id"] = report.key_id.empty() ? Json(nullptr) : Json(report.key_id);
  json["bodies_checked"] = !check.view.locked;
  json["first_bad"] =
      clean ? Json(nullptr) : FindingJson(report.findings.front());
  json["lost_lsns"] = clean ? Json::array() : LostLsnsJson(report);
}

Json CheckJson(const JournalCheck& check) {
  const journal::RecoveryReport& report = check.view.report;
  Json json;
  json["path"] = check.view.path;
  json["run_id"] = check.view.run_id();
  json["verdict"] = check.verdict();
  json["exit_code"] = static_cast<int>(check.exit_code());
  json["records"] = check.view.whole_records;
  json["last_lsn"] = report.last_lsn;
  json["confirmed_lsn"] = report.watermark;
  json["closed"] = report.closed;
  json["torn_bytes"] = report.bytes_cut;
  json["segments"] = SegmentsJson(report);
  AddReport(check, json);
  json["findings"] = Json::array();
  for (const journal::Finding& finding : report.findings) {
    if (BeingWritten(check)) break;
    json["findings"].push_back(FindingJson(finding));
  }
  json["findings_more"] = report.findings_more;
  json["lost"] = Json::array();
  for (const LostRecord& lost : check.lost) {
    json["lost"].push_back({{"lsn", lost.lsn},
                            {"file", lost.file},
                            {"offset", lost.offset},
                            {"type", lost.kind},
                            {"query", lost.query},
                            {"certain", lost.certain}});
  }
  json["unanswered"] = Json::array();
  if (check.losses.has_value()) json["unanswered"] = check.losses->unanswered;
  json["poison"] = Json::array();
  for (const RecordProblem& problem : check.problems) {
    json["poison"].push_back({{"lsn", problem.lsn},
                              {"type", problem.type},
                              {"detail", problem.detail}});
  }
  json["poison_more"] = check.problems_more;
  json["notes"] = check.notes;
  json["advice"] = check.advice();
  json["elapsed_seconds"] = absl::ToDoubleSeconds(report.elapsed);
  return json;
}

Colour VerdictColour(const JournalCheck& check) {
  if (check.exit_code() == kExitOk) return Colour::kGreen;
  return check.exit_code() == kExitTornTail ? Colour::kYellow : Colour::kRed;
}

void PrintText(const JournalCheck& check, Context& context) {
  const Style& style = context.style;
  const journal::RecoveryReport& report = check.view.report;
  std::ostream& out = context.out;
  const auto line = [&](absl::string_view text) {
    out << "  " << runner::Printable(text) << "\n";
  };
  out << runner::Printable(check.view.path) << ": "
      << style.Paint(check.verdict(), VerdictColour(check)) << "\n";
  line(absl::StrCat(style.Count(check.view.whole_records), " whole records in ",
                    report.segments.size(),
                    report.segments.size() == 1 ? " segment" : " segments",
                    ", last LSN ", report.last_lsn, ", confirmed up to LSN ",
                    report.watermark,
                    report.closed ? ", closed" : ", not closed"));
  if (!report.snapshot_file.empty()) {
    line(absl::StrCat("snapshot ", report.snapshot_file, ": ",
                      style.Count(report.snapshot_records),
                      " of them, up to "
                      "LSN ",
                      report.snapshot_lsn, ", in ", report.snapshot_parts,
                      report.snapshot_parts == 1 ? " part" : " parts"));
  }
  for (const journal::Finding& finding : report.findings) {
    if (BeingWritten(check)) break;
    const bool one_of_two = finding.kind == journal::FindingKind::kSecondCopy;
    line(absl::StrCat(
        journal::Describe(finding),
        one_of_two ? " (one of two copies: nothing is lost)" : ""));
  }
  if (report.findings_more > 0) {
    line(absl::StrCat(report.findings_more, " more bad places"));
  }
  for (const LostRecord& lost : check.lost) {
    line(absl::StrCat("damaged record: ", Describe(lost)));
  }
  for (const RecordProblem& problem : check.problems) {
    line(absl::StrCat("poison record: LSN ", problem.lsn, " (", problem.type,
                      "): ", problem.detail));
  }
  if (check.problems_more > 0) {
    line(absl::StrCat(check.problems_more, " more poison records"));
  }
  for (const std::string& note : check.notes) line(note);
  if (check.losses.has_value() && check.losses->unanswered_count > 0) {
    line(UnansweredText(*check.losses));
  }
  for (const std::string& advice : check.advice()) line(advice);
}

int Run(const Arguments& arguments, Context& context) {
  const std::string& given = arguments.operands()[0];
  std::vector<std::string> paths;
  if (absl::StatusOr<std::string> resolved = ResolveJournal(given);
      !resolved.ok()) {
    return Fail(context, resolved.status());
  } else {
    absl::StatusOr<std::vector<std::string>> found = FindJournals(*resolved);
    if (!found.ok()) return Fail(context, found.status());
    paths = *std::move(found);
  }
  if (paths.empty()) {
    return Fail(context, kExitUsage,
                absl::StrCat(given, ": no journal here, and none below"));
  }
  int exit_code = kExitOk;
  Json json = Json::array();
  for (const std::string& path : paths) {
    const absl::StatusOr<JournalCheck> check =
        CheckJournal(path, context.cipher);
    if (!check.ok()) {
      exit_code = Graver(exit_code, Fail(context, check.status()));
      continue;
    }
    exit_code = Graver(exit_code, check->exit_code());
    if (arguments.Has("json")) {
      json.push_back(CheckJson(*check));
    } else {
      PrintText(*check, context);
    }
  }
  if (arguments.Has("json")) {
    context.out << JsonText({{"format", 1},
                             {"exit_code", exit_code},
                             {"journals", std::move(json)}})
                << "\n";
  }
  return exit_code;
}

}  // namespace

const Command& VerifyCommand() {
  static const auto* const command = new Command{
      {"verify",
       "J|DIR",
       1,
       1,
       "Checks every byte and every record of a journal, or of all in DIR.",
       "Checksums, chain, watermark, snapshots against the log, each record's\n"
       "FlatBuffer, and that the records fit together. Changes nothing, takes "
       "no\n"
       "lock, may run beside the writer. Needs no key: what the records of an\n"
       "encrypted journal say is checked only with it.\n"
       "\n"
       "Exit codes: 0 all is well, 1 a byte could not be read, 10 a torn tail\n"
       "only (nothing acknowledged is lost), 11 acknowledged data is damaged "
       "or\n"
       "missing, or one of two copies is (then nothing is lost), 14 written "
       "by a\n"
       "newer version.\n",
       {{"json", 0, "", "one JSON object"}}},
      Run};
  return *command;
}

}  // namespace inspector
