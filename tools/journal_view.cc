#include "tools/journal_view.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runner/storage/record_codec.h"
#include "tools/record_facts.h"

namespace inspector {
namespace {

// What a writer is just writing is whole, or torn, when looked at again.
constexpr int kExaminationsMax = 4;

// Remembers the newest record with a time, without decoding each.
class NewestRecord final : public RecordSink {
 public:
  explicit NewestRecord(RecordSink* next) : next_(next) {}

  void Restart() override {
    body_.clear();
    record_ = {};
    records_ = 0;
    if (next_ != nullptr) next_->Restart();
  }

  void Take(const journal::Record& record) override {
    const auto type = static_cast<runner::RecordType>(record.type);
    ++records_;
    const bool has_time = runner::IsKnownRecordType(record.type) &&
                          type != runner::RecordType::kDatasetRows &&
                          type != runner::RecordType::kOverride;
    if (has_time) {
      record_ = record;
      body_.assign(record.body.data(), record.body.size());
    }
    if (next_ != nullptr) next_->Take(record);
  }

  uint64_t records() const { return records_; }
  absl::optional<absl::Time> time() {
    if (record_.lsn == 0) return absl::nullopt;
    record_.body = body_;
    return FactsOf(record_).at;
  }

 private:
  RecordSink* const next_;
  journal::Record record_;
  std::string body_;
  uint64_t records_ = 0;
};

void ReadBenchmark(JournalView& view, const journal::Cipher* cipher) {
  if (!view.report.segments.empty()) {
    view.started = view.report.segments.front().created;
  }
  const journal::Lsn lsn = view.progress->benchmark_lsn();
  if (lsn == 0) return;
  journal::ReaderOptions options;
  options.cipher = cipher;
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader =
      journal::Reader::Open(view.path, options);
  if (!reader.ok()) return;
  const journal::ReadResult read = (*reader)->Read(lsn);
  if (read.outcome != journal::ReadOutcome::kRecord) return;
  absl::StatusOr<runner::BenchmarkInfo> info =
      runner::Decode<runner::BenchmarkInfo>(read.record.body);
  if (!info.ok()) return;
  view.started = info->created;
  view.benchmark = *std::move(info);
}

JournalStatus StatusOfRecords(const JournalView& view) {
  if (view.progress->odd_records().unknown_lsn != 0) {
    return JournalStatus::kNewer;
  }
  if (view.holder.has_value()) return JournalStatus::kRunning;
  return view.progress->complete() ? JournalStatus::kComplete
                                   : JournalStatus::kInterrupted;
}

std::string LsnText(const journal::Finding& finding) {
  if (finding.first_lsn == 0) return "";
  if (finding.last_lsn == 0)
    return absl::StrCat(finding.first_lsn, " and later");
  if (finding.last_lsn == finding.first_lsn) {
    return absl::StrCat(finding.first_lsn);
  }
  return absl::StrCat(finding.first_lsn, " to ", finding.last_lsn);
}

// "7, 12 to 14 and 2 more ranges".
std::string LostLsns(const journal::RecoveryReport& report) {
  constexpr size_t kRangesShown = 10;
  std::string text;
  size_t ranges = report.findings_more;
  size_t shown = 0;
  for (const journal::Finding& finding : report.findings) {
    const std::string range = LsnText(finding);
    if (range.empty() || finding.kind == journal::FindingKind::kTornTail ||
        finding.kind == journal::FindingKind::kNoRecordLost ||
        finding.kind == journal::FindingKind::kSecondCopy) {
      continue;
    }
    if (shown == kRangesShown) {
      ++ranges;
      continue;
    }
    absl::StrAppend(&text, shown++ > 0 ? ", " : "", range);
  }
  if (ranges > 0) absl::StrAppend(&text, " and ", ranges, " more places");
  return text;
}

}  // namespace

absl::string_view JournalStatusName(JournalStatus status) {
  switch (status) {
    case JournalStatus::kRunning:
      return "running";
    case JournalStatus::kComplete:
      return "complete";
    case JournalStatus::kInterrupted:
      return "interrupted";
    case JournalStatus::kEncrypted:
      return "encrypted";
    case JournalStatus::kTorn:
      return "torn";
    case JournalStatus::kDamaged:
      return "damaged";
    case JournalStatus::kUnreadable:
      return "unreadable";
    case JournalStatus::kNewer:
      return "newer";
  }
  return "unknown";
}

Colour JournalStatusColour(JournalStatus status) {
  switch (status) {
    case JournalStatus::kRunning:
    case JournalStatus::kEncrypted:
      return Colour::kBold;
    case JournalStatus::kComplete:
      return Colour::kGreen;
    case JournalStatus::kInterrupted:
    case JournalStatus::kTorn:
      return Colour::kYellow;
    case JournalStatus::kDamaged:
    case JournalStatus::kUnreadable:
    case JournalStatus::kNewer:
      return Colour::kRed;
  }
  return Colour::kNone;
}

ExitCode ExitCodeOf(JournalStatus status) {
  switch (status) {
    case JournalStatus::kRunning:
    case JournalStatus::kComplete:
    case JournalStatus::kInterrupted:
    case JournalStatus::kEncrypted:
      return kExitOk;
    case JournalStatus::kTorn:
      return kExitTornTail;
    case JournalStatus::kDamaged:
      return kExitDamage;
    case JournalStatus::kUnreadable:
      return kExitFailed;
    case JournalStatus::kNewer:
      return kExitNewerVersion;
  }
  return kExitFailed;
}

JournalStatus StatusOfFiles(const journal::RecoveryReport& report,
                            const absl::optional<Holder>& holder) {
  switch (report.outcome) {
    case journal::FindingKind::kCleanEnd:
      break;
    case journal::FindingKind::kTornTail:
      if (!holder.has_value()) return JournalStatus::kTorn;
      break;
    case journal::FindingKind::kReadError:
      return JournalStatus::kUnreadable;
    case journal::FindingKind::kNewerFormat:
      return JournalStatus::kNewer;
    default:
      return JournalStatus::kDamaged;
  }
  return holder.has_value() ? JournalStatus::kRunning
                            : JournalStatus::kInterrupted;
}

std::string JournalView::run_id() const {
  return benchmark.has_value() ? benchmark->run_id : BaseName(path);
}

uint64_t JournalView::total() const {
  const uint64_t queries = progress->selected_queries();
  const uint64_t runs = progress->selected_runs();
  if (queries != 0 && runs > std::numeric_limits<uint64_t>::max() / queries) {
    return std::numeric_limits<uint64_t>::max();
  }
  return queries * runs;
}

absl::StatusOr<journal::RecoveryReport> ExamineBesideWriter(
    absl::string_view path, const journal::ExamineOptions& options,
    RecordSink* sink, absl::optional<Holder>* holder) {
  journal::ExamineOptions examine = options;
  examine.mode = journal::RecoveryMode::kSalvage;
  for (int i = 1;; ++i) {
    const absl::optional<Holder> before = FindHolder(path);
    if (sink != nullptr) sink->Restart();
    absl::StatusOr<journal::RecoveryReport> report =
        sink == nullptr ? journal::Examine(path, examine)
                        : journal::Examine(path, examine,
                                           [&](const journal::Record& record) {
                                             sink->Take(record);
                                           });
    if (!report.ok()) return report.status();
    *holder = FindHolder(path);
    // Torn beside a writer that closed meanwhile, damaged beside one at work:
    // maybe neither.
    const bool doubtful =
        report->damaged()
            ? before.has_value() || holder->has_value()
            : report->outcome == journal::FindingKind::kTornTail &&
                  before.has_value() && !holder->has_value();
    if (!doubtful || i == kExaminationsMax) return report;
  }
}

absl::StatusOr<JournalView> ViewJournal(absl::string_view path, bool full,
                                        RecordSink* sink,
                                        const journal::Cipher* cipher) {
  JournalView view;
  view.path = std::string(path);
  view.progress = std::make_unique<runner::ProgressState>();
  journal::ExamineOptions options;
  options.full = full;
  options.folder = view.progress.get();
  options.cipher = cipher;
  NewestRecord newest(sink);
  absl::StatusOr<journal::RecoveryReport> report =
      ExamineBesideWriter(path, options, &newest, &view.holder);
  view.locked = cipher == nullptr &&
                journal::KindOf(report.status()) == journal::ErrorKind::kKey;
  if (view.locked) {
    options.folder = nullptr;
    report = ExamineBesideWriter(path, options, nullptr, &view.holder);
  }
  if (!report.ok()) return report.status();
  view.report = *std::move(report);
  view.updated = newest.time();
  view.whole_records = view.locked ? view.report.records : newest.records();
  view.bytes = DirectoryBytes(path);
  ReadBenchmark(view, cipher);
  if (!view.updated.has_value()) view.updated = view.started;
  view.status = StatusOfFiles(view.report, view.holder);
  if (view.status == JournalStatus::kRunning ||
      view.status == JournalStatus::kInterrupted) {
    view.status = !view.locked              ? StatusOfRecords(view)
                  : view.holder.has_value() ? JournalStatus::kRunning
                                            : JournalStatus::kEncrypted;
  }
  return view;
}

std::vector<std::string> Advice(const JournalView& view) {
  const std::string word = ShellWord(view.path);
  switch (view.status) {
    case JournalStatus::kRunning:
    case JournalStatus::kComplete:
    case JournalStatus::kInterrupted:
    case JournalStatus::kEncrypted:
      return {};
    case JournalStatus::kTorn:
      return {absl::StrCat("safe: all ", view.report.records,
                           " records, up to LSN ", view.report.last_lsn,
                           "; nothing acknowledged is lost"),
              absl::StrCat("not safe: ", view.report.bytes_cut,
                           " bytes of a torn tail, what was being written "
                           "when the writer died"),
              "next: the same bench-runner run command cuts the tail, keeps "
              "its bytes in a .torn file, and goes on"};
    case JournalStatus::kDamaged: {
      if (view.report.outcome == journal::FindingKind::kSecondCopy) {
        return {absl::StrCat("safe: all ", view.whole_records,
                             " records; one of two copies is damaged, the "
                             "other is whole: nothing is lost"),
                "not safe: damage to the other copy, too, would be loss",
                absl::StrCat("next: journalctl-bench repair ", word,
                             " makes a clean copy (keeps every original "
                             "byte); bench-runner may go on as it is")};
      }
      const std::string lost = LostLsns(view.report);
      return {
          absl::StrCat("safe: ", view.whole_records, " records that are whole"),
          lost.empty() ? "not safe: no record; damaged is only what is "
                         "named here"
                       : absl::StrCat("not safe: LSN ", lost),
          absl::StrCat("next: journalctl-bench repair ", word,
                       " (keeps every original byte)")};
    }
    case JournalStatus::kUnreadable:
      return {"safe: what was read; nothing was changed",
              "not safe: what the disk or the permissions deny",
              absl::StrCat("next: check permissions and the kernel's log; copy "
                           "the journal to a healthy disk, then "
                           "journalctl-bench verify ",
                           word)};
    case JournalStatus::kNewer:
      return {"safe: everything; nothing here is damaged",
              "next: use the newer journalctl-bench that wrote it"};
  }
  return {};
}

}  // namespace inspector
