#include "runner/storage/benchmark_journal.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "runner/base/version.h"
#include "runner/storage/attempt_records.h"
#include "runner/storage/errors_log.h"
#include "runner/storage/in_doubt_list.h"
#include "runner/storage/journal_head.h"
#include "runner/storage/journal_read.h"
#include "runner/storage/journal_watch.h"
#include "runner/storage/make_parents.h"
#include "runner/storage/record_codec.h"
#include "runner/storage/result_recorder.h"
#include "runner/storage/row_list.h"
#include "runner/storage/session_record.h"
#include "runner/storage/snapshot_answerer.h"
#include "runner/storage/worker_states.h"

namespace runner {
namespace {

constexpr uint32_t kNotCounted = 0;  // Starts, scores and the like.

absl::Status Invalid(absl::string_view message) {
  return journal::MakeError(journal::ErrorKind::kInvalidArgument, message);
}

journal::FileSystem& FileSystemOf(const BenchmarkJournal::Options& options) {
  return options.file_system != nullptr ? *options.file_system
                                        : *journal::FileSystem::Posix();
}

// A new journal may go where there is none, or one without a record.
absl::Status CheckFree(journal::FileSystem& fs, absl::string_view directory) {
  journal::ExamineOptions options;
  options.full = false;
  options.file_system = &fs;
  absl::StatusOr<bool> exists = fs.Exists(directory);
  if (!exists.ok()) return exists.status();
  if (!*exists) return absl::OkStatus();
  absl::StatusOr<journal::RecoveryReport> report =
      journal::Examine(directory, options);
  if (journal::KindOf(report.status()) == journal::ErrorKind::kNotFound) {
    return absl::OkStatus();
  }
  if (!report.ok()) return report.status();
  if (report->records == 0) return absl::OkStatus();
  return Invalid(absl::StrCat(directory, ": a journal is already here"));
}

class JournalOfBenchmark final : public BenchmarkJournal {
 public:
  JournalOfBenchmark(absl::string_view directory, const Options& options)
      : directory_(directory),
        cipher_(options.cipher),
        file_system_(FileSystemOf(options)),
        errors_log_(journal::JoinPath(directory, "errors.log")) {}

  absl::Status Open(const Options& options,
                    journal::WriterOptions::Existing existing);
  absl::Status WriteHead(const BenchmarkInfo& info, uint64_t rows,
                         absl::FunctionRef<RowInfo(uint64_t)> row);
  absl::Status ReadHead();

  const BenchmarkInfo& info() const override { return info_; }
  const JournalNow& now() const override { return now_; }
  absl::Status ForEachRow(
      absl::FunctionRef<void(RowInfo)> visit) const override;
  const journal::RecoveryReport& recovery_report() const override {
    return writer_->recovery_report();
  }
  std::string directory() const override { return directory_; }
  std::vector<std::string> warnings() const override { return warnings_; }

  SelectionRecord selection() const override ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return selection_;
  }

  bool IsDone(uint32_t run, uint32_t index) const override {
    return state_.IsDone(run, index);
  }
  std::vector<OpenQuery> open_queries() const override {
    return state_.open_queries();
  }
  bool NeedsScore(uint32_t run, uint32_t index) const override {
    return state_.NeedsScore(run, index);
  }
  bool scoring_changed() const override {
    return state_.newest_scoring_lsn() != 0;
  }
  ProgressTotals totals() const override { return state_.totals(); }
  uint32_t session_workers() const override { return state_.session_workers(); }
  BatchProgress batches() const override { return state_.batches(); }
  journal::Lsn limit_lsn() const override { return state_.limit_lsn(); }
  bool complete() const override { return state_.complete(); }
  int complete_exit_code() const override {
    return state_.complete_exit_code();
  }
  absl::Time complete_time() const override { return state_.complete_time(); }

  absl::Status ExtendRows(absl::Span<const RowInfo> rows) override;
  absl::Status BeginScoring(absl::string_view scoring_json,
                            absl::string_view scoring_hash) override;
  absl::Status BeginSession(const SessionInfo& session) override;
  absl::Status RecordOverrides(
      absl::Span<const OverrideRecord> overrides) override;
  absl::Status AcceptChanges(absl::Span<const OverrideRecord> changes) override;
  absl::Status RecordSelection(const SelectionRecord& selection) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status RecordInDoubt(absl::Span<const OpenQuery> queries) override;
  absl::Status RecordStarts(absl::Span<AttemptStartRecord> starts,
                            bool durable) override;
  absl::Status RecordResponses(absl::Span<const Answered> answers) override;
  absl::Status RecordError(const EvaluationRequest& request,
                           const EvaluationResult& result, bool final) override;
  absl::Status RecordScores(absl::Span<ScoreRecord> scores) override;
  absl::StatusOr<std::map<uint32_t, std::string>> ReadWorkerStates(
      uint32_t slots) const override;
  uint32_t worker_states() const override {
    return static_cast<uint32_t>(state_.worker_state_lsns().size());
  }
  absl::Status RecordBatches(absl::Span<const BatchRecord> batches) override;
  absl::Status RecordRunEnd(RunEndRecord run) override;
  absl::Status RecordLimit(LimitRecord limit) override;
  absl::Status EndSession(SessionStop reason, int signal, int exit_code,
                          absl::string_view detail) override;
  absl::Status RecordComplete(int exit_code,
                              absl::string_view results_path) override;
  absl::Status AppendCopies(
      absl::Span<const journal::RecordView> records) override {
    return writer_->Append(records).status();
  }
  absl::Status RecordCheckpoint(absl::string_view reason) override;
  absl::Status Sync() override { return writer_->Sync(); }
  absl::Status Close() override {
    if (answerer_ != nullptr) answerer_->Stop();
    results_->EndSnapshots();
    absl::Status closed = writer_->Close();
    answerer_.reset();
    return closed;
  }

 private:
  template <typename Record>
  absl::Status Append(const Record& record, uint32_t sync_weight) {
    const std::string body = Encode(record);
    return writer_
        ->Append({.type = TypeNumber(record),
                  .body = body,
                  .sync_weight = sync_weight,
                  .ignorable = false})
        .status();
  }

  absl::Status CheckKey(const QueryKey& key) const;
  absl::StatusOr<std::unique_ptr<journal::Reader>> OpenReader() const override;
  void NoteOddRecords();
  absl::Status ReadSelection(journal::Reader& reader);

  const std::string directory_;
  const journal::Cipher* const cipher_;
  journal::FileSystem& file_system_;
  ErrorsLog errors_log_;
  BenchmarkInfo info_;
  JournalNow now_;
  std::vector<std::string> warnings_;
  ProgressState state_;  // Outlives the writer, which folds into it,
  JournalWatch watch_;   // and tells it what it meets.
  std::unique_ptr<journal::Writer> writer_;
  std::unique_ptr<ResultRecorder> results_;
  std::unique_ptr<SnapshotAnswerer> answerer_;  // Null once closed.

  mutable absl::Mutex mutex_;
  SelectionRecord selection_ ABSL_GUARDED_BY(mutex_);
  std::string session_id_ ABSL_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point session_start_ ABSL_GUARDED_BY(mutex_);
};

absl::Status JournalOfBenchmark::Open(
    const Options& options, journal::WriterOptions::Existing existing) {
  journal::WriterOptions writer_options;
  writer_options.sync_mode = options.sync_mode;
  writer_options.sync_records = options.sync_records;
  writer_options.sync_interval = options.sync_interval;
  writer_options.max_record_bytes = kRecordBytesMax;
  writer_options.existing = existing;
  // Every byte, not only the newest, if that takes but a moment: what was paid
  // for is looked at before anything is built upon it.
  writer_options.verify_all =
      JournalBytes(file_system_, directory_) < options.verified_bytes_max;
  writer_options.scrub_bytes_per_second = kScrubBytesPerSecond;
  watch_.set_on_snapshot(options.on_snapshot);
  writer_options.listener = &watch_;
  writer_options.folder = &state_;
  writer_options.cipher = options.cipher;
  writer_options.file_system = &file_system_;
  writer_options.snapshots = options.snapshots;
  if (!options.snapshots.backup_directory.empty()) {
    absl::Status made =
        MakeParents(file_system_, options.snapshots.backup_directory);
    if (!made.ok()) return made;
  }
  absl::StatusOr<std::unique_ptr<journal::Writer>> writer =
      journal::Writer::Open(directory_, writer_options);
  if (!writer.ok()) return writer.status();
  writer_ = *std::move(writer);
  results_ =
      std::make_unique<ResultRecorder>(writer_.get(), options.snapshot_results);
  answerer_ =
      std::make_unique<SnapshotAnswerer>(file_system_, directory_, *writer_);
  return absl::OkStatus();
}

// Writes the first records: in one append, all or nothing, unless the list of
// rows is very long; a list that was cut short shows when it is read.
absl::Status JournalOfBenchmark::WriteHead(
    const BenchmarkInfo& info, uint64_t rows,
    absl::FunctionRef<RowInfo(uint64_t)> row) {
  info_ = info;
  info_.queries = rows;
  if (info_.writer_version.empty()) info_.writer_version = kVersion;
  if (info_.writer_commit.empty()) {
    info_.writer_commit = std::string(BuildCommit());
  }
  {
    absl::MutexLock lock(&mutex_);
    selection_ = AllRows(info_);
  }
  std::vector<Body> bodies = {{RecordType::kBenchmark, Encode(info_)}};
  return AppendRows(*writer_, 0, rows, row, std::move(bodies));
}

// Reads the Benchmark record of a journal that was opened, and checks that its
// head is whole.
absl::Status JournalOfBenchmark::ReadHead() {
  const OddRecords odd = state_.odd_records();
  if (odd.unknown_lsn != 0) {
    return journal::MakeError(
        journal::ErrorKind::kNewerVersion,
        absl::StrCat(directory_, ": LSN ", odd.unknown_lsn,
                     " is a record of type ", odd.unknown_type,
                     ": written by a newer version; use that version"));
  }
  NoteOddRecords();
  const bool whole = state_.benchmark_lsn() != 0 &&
                     state_.rows() >= state_.announced_queries();
  if (!whole && odd.poison > 0) {
    return journal::MakeError(
        journal::ErrorKind::kDamage,
        absl::StrCat(directory_, ": what it is about cannot be read; ",
                     warnings_.front()));
  }
  if (!whole) {
    return journal::MakeError(
        journal::ErrorKind::kNotFound,
        absl::StrCat(directory_,
                     ": the creation of this journal was interrupted; nothing "
                     "was asked, so nothing is lost by starting anew"));
  }
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader = OpenReader();
  if (!reader.ok()) return reader.status();
  absl::StatusOr<BenchmarkInfo> info =
      ReadRecord<BenchmarkInfo>(**reader, state_.benchmark_lsn());
  if (!info.ok()) return journal::WithContext(info.status(), directory_);
  info_ = *std::move(info);
  absl::Status s = ReadSelection(**reader);
  if (!s.ok()) return s;
  s = ReadWhatHolds(**reader, state_, info_, now_);
  return s.ok() ? s : journal::WithContext(s, directory_);
}

absl::Status JournalOfBenchmark::ReadSelection(journal::Reader& reader) {
  SelectionRecord selection = AllRows(info_);
  const journal::Lsn lsn = state_.newest_selection_lsn();
  if (lsn != 0) {
    absl::StatusOr<SelectionRecord> newest =
        ReadRecord<SelectionRecord>(reader, lsn);
    if (!newest.ok()) return journal::WithContext(newest.status(), directory_);
    selection = *std::move(newest);
  }
  absl::MutexLock lock(&mutex_);
  selection_ = std::move(selection);
  return absl::OkStatus();
}

void JournalOfBenchmark::NoteOddRecords() {
  const OddRecords odd = state_.odd_records();
  if (odd.poison == 0) return;
  warnings_.push_back(absl::StrCat(
      odd.poison,
      odd.poison == 1 ? " poison record" : " poison records, the first",
      " at LSN ", odd.first_poison_lsn,
      ": whole on disk, but not what this program writes; not counted"));
}

absl::StatusOr<std::unique_ptr<journal::Reader>>
JournalOfBenchmark::OpenReader() const {
  journal::ReaderOptions options;
  options.cipher = cipher_;
  options.file_system = &file_system_;
  return journal::Reader::Open(directory_, options);
}

absl::Status JournalOfBenchmark::ForEachRow(
    absl::FunctionRef<void(RowInfo)> visit) const {
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader = OpenReader();
  if (!reader.ok()) return reader.status();
  for (const journal::Lsn lsn : state_.dataset_lsns()) {
    absl::StatusOr<DatasetRowsRecord> record =
        ReadRecord<DatasetRowsRecord>(**reader, lsn);
    if (!record.ok()) {
      return journal::WithContext(record.status(), directory_);
    }
    for (RowInfo& row : record->rows) visit(std::move(row));
  }
  return absl::OkStatus();
}

absl::Status JournalOfBenchmark::CheckKey(const QueryKey& key) const {
  const uint64_t rows = state_.rows();
  if (key.run == 0 || key.index >= rows) {
    return Invalid(absl::StrCat("no query ", key.index, " in run ", key.run,
                                ": the journal lists ", rows, " queries"));
  }
  if (uint64_t{key.run} * rows > kQueryRunsMax) {
    return Invalid(absl::StrCat("run ", key.run, " of ", rows,
                                " queries: a journal holds at most ",
                                kQueryRunsMax, " results; use shards"));
  }
  return absl::OkStatus();
}

absl::Status JournalOfBenchmark::ExtendRows(absl::Span<const RowInfo> rows) {
  return AppendRows(*writer_, state_.rows(), rows.size(),
                    [&](uint64_t i) { return rows[i]; }, {});
}

absl::Status JournalOfBenchmark::BeginScoring(absl::string_view scoring_json,
                                              absl::string_view scoring_hash) {
  ScoringRecord record;
  record.scoring_json = std::string(scoring_json);
  record.scoring_hash = std::string(scoring_hash);
  record.at = absl::Now();
  absl::Status status = Append(record, kNotCounted);
  if (status.ok()) status = writer_->Sync();
  if (!status.ok()) return status;
  info_.scoring_json = std::move(record.scoring_json);
  info_.scoring_hash = std::move(record.scoring_hash);
  return absl::OkStatus();
}

absl::Status JournalOfBenchmark::BeginSession(const SessionInfo& session) {
  const SessionRecord record =
      MakeSession(session.workers, session.config_json, state_.totals());
  {
    absl::MutexLock lock(&mutex_);
    session_id_ = record.session_id;
    session_start_ = std::chrono::steady_clock::now();
  }
  return Append(record, kNotCounted);
}

absl::Status JournalOfBenchmark::RecordOverrides(
    absl::Span<const OverrideRecord> overrides) {
  std::vector<Body> bodies;
  bodies.reserve(overrides.size());
  for (const OverrideRecord& each : overrides) {
    bodies.push_back({RecordType::kOverride, Encode(each)});
  }
  absl::StatusOr<journal::Lsn> lsn = AppendAll(*writer_, bodies);
  if (!lsn.ok() || bodies.empty()) return lsn.status();
  return writer_->Sync();
}

absl::Status JournalOfBenchmark::AcceptChanges(
    absl::Span<const OverrideRecord> changes) {
  absl::Status s = RecordOverrides(changes);
  if (!s.ok()) return s;
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader = OpenReader();
  if (!reader.ok()) return reader.status();
  return ReadWhatHolds(**reader, state_, info_, now_);
}

absl::Status JournalOfBenchmark::RecordSelection(
    const SelectionRecord& selection) {
  SelectionRecord record = selection;
  record.at = absl::Now();
  if (absl::Status s = Append(record, kNotCounted); !s.ok()) return s;
  absl::MutexLock lock(&mutex_);
  selection_ = std::move(record);
  return absl::OkStatus();
}

absl::Status JournalOfBenchmark::RecordInDoubt(
    absl::Span<const OpenQuery> queries) {
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader = OpenReader();
  if (!reader.ok()) return reader.status();
  std::string session_id;
  {
    absl::MutexLock lock(&mutex_);
    session_id = session_id_;
  }
  return ListInDoubt(**reader, queries, [&](InDoubtRecord record) {
    record.session_id = session_id;
    return Append(record, kNotCounted);
  });
}

absl::Status JournalOfBenchmark::RecordStarts(
    absl::Span<AttemptStartRecord> starts, bool durable) {
  if (starts.empty()) return absl::OkStatus();
  // Nothing more is paid for what a damaged journal may lose. Answers that are
  // on their way are recorded all the same.
  if (absl::Status damage = watch_.damage(); !damage.ok()) return damage;
  if (state_.open_count() + starts.size() > kOpenQueriesMax) {
    return Invalid(absl::StrCat("more than ", kOpenQueriesMax,
                                " queries have failed or are under way; use "
                                "shards"));
  }
  std::vector<Body> bodies;
  bodies.reserve(starts.size());
  const absl::Time now = absl::Now();
  for (AttemptStartRecord& start : starts) {
    if (absl::Status s = CheckKey(start.key); !s.ok()) return s;
    start.at = now;
    bodies.push_back({RecordType::kAttemptStart, Encode(start)});
  }
  absl::StatusOr<journal::Lsn> lsn = AppendAll(*writer_, bodies);
  if (!lsn.ok()) return lsn.status();
  return durable ? writer_->WaitDurable(*lsn) : absl::OkStatus();
}

absl::Status JournalOfBenchmark::RecordResponses(
    absl::Span<const Answered> answers) {
  std::vector<std::string> bodies;
  bodies.reserve(answers.size());
  for (const auto& [request, result] : answers) {
    if (absl::Status s = CheckKey(request->key); !s.ok()) return s;
    if (absl::Status s = CheckFits(*request, *result); !s.ok()) return s;
    bodies.push_back(Encode(MakeResponse(*request, *result)));
  }
  if (bodies.size() != 1) return results_->AppendAll(bodies);
  return results_->Append(RecordType::kResponse, bodies[0], *answers[0].result);
}

absl::Status JournalOfBenchmark::RecordError(const EvaluationRequest& request,
                                             const EvaluationResult& result,
                                             bool final) {
  if (absl::Status s = CheckKey(request.key); !s.ok()) return s;
  if (!result.error.has_value()) {
    return Invalid("an error was to be recorded, and there is none");
  }
  const AttemptErrorRecord record = MakeError(request, result, final);
  absl::Status status =
      results_->Append(RecordType::kAttemptError, Encode(record), result);
  if (status.ok()) errors_log_.Add(record);
  return status;
}

absl::Status JournalOfBenchmark::RecordScores(absl::Span<ScoreRecord> scores) {
  std::vector<Body> bodies;
  bodies.reserve(scores.size());
  const absl::Time now = absl::Now();
  for (ScoreRecord& score : scores) {
    const QueryKey& key = score.key;
    if (absl::Status s = CheckKey(key); !s.ok()) return s;
    if (!state_.IsDone(key.run, key.index)) {
      return Invalid(absl::StrCat("query ", key.index, " of run ", key.run,
                                  " has no answer that could be scored"));
    }
    score.scoring_hash = info_.scoring_hash;
    score.at = now;
    bodies.push_back({RecordType::kScore, Encode(score)});
  }
  return AppendAll(*writer_, bodies).status();
}

absl::StatusOr<std::map<uint32_t, std::string>>
JournalOfBenchmark::ReadWorkerStates(uint32_t slots) const {
  absl::StatusOr<std::unique_ptr<journal::Reader>> reader = OpenReader();
  if (!reader.ok()) return reader.status();
  return ReadStates(**reader, state_.worker_state_lsns(), slots);
}

absl::Status JournalOfBenchmark::RecordBatches(
    absl::Span<const BatchRecord> batches) {
  std::vector<Body> bodies;
  bodies.reserve(batches.size());
  const absl::Time now = absl::Now();
  for (BatchRecord record : batches) {
    record.at = now;
    bodies.push_back({RecordType::kBatch, Encode(record)});
  }
  return AppendAll(*writer_, bodies).status();
}

absl::Status JournalOfBenchmark::RecordRunEnd(RunEndRecord run) {
  if (run.run == 0) return Invalid("runs are numbered from 1");
  run.at = absl::Now();
  return Append(run, kNotCounted);
}

absl::Status JournalOfBenchmark::RecordLimit(LimitRecord limit) {
  limit.at = absl::Now();
  return Append(limit, kNotCounted);
}

absl::Status JournalOfBenchmark::EndSession(SessionStop reason, int signal,
                                            int exit_code,
                                            absl::string_view detail) {
  const ProgressTotals totals = state_.totals();
  SessionEndRecord record;
  {
    absl::MutexLock lock(&mutex_);
    if (session_id_.empty()) {
      return journal::MakeError(journal::ErrorKind::kInvalidArgument,
                                "no session has begun");
    }
    record.session_id = session_id_;
    record.elapsed =
        absl::FromChrono(std::chrono::steady_clock::now() - session_start_);
  }
  record.reason = reason;
  record.signal = signal;
  record.exit_code = exit_code;
  record.completed = totals.completed;
  record.failed = totals.failed;
  record.detail = CutText(detail);
  record.at = absl::Now();
  return Append(record, kNotCounted);
}

absl::Status JournalOfBenchmark::RecordComplete(
    int exit_code, absl::string_view results_path) {
  const ProgressTotals totals = state_.totals();
  CompleteRecord record;
  record.completed = totals.completed;
  record.failed = totals.failed;
  record.exit_code = exit_code;
  record.results_path = std::string(results_path);
  record.at = absl::Now();
  if (absl::Status s = Append(record, kNotCounted); !s.ok()) return s;
  return writer_->Sync();
}

absl::Status JournalOfBenchmark::RecordCheckpoint(absl::string_view reason) {
  CheckpointRecord record;
  record.reason = std::string(reason);
  record.completed = state_.totals().completed;
  record.at = absl::Now();
  if (absl::Status s = Append(record, kNotCounted); !s.ok()) return s;
  return writer_->Sync();
}

absl::Status CheckLimits(const BenchmarkInfo& info, uint64_t rows) {
  const uint64_t runs = std::max<uint64_t>(info.runs, 1);
  if (rows <= kQueryRunsMax && runs <= kQueryRunsMax &&
      rows * runs <= kQueryRunsMax) {
    return absl::OkStatus();
  }
  return Invalid(absl::StrCat(rows, " queries in ", runs,
                              " runs: a journal holds at most ", kQueryRunsMax,
                              " results; use shards"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<BenchmarkJournal>> BenchmarkJournal::Create(
    absl::string_view directory, const BenchmarkInfo& info, uint64_t rows,
    absl::FunctionRef<RowInfo(uint64_t)> row, const Options& options) {
  journal::FileSystem& fs = FileSystemOf(options);
  if (absl::Status s = CheckLimits(info, rows); !s.ok()) return s;
  if (absl::Status s = MakeParents(fs, directory); !s.ok()) return s;
  if (absl::Status s = CheckFree(fs, directory); !s.ok()) return s;
  auto created = std::make_unique<JournalOfBenchmark>(directory, options);
  absl::Status status =
      created->Open(options, journal::WriterOptions::Existing::kOpenOrCreate);
  if (!status.ok()) return status;
  // Another process may have been quicker than the lock.
  if (created->recovery_report().records > 0) {
    return Invalid(absl::StrCat(directory, ": a journal is already here"));
  }
  if (absl::Status s = created->WriteHead(info, rows, row); !s.ok()) return s;
  return std::unique_ptr<BenchmarkJournal>(std::move(created));
}

absl::StatusOr<std::unique_ptr<BenchmarkJournal>> BenchmarkJournal::Create(
    absl::string_view directory, const BenchmarkInfo& info,
    absl::Span<const RowInfo> rows, const Options& options) {
  return Create(
      directory, info, rows.size(), [&](uint64_t i) { return rows[i]; },
      options);
}

absl::Status BenchmarkJournal::RecordStart(const EvaluationRequest& request,
                                           bool durable) {
  AttemptStartRecord start = MakeStart(request);
  return RecordStarts({&start, 1}, durable);
}

absl::Status BenchmarkJournal::RecordResponse(const EvaluationRequest& request,
                                              const EvaluationResult& result) {
  const Answered answer{&request, &result};
  return RecordResponses({&answer, 1});
}

absl::Status BenchmarkJournal::RecordScore(const QueryKey& key,
                                           const NamedValues& scores,
                                           bool unparsed,
                                           absl::string_view extracted) {
  ScoreRecord score;
  score.key = key;
  score.scores = scores;
  score.unparsed = unparsed;
  score.extracted = std::string(extracted);
  return RecordScores({&score, 1});
}

absl::StatusOr<std::vector<RowInfo>> BenchmarkJournal::ReadRows() const {
  std::vector<RowInfo> rows;
  absl::Status s =
      ForEachRow([&](RowInfo row) { rows.push_back(std::move(row)); });
  if (!s.ok()) return s;
  return rows;
}

absl::StatusOr<std::unique_ptr<BenchmarkJournal>> BenchmarkJournal::Resume(
    absl::string_view directory, const Options& options) {
  auto resumed = std::make_unique<JournalOfBenchmark>(directory, options);
  absl::Status status =
      resumed->Open(options, journal::WriterOptions::Existing::kMustExist);
  if (!status.ok()) return status;
  if (absl::Status s = resumed->ReadHead(); !s.ok()) return s;
  return std::unique_ptr<BenchmarkJournal>(std::move(resumed));
}

}  // namespace runner
