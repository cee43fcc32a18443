#include "tests/fuzz/journal_checks.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "journal/folder.h"
#include "journal/reader.h"
#include "journal/recovery.h"
#include "journal/salvage.h"
#include "journal/span_collector.h"
#include "journal/writer.h"
#include "tests/fuzz/fuzz_input.h"

namespace fuzz {
namespace {

using journal::FindingKind;
using journal::Lsn;
using journal::ReadOutcome;
using journal::ReadResult;
using journal::RecoveryAction;
using journal::RecoveryMode;
using journal::RecoveryReport;

constexpr uint32_t kFolderVersion = 1;  // What JournalModel writes.
constexpr char kAppended[] = "appended after recovery";
constexpr uint16_t kAppendedType = 7;

// Takes any state, so that opening from one is tried however odd it is.
class AnyFolder final : public journal::Folder {
 public:
  uint32_t version() const override { return kFolderVersion; }
  void Reset() override { last_lsn_ = 0; }
  absl::Status Restore(absl::string_view) override { return absl::OkStatus(); }
  void Fold(const journal::Record& record) override {
    FUZZ_CHECK(record.lsn > last_lsn_);
    last_lsn_ = record.lsn;
  }
  std::string Save() override { return absl::StrCat(last_lsn_); }

 private:
  Lsn last_lsn_ = 0;
};

bool IsPrefix(const OwnedRecords& prefix, const OwnedRecords& all) {
  return prefix.size() <= all.size() &&
         std::equal(prefix.begin(), prefix.end(), all.begin());
}

// Salvage takes each segment as it is: one of another history may count from
// an earlier LSN. Positions are of the log: a snapshot's records have others.
void CheckOrder(const OwnedRecords& records, RecoveryMode mode,
                bool by_position = true) {
  for (size_t i = 1; i < records.size(); ++i) {
    const OwnedRecord& a = records[i - 1];
    const OwnedRecord& b = records[i];
    FUZZ_CHECK(a.position < b.position || !by_position);
    FUZZ_CHECK(a.lsn < b.lsn || (mode == RecoveryMode::kSalvage &&
                                 journal::PositionSegment(a.position) !=
                                     journal::PositionSegment(b.position)));
  }
}

// For whoever looks into a finding: with FUZZ_PRINT in the environment.
void Print(const RecoveryReport& report) {
  static const bool wanted = std::getenv("FUZZ_PRINT") != nullptr;
  if (!wanted) return;
  std::fprintf(stderr, "%s %s, %s: W %llu, last LSN %llu, %llu records\n",
               std::string(RecoveryModeName(report.mode)).c_str(),
               report.full ? "full" : "quick",
               std::string(FindingKindName(report.outcome)).c_str(),
               static_cast<unsigned long long>(report.watermark),
               static_cast<unsigned long long>(report.last_lsn),
               static_cast<unsigned long long>(report.records));
  for (const journal::Finding& finding : report.findings) {
    std::fprintf(stderr, "  %s\n", Describe(finding).c_str());
  }
}

void CheckReport(const RecoveryReport& report) {
  Print(report);
  FindingKind gravest = FindingKind::kCleanEnd;
  for (const journal::Finding& finding : report.findings) {
    gravest = std::max(gravest, finding.kind);
    FUZZ_CHECK(finding.kind != FindingKind::kCleanEnd);
    FUZZ_CHECK(!finding.file.empty() && !finding.detail.empty());
    FUZZ_CHECK(finding.last_lsn == 0 || finding.first_lsn <= finding.last_lsn);
    FUZZ_CHECK(!Describe(finding).empty());
  }
  FUZZ_CHECK(report.findings.size() <= journal::kFindingsMax);
  FUZZ_CHECK(report.findings_more > 0 || gravest == report.outcome);
  FUZZ_CHECK(report.action == journal::Decide(report.outcome, report.mode));
  const bool usable = report.action == RecoveryAction::kOpen ||
                      report.action == RecoveryAction::kCut;
  FUZZ_CHECK(StatusOf(report).ok() == usable);
}

struct Read {
  OwnedRecords records;
  ReadOutcome end = ReadOutcome::kEnd;
};

Read ReadAll(journal::Reader& reader) {
  Read read;
  ReadResult next = reader.Next();
  // That the journal begins late is said once.
  if (next.outcome == ReadOutcome::kCompacted) next = reader.Next();
  for (; next.outcome == ReadOutcome::kRecord; next = reader.Next()) {
    read.records.push_back(Own(next.record));
  }
  read.end = next.outcome;
  return read;
}

std::unique_ptr<journal::Reader> OpenReader(journal::FileSystem& fs,
                                            absl::string_view directory,
                                            Lsn start_lsn) {
  journal::ReaderOptions options;
  options.start_lsn = start_lsn;
  options.file_system = &fs;
  auto reader = journal::Reader::Open(directory, options);
  return reader.ok() ? *std::move(reader) : nullptr;
}

void CheckReader(journal::FileSystem& fs, absl::string_view directory,
                 const Examined& whole) {
  const bool damaged = whole.report.damaged();
  auto reader = OpenReader(fs, directory, 1);
  FUZZ_CHECK(reader != nullptr || damaged);
  if (reader == nullptr) return;
  const Read read = ReadAll(*reader);
  CheckOrder(read.records, RecoveryMode::kPointInTime);
  if (!damaged) {
    FUZZ_CHECK(read.records == whole.records);
    FUZZ_CHECK(read.end == ReadOutcome::kEnd);
  }
  FUZZ_CHECK(reader->Next().outcome == read.end);
  for (const OwnedRecord& record : whole.records) {
    const ReadResult again = reader->ReadAt(record.position);
    FUZZ_CHECK(again.outcome == ReadOutcome::kRecord || damaged);
    if (again.outcome != ReadOutcome::kRecord) continue;
    FUZZ_CHECK(Own(again.record) == record);
  }
  if (damaged || whole.records.empty()) return;
  const size_t middle = whole.records.size() / 2;
  auto late = OpenReader(fs, directory, whole.records[middle].lsn);
  FUZZ_CHECK(late != nullptr);
  FUZZ_CHECK(ReadAll(*late).records ==
             OwnedRecords(whole.records.begin() + middle, whole.records.end()));
}

RecoveryReport QuickLook(journal::FileSystem& fs, absl::string_view directory,
                         journal::Folder* folder) {
  journal::ExamineOptions options;
  options.full = false;
  options.folder = folder;
  options.file_system = &fs;
  auto report = journal::Examine(directory, options);
  FUZZ_CHECK(report.ok());
  CheckReport(*report);
  return *std::move(report);
}

void CheckQuickLook(journal::FileSystem& fs, absl::string_view directory,
                    const RecoveryReport& full) {
  AnyFolder any_folder;
  for (AnyFolder* folder : {static_cast<AnyFolder*>(nullptr), &any_folder}) {
    const RecoveryReport quick = QuickLook(fs, directory, folder);
    FUZZ_CHECK(full.damaged() || !quick.damaged());
    if (full.damaged()) continue;
    FUZZ_CHECK(quick.outcome == full.outcome);
    FUZZ_CHECK(quick.last_lsn == full.last_lsn);
    FUZZ_CHECK(quick.records == full.records);
    FUZZ_CHECK(quick.closed == full.closed);
    FUZZ_CHECK(quick.bytes_cut == full.bytes_cut);
  }
}

// -- Recovery ----------------------------------------------------------------

bool SameContent(const OwnedRecords& a, const OwnedRecords& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const OwnedRecord& x, const OwnedRecord& y) {
                      return x.type == y.type && x.ignorable == y.ignorable &&
                             x.body == y.body;
                    });
}

// What opening should make of what was found.
bool Opens(const Examined& before, bool append_after_damage) {
  if (StatusOf(before.report).ok()) return true;
  return before.report.action == RecoveryAction::kStopBefore &&
         append_after_damage;
}

}  // namespace

OwnedRecord Own(const journal::Record& record) {
  return {record.lsn, record.position, record.type, record.ignorable,
          std::string(record.body)};
}

OwnedRecords ReadThrough(journal::FileSystem& fs, absl::string_view directory,
                         const journal::Cipher* cipher) {
  journal::ReaderOptions options;
  options.cipher = cipher;
  options.file_system = &fs;
  auto reader = journal::Reader::Open(directory, options);
  return reader.ok() ? ReadAll(**reader).records : OwnedRecords();
}

Examined ExamineAll(journal::FileSystem& fs, absl::string_view directory,
                    RecoveryMode mode, const journal::Cipher* cipher) {
  journal::ExamineOptions options;
  options.mode = mode;
  options.cipher = cipher;
  options.file_system = &fs;
  Examined examined;
  auto report =
      journal::Examine(directory, options, [&](const journal::Record& record) {
        examined.records.push_back(Own(record));
      });
  FUZZ_CHECK(report.ok());
  examined.report = *std::move(report);
  FUZZ_CHECK(examined.report.full);
  CheckReport(examined.report);
  CheckOrder(examined.records, mode, examined.report.snapshot_lsn == 0);
  return examined;
}

Examined CheckJournal(journal::FileSystem& fs, absl::string_view directory) {
  Examined salvage = ExamineAll(fs, directory, RecoveryMode::kSalvage);
  const bool damaged = salvage.report.damaged();
  for (RecoveryMode mode : {RecoveryMode::kPointInTime, RecoveryMode::kStrict,
                            RecoveryMode::kAbsolute}) {
    const Examined other = ExamineAll(fs, directory, mode);
    FUZZ_CHECK(other.report.outcome == salvage.report.outcome);
    FUZZ_CHECK(other.report.last_lsn == salvage.report.last_lsn);
    FUZZ_CHECK(IsPrefix(other.records, salvage.records));
    if (!damaged) {
      FUZZ_CHECK(other.records.size() == salvage.records.size());
      FUZZ_CHECK(other.records.size() == other.report.records);
    }
  }
  CheckReader(fs, directory, salvage);
  CheckQuickLook(fs, directory, salvage.report);
  return salvage;
}

void CheckSalvage(journal::FileSystem& fs, absl::string_view directory) {
  const Examined whole = ExamineAll(fs, directory, RecoveryMode::kSalvage);
  const std::string target = absl::StrCat(directory, ".salvaged");
  journal::SalvageOptions options;
  options.file_system = &fs;
  const auto report = journal::Salvage(directory, target, options);
  FUZZ_CHECK(report.ok() == (whole.report.action != RecoveryAction::kRefuse));
  if (!report.ok()) return;
  const Examined copy = ExamineAll(fs, target, RecoveryMode::kStrict);
  FUZZ_CHECK(copy.report.outcome == FindingKind::kCleanEnd);
  FUZZ_CHECK(copy.report.closed);
  FUZZ_CHECK(SameContent(copy.records, whole.records));
}

void CheckOpening(journal::FileSystem& fs, absl::string_view directory,
                  RecoveryMode mode, bool append_after_damage) {
  const Examined before = ExamineAll(fs, directory, mode);
  journal::WriterOptions options;
  options.segment_bytes_min = options.segment_bytes_max = 64 << 10;
  options.recovery_mode = mode;
  options.append_after_damage = append_after_damage;
  options.verify_all = true;
  options.file_system = &fs;
  auto writer = journal::Writer::Open(directory, options);
  // With nothing good before the damage there may be nothing to go on from.
  FUZZ_CHECK(writer.ok() == Opens(before, append_after_damage) ||
             before.records.empty());
  if (!writer.ok()) return;
  const auto lsn = (*writer)->Append(
      journal::RecordView{.type = kAppendedType, .body = kAppended});
  FUZZ_CHECK(lsn.ok() && *lsn > before.report.last_lsn);
  FUZZ_CHECK((*writer)->Close().ok());
  Examined after = CheckJournal(fs, directory);
  FUZZ_CHECK(after.report.outcome == FindingKind::kCleanEnd ||
             after.report.outcome == FindingKind::kNoRecordLost);
  FUZZ_CHECK(!after.records.empty() && after.records.back().lsn == *lsn);
  FUZZ_CHECK(after.records.back().body == kAppended);
  after.records.pop_back();
  FUZZ_CHECK(after.records == before.records);
}

}  // namespace fuzz
