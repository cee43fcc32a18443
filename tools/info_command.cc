#include "tools/info_command.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runner/base/printable.h"
#include "runner/config/identity.h"
#include "runner/storage/record_codec.h"
#include "tools/journal_view.h"
#include "tools/json_text.h"
#include "tools/record_facts.h"
#include "tools/snapshot_files.h"

namespace inspector {
namespace {

// Kept of what a journal may hold any number of; the rest is counted.
constexpr size_t kSessionsMax = 1000;
constexpr size_t kBatchesMax = 1 << 20;
constexpr size_t kRunEndsMax = 1 << 16;
// Runs of which nothing is there yet are listed up to this one.
constexpr uint32_t kIdleRunsMax = 1000;
constexpr size_t kInFlightNamedMax = 1000;
constexpr size_t kInFlightShown = 20;
constexpr size_t kSessionsShown = 5;

struct Session {
  runner::SessionRecord begin;
  absl::optional<runner::SessionEndRecord> end;
};

// What info says beyond the folded progress.
class Collector final : public RecordSink {
 public:
  void Restart() override { *this = Collector(); }

  void Take(const journal::Record& record) override {
    switch (static_cast<runner::RecordType>(record.type)) {
      case runner::RecordType::kSession:
        return TakeAs<runner::SessionRecord>(record);
      case runner::RecordType::kSessionEnd:
        return TakeAs<runner::SessionEndRecord>(record);
      case runner::RecordType::kRunEnd:
        return TakeAs<runner::RunEndRecord>(record);
      case runner::RecordType::kBatch:
        return TakeAs<runner::BatchRecord>(record);
      default:
        return;
    }
  }

  std::deque<Session> sessions;  // The newest.
  uint64_t sessions_dropped = 0;
  std::map<uint32_t, runner::RunEndRecord> run_ends;
  std::map<uint32_t, runner::BatchStatus> batches;  // Begun, by number.
  std::pair<uint64_t, uint64_t> batches_pending;    // As planned last.
  uint64_t dropped = 0;  // Ends of runs and states of batches beyond these.

 private:
  template <typename Struct>
  void TakeAs(const journal::Record& record) {
    absl::StatusOr<Struct> decoded = runner::Decode<Struct>(record.body);
    if (decoded.ok()) Add(*std::move(decoded));
  }

  void Add(runner::SessionRecord begin) {
    if (sessions.size() == kSessionsMax) {
      sessions.pop_front();
      ++sessions_dropped;
    }
    sessions.push_back({std::move(begin), absl::nullopt});
  }
  void Add(runner::SessionEndRecord end) {
    if (!sessions.empty() &&
        sessions.back().begin.session_id == end.session_id) {
      sessions.back().end = std::move(end);
    }
  }
  void Add(runner::RunEndRecord end) {
    if (run_ends.size() < kRunEndsMax || run_ends.count(end.run) > 0) {
      run_ends[end.run] = std::move(end);
    } else {
      ++dropped;
    }
  }
  void Add(const runner::BatchRecord& batch) {
    if (batch.status == runner::BatchStatus::kPending) {
      const uint64_t count = std::max<uint32_t>(batch.count, 1);
      // Numbers of batches that an earlier session did not end come again.
      batches.erase(batches.lower_bound(batch.number), batches.end());
      batches_pending = {batch.number, batch.number + count - 1};
    } else if (batches.size() < kBatchesMax ||
               batches.count(batch.number) > 0) {
      batches[batch.number] = batch.status;
    } else {
      ++dropped;
    }
  }
};

struct RunInfo {
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t unscored = 0;
  uint64_t in_flight = 0;
};

struct InFlight {
  uint32_t run = 0;
  std::string query;
  absl::optional<absl::Time> at;
};

struct Info {
  JournalView view;
  Collector records;
  std::map<uint32_t, RunInfo> runs;
  uint64_t in_flight = 0;
  std::vector<InFlight> in_flight_named;
  std::vector<SnapshotFile> snapshots;
  std::string file_system;
};

void CountRuns(Info& info, const journal::Cipher* cipher) {
  const runner::ProgressState& progress = *info.view.progress;
  const uint32_t runs = std::min(progress.selected_runs(), kIdleRunsMax);
  for (uint32_t run = 1; run <= runs; ++run) info.runs[run];
  for (const runner::RunCounts& counts : progress.run_counts()) {
    info.runs[counts.run].completed = counts.scored;
    info.runs[counts.run].unscored = counts.answered - counts.scored;
  }
  std::unique_ptr<journal::Reader> reader;
  journal::ReaderOptions options;
  options.cipher = cipher;
  if (auto opened = journal::Reader::Open(info.view.path, options);
      opened.ok()) {
    reader = *std::move(opened);
  }
  for (const runner::OpenQuery& query :
       runner::InOrderOfLsn(progress.open_queries())) {
    RunInfo& counts = info.runs[query.run];
    if (query.failed) ++counts.failed;
    if (!query.in_flight) continue;
    ++counts.in_flight;
    ++info.in_flight;
    if (info.in_flight_named.size() == kInFlightNamedMax) continue;
    InFlight named{query.run, absl::StrCat("row ", query.index), {}};
    if (reader != nullptr) {
      const journal::ReadResult read = reader->Read(query.lsn);
      if (read.outcome == journal::ReadOutcome::kRecord) {
        const RecordFacts facts = FactsOf(read.record);
        if (facts.key.has_value()) named.query = QueryName(*facts.key);
        named.at = facts.at;
      }
    }
    info.in_flight_named.push_back(std::move(named));
  }
}

std::map<std::string, uint64_t> CountBatches(const Collector& records) {
  std::map<std::string, uint64_t> counts;
  for (const auto& [number, status] : records.batches) {
    ++counts[runner::BatchStatusName(status)];
  }
  auto [first, last] = records.batches_pending;
  if (!records.batches.empty()) {
    first = std::max<uint64_t>(first, records.batches.rbegin()->first + 1);
  }
  if (first != 0 && first <= last) {
    counts[runner::BatchStatusName(runner::BatchStatus::kPending)] =
        last - first + 1;
  }
  return counts;
}

// ---------------------------------------------------------------------------
// JSON

Json ParsedOrText(const std::string& json_text) {
  if (json_text.empty()) return nullptr;
  Json parsed = Json::parse(json_text, nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? Json(json_text) : parsed;
}

Json SessionJson(const Session& session) {
  Json json = {{"number", session.begin.number},
               {"started", JsonTime(session.begin.started)},
               {"pid", session.begin.pid},
               {"host", session.begin.host},
               {"workers", session.begin.workers},
               {"version", session.begin.writer_version}};
  json["ended"] = session.end ? JsonTime(session.end->at) : Json(nullptr);
  json["reason"] = session.end
                       ? Json(runner::SessionStopName(session.end->reason))
                       : Json(nullptr);
  json["exit_code"] =
      session.end ? Json(session.end->exit_code) : Json(nullptr);
  return json;
}

Json RunsJson(const Info& info) {
  Json runs = Json::array();
  for (const auto& [run, counts] : info.runs) {
    Json json = {{"run", run},
                 {"completed", counts.completed},
                 {"failed", counts.failed},
                 {"unscored", counts.unscored},
                 {"in_flight", counts.in_flight}};
    const auto end = info.records.run_ends.find(run);
    if (end != info.records.run_ends.end()) {
      json["seed"] = end->second.seed;
      Json& means = json["means"] = Json::object();
      for (const auto& [name, value] : end->second.means) means[name] = value;
    }
    runs.push_back(std::move(json));
  }
  return runs;
}

Json SnapshotsJson(const Info& info) {
  Json snapshots = Json::array();
  for (const SnapshotFile& snapshot : info.snapshots) {
    Json json = {{"file", snapshot.file}, {"used", snapshot.used}};
    if (snapshot.manifest.has_value()) {
      json["lsn"] = snapshot.manifest->last_lsn;
      json["parts"] = snapshot.manifest->parts.size();
      json["records"] = snapshot.records;
      json["bytes"] = snapshot.bytes;
      json["created"] = JsonTime(snapshot.created());
    } else {
      json["problem"] = snapshot.problem;
    }
    snapshots.push_back(std::move(json));
  }
  return snapshots;
}

void PrintJson(const Info& info, Context& context) {
  const JournalView& view = info.view;
  const runner::ProgressTotals totals = view.progress->totals();
  const runner::BenchmarkInfo about =
      view.benchmark.value_or(runner::BenchmarkInfo());
  Json json = {{"format", 1}};
  json.update(SummaryJson(view));
  json["config_hash"] = about.identity_hash;
  json["scoring_hash"] = about.scoring_hash;
  json["dataset_path"] = about.dataset_path;
  json["dataset_fingerprint"] = about.dataset_fingerprint;
  json["identity"] = ParsedOrText(about.identity_json);
  json["scoring"] = ParsedOrText(about.scoring_json);
  json["config"] = ParsedOrText(about.config_json);
  json["seed"] = about.seed;
  json["writer_version"] = about.writer_version;
  json["writer_commit"] = about.writer_commit;
  json["runs"] = RunsJson(info);
  json["batches"] = CountBatches(info.records);
  json["elapsed_seconds"] = absl::ToDoubleSeconds(totals.elapsed);
  json["attempts"] = totals.attempts;
  json["usage"] = {{"prompt_tokens", totals.prompt_tokens},
                   {"completion_tokens", totals.completion_tokens},
                   {"unmetered", totals.unmetered}};
  json["cost_by_model"] = Json::object();
  json["cost_by_model"][about.model] = totals.cost;
  json["in_doubt"] = totals.in_doubt;
  json["in_flight"] = info.in_flight;
  json["in_flight_queries"] = Json::array();
  for (const InFlight& query : info.in_flight_named) {
    json["in_flight_queries"].push_back({{"run", query.run},
                                         {"query", query.query},
                                         {"started", JsonTime(query.at)}});
  }
  json["sessions_count"] = totals.sessions;
  json["sessions"] = Json::array();
  for (const Session& session : info.records.sessions) {
    json["sessions"].push_back(SessionJson(session));
  }
  json["snapshot"] = SnapshotJson(view.report);
  json["snapshots"] = SnapshotsJson(info);
  json["snapshot_bytes"] = SnapshotBytes(view.path);
  json["removed_before_lsn"] = view.report.removed_before_lsn;
  json["journal_uuid"] = view.report.journal_uuid;
  json["file_system"] = info.file_system;
  json["records"] = view.report.records;
  json["last_lsn"] = view.report.last_lsn;
  json["confirmed_lsn"] = view.report.watermark;
  json["closed"] = view.report.closed;
  json["segments"] = SegmentsJson(view.report);
  json["findings"] = Json::array();
  for (const journal::Finding& finding : view.report.findings) {
    json["findings"].push_back(FindingJson(finding));
  }
  context.out << JsonText(json) << "\n";
}

// ---------------------------------------------------------------------------
// Text

class Printer {
 public:
  explicit Printer(Context& context) : context_(context) {}

  void Line(absl::string_view name, absl::string_view value) {
    context_.out << context_.style.Paint(absl::StrFormat("%-12s", name),
                                         Colour::kBold)
                 << " " << value << "\n";
  }
  void Text(absl::string_view name, absl::string_view value) {
    Line(name, value.empty() ? "-" : runner::Printable(value));
  }

 private:
  Context& context_;
};

void PrintAbout(const Info& info, Context& context) {
  Printer print(context);
  const JournalView& view = info.view;
  print.Text("Journal", view.path);
  print.Line("Status",
             absl::StrCat(context.style.Paint(JournalStatusName(view.status),
                                              JournalStatusColour(view.status)),
                          view.holder.has_value()
                              ? absl::StrCat(" (", HolderName(*view.holder),
                                             " writes it)")
                              : ""));
  if (view.locked) return;
  if (!view.benchmark.has_value()) {
    print.Line("Benchmark",
               "no usable Benchmark record: creation was "
               "interrupted, or the record is lost");
    return;
  }
  const runner::BenchmarkInfo& about = *view.benchmark;
  print.Text("Run id", about.run_id);
  print.Text("Benchmark", about.benchmark_id);
  print.Text(
      "Dataset",
      absl::StrCat(
          about.dataset_name, " (", about.dataset_path, ", ",
          view.progress->rows(), " rows, fingerprint ",
          about.dataset_fingerprint.substr(0, runner::kShownHashDigits), ")"));
  print.Text("Model", about.model);
  print.Text("Method", about.method);
  print.Text("Config hash",
             about.identity_hash.substr(0, runner::kShownHashDigits));
  print.Text("Identity", about.identity_json);
  print.Text("Scoring", about.scoring_json);
  print.Text("Config", about.config_json);
  print.Text("Written by",
             absl::StrCat(about.writer_version, " ", about.writer_commit));
}

void PrintProgress(const Info& info, Context& context) {
  Printer print(context);
  const Style& style = context.style;
  const JournalView& view = info.view;
  const runner::ProgressTotals totals = view.progress->totals();
  print.Line("Progress",
             absl::StrCat(style.Count(totals.completed), " of ",
                          style.Count(view.total()), " completed (",
                          absl::StrFormat("%.1f%%", Percent(totals.completed,
                                                            view.total())),
                          "), ", style.Count(totals.failed), " failed, ",
                          style.Count(totals.in_doubt), " ever in doubt"));
  print.Line("Started", style.Time(view.started));
  print.Line("Updated", style.Time(view.updated));
  print.Line("Elapsed", absl::StrCat(Elapsed(totals.elapsed), " in ",
                                     totals.sessions, " sessions"));
  print.Line("Cost", Dollars(totals.cost));
  print.Line(
      "Tokens",
      absl::StrCat(style.Count(totals.prompt_tokens), " prompt, ",
                   style.Count(totals.completion_tokens), " completion; ",
                   style.Count(totals.unmetered), " of ",
                   style.Count(totals.attempts), " attempts unmetered"));
  if (info.records.dropped > 0) {
    print.Line("Not shown", absl::StrCat(info.records.dropped,
                                         " further ends of runs and states of "
                                         "batches"));
  }
  for (const auto& [name, count] : CountBatches(info.records)) {
    print.Line("Batches", absl::StrCat(style.Count(count), " ", name));
  }
}

void PrintRuns(const Info& info, Context& context) {
  if (info.runs.empty()) return;
  Table table({{"RUN", true},
               {"COMPLETED", true},
               {"FAILED", true},
               {"UNSCORED", true},
               {"IN FLIGHT", true},
               {"MEANS"}});
  const Style& style = context.style;
  for (const auto& [run, counts] : info.runs) {
    std::string means = "-";
    const auto end = info.records.run_ends.find(run);
    if (end != info.records.run_ends.end()) {
      means = absl::StrJoin(
          end->second.means, ", ", [](std::string* out, const auto& mean) {
            absl::StrAppend(out, runner::Printable(mean.first), "=",
                            mean.second);
          });
    }
    table.AddRow({{absl::StrCat(run)},
                  {style.Count(counts.completed)},
                  {style.Count(counts.failed)},
                  {style.Count(counts.unscored)},
                  {style.Count(counts.in_flight)},
                  {means}});
  }
  context.out << "\n";
  table.Print(style, context.out);
}

void PrintInFlight(const Info& info, Context& context) {
  if (info.in_flight == 0) return;
  context.out << "\n"
              << (info.view.holder.has_value()
                      ? "In flight: "
                      : "In doubt (begun, no end; may have been billed, asked "
                        "again on resume): ");
  const size_t shown = std::min(info.in_flight_named.size(), kInFlightShown);
  for (size_t i = 0; i < shown; ++i) {
    const InFlight& query = info.in_flight_named[i];
    context.out << (i > 0 ? ", " : "") << query.query << " (run " << query.run
                << ")";
  }
  if (shown < info.in_flight) {
    context.out << " and " << info.in_flight - shown
                << " more: journalctl-bench show " << ShellWord(info.view.path)
                << " --status in-doubt";
  }
  context.out << "\n";
}

void PrintSessions(const Info& info, Context& context) {
  const std::deque<Session>& sessions = info.records.sessions;
  if (sessions.empty()) return;
  Table table({{"SESSION", true},
               {"STARTED"},
               {"PID", true},
               {"HOST"},
               {"WORKERS", true},
               {"ENDED"}});
  const size_t first =
      sessions.size() > kSessionsShown ? sessions.size() - kSessionsShown : 0;
  for (size_t i = first; i < sessions.size(); ++i) {
    const Session& session = sessions[i];
    const bool at_work =
        i + 1 == sessions.size() && info.view.holder.has_value();
    table.AddRow({{absl::StrCat(session.begin.number)},
                  {context.style.Time(session.begin.started)},
                  {absl::StrCat(session.begin.pid)},
                  {runner::Printable(session.begin.host)},
                  {absl::StrCat(session.begin.workers)},
                  {session.end ? absl::StrCat(runner::SessionStopName(
                                                  session.end->reason),
                                              ", exit ", session.end->exit_code)
                   : at_work   ? "at work"
                               : "without a word"}});
  }
  context.out << "\n";
  if (first + info.records.sessions_dropped > 0) {
    context.out << "The newest " << sessions.size() - first << " of "
                << sessions.size() + info.records.sessions_dropped
                << " sessions:\n";
  }
  table.Print(context.style, context.out);
}

void PrintSnapshots(const Info& info, Context& context) {
  const journal::RecoveryReport& report = info.view.report;
  Printer print(context);
  print.Line(
      "Snapshot",
      report.snapshot_file.empty()
          ? "none"
          : absl::StrCat(report.snapshot_file, ", up to LSN ",
                         report.snapshot_lsn, ", ", report.snapshot_parts,
                         report.snapshot_parts == 1 ? " part, " : " parts, ",
                         context.style.Count(report.snapshot_records),
                         " records; all snapshots ",
                         context.style.Bytes(SnapshotBytes(info.view.path))));
  if (info.snapshots.empty()) return;
  Table table({{"SNAPSHOT"},
               {"LSN", true},
               {"PARTS", true},
               {"RECORDS", true},
               {"BYTES", true},
               {"CREATED"},
               {"STATE"}});
  for (const SnapshotFile& snapshot : info.snapshots) {
    if (!snapshot.manifest.has_value()) {
      table.AddRow({{snapshot.file},
                    {"-"},
                    {"-"},
                    {"-"},
                    {"-"},
                    {"-"},
                    {"damaged", Colour::kRed}});
      continue;
    }
    table.AddRow({{snapshot.file},
                  {absl::StrCat(snapshot.manifest->last_lsn)},
                  {absl::StrCat(snapshot.manifest->parts.size())},
                  {context.style.Count(snapshot.records)},
                  {context.style.Bytes(snapshot.bytes)},
                  {context.style.Time(snapshot.created())},
                  {snapshot.used ? "in use" : "kept"}});
  }
  table.Print(context.style, context.out);
}

void PrintFiles(const Info& info, Context& context) {
  const journal::RecoveryReport& report = info.view.report;
  Printer print(context);
  context.out << "\n";
  print.Line(
      "Records",
      absl::StrCat(context.style.Count(report.records), ", last LSN ",
                   report.last_lsn, ", confirmed up to ", report.watermark,
                   report.closed ? ", closed" : ", not closed"));
  print.Line("Size", context.style.Bytes(info.view.bytes));
  print.Text("File system", info.file_system);
  print.Line(
      "Encryption",
      report.key_id.empty()
          ? "none"
          : absl::StrCat("key ", report.key_id,
                         info.view.locked ? ", which was not given: what the "
                                            "records say is not known"
                                          : ""));
  if (report.removed_before_lsn > 0) {
    print.Line("Removed",
               absl::StrCat("all before LSN ", report.removed_before_lsn,
                            ", as its application asked"));
  }
  PrintSnapshots(info, context);
  Table table({{"SEGMENT"}, {"LSN"}, {"BYTES", true}, {"CREATED"}, {"END"}});
  for (const journal::SegmentInfo& segment : report.segments) {
    table.AddRow({{segment.file},
                  {absl::StrCat(segment.first_lsn, "..", segment.last_lsn)},
                  {context.style.Bytes(segment.file_bytes)},
                  {context.style.Time(segment.created)},
                  {segment.covered  ? "second copy"
                   : segment.sealed ? "sealed"
                   : segment.closed ? "closed"
                                    : "open"}});
  }
  table.Print(context.style, context.out);
}

int Run(const Arguments& arguments, Context& context) {
  absl::StatusOr<std::string> path = ResolveJournal(arguments.operands()[0]);
  if (!path.ok()) return Fail(context, path.status());
  Info info;
  absl::StatusOr<JournalView> view =
      ViewJournal(*path, /*full=*/true, &info.records, context.cipher);
  if (!view.ok()) return Fail(context, view.status());
  info.view = *std::move(view);
  CountRuns(info, context.cipher);
  info.snapshots = ListSnapshots(*path, info.view.report);
  if (auto traits = journal::FileSystem::Posix()->Traits(*path); traits.ok()) {
    info.file_system = traits->name;
  }
  if (arguments.Has("json")) {
    PrintJson(info, context);
  } else {
    PrintAbout(info, context);
    if (!info.view.locked) PrintProgress(info, context);
    PrintRuns(info, context);
    PrintInFlight(info, context);
    PrintSessions(info, context);
    PrintFiles(info, context);
  }
  for (const journal::Finding& finding : info.view.report.findings) {
    if (info.view.status == JournalStatus::kRunning) break;
    context.err << runner::Printable(journal::Describe(finding)) << "\n";
  }
  for (const std::string& line : Advice(info.view)) {
    context.err << line << "\n";
  }
  return ExitCodeOf(info.view.status);
}

}  // namespace

const Command& InfoCommand() {
  static const auto* const command = new Command{
      {"info",
       "J",
       1,
       1,
       "Shows what a journal is about, how far it is and what it cost.",
       "J is a journal's directory, or a run id (or latest) in journals/.\n"
       "Without the key of an encrypted journal: its files and their state.\n"
       "Segments marked as second copies are held by the snapshot, too.\n",
       {{"json", 0, "", "one JSON object: the fields of list and more"}}},
      Run};
  return *command;
}

}  // namespace inspector
