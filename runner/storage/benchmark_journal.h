// The journal of one benchmark: what the runner writes, and what it needs to
// know of it to go on.
#ifndef RUNNER_STORAGE_BENCHMARK_JOURNAL_H_
#define RUNNER_STORAGE_BENCHMARK_JOURNAL_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "journal/journal.h"
#include "runner/base/query.h"
#include "runner/evaluators/evaluator.h"
#include "runner/storage/journal_now.h"
#include "runner/storage/progress_state.h"
#include "runner/storage/records.h"

namespace runner {

struct SessionInfo {
  uint32_t workers = 0;
  std::string config_json;
};

// What an evaluator said to a request. Borrowed.
struct Answered {
  const EvaluationRequest* request = nullptr;
  const EvaluationResult* result = nullptr;
};

// Larger journals are opened by their newest state and what follows it, and the
// rest is read while the run goes on: what it finds ends the run.
inline constexpr uint64_t kVerifiedBytesMax = 256 << 20;

// Thread-safe after Create/Resume. Recording functions return when the record
// survives the death of the process.
class BenchmarkJournal : public QueryProgress {
 public:
  struct Options {
    journal::SyncMode sync_mode = journal::SyncMode::kBatch;
    uint32_t sync_records = 50;
    absl::Duration sync_interval = absl::Milliseconds(100);
    // When snapshots are made and where copies of them go; a missing backup
    // directory is made, with its parents.
    journal::SnapshotOptions snapshots;
    // A snapshot at least every so many answers and errors; 0: as above alone.
    uint64_t snapshot_results = 0;
    // Called in a thread of the journal's own, until its end, when a snapshot
    // of all records up to `last_lsn` was made; may be empty.
    std::function<void(journal::Lsn last_lsn)> on_snapshot;
    // A journal of fewer bytes is read as a whole when it is opened.
    uint64_t verified_bytes_max = kVerifiedBytesMax;
    // Not owned; outlives the journal. Null: plain.
    const journal::Cipher* cipher = nullptr;
    journal::FileSystem* file_system = nullptr;  // Null means Posix().
  };

  // Starts a journal in the new directory `directory`, whose missing parents
  // are made; durable on return. A journal without a single record, left by a
  // creation that was interrupted, is taken over. Errors: kInvalidArgument when
  // another journal is there or the limits of progress_state.h do not hold;
  // those of journal::Writer::Open.
  static absl::StatusOr<std::unique_ptr<BenchmarkJournal>> Create(
      absl::string_view directory, const BenchmarkInfo& info,
      absl::Span<const RowInfo> rows, const Options& options);
  // The same for a list of `rows` rows that is nowhere in memory as a whole.
  static absl::StatusOr<std::unique_ptr<BenchmarkJournal>> Create(
      absl::string_view directory, const BenchmarkInfo& info, uint64_t rows,
      absl::FunctionRef<RowInfo(uint64_t)> row, const Options& options);

  // Opens an existing one for writing: lock, recovery, state. A large one is
  // read as a whole only while it is written (journal_watch.h). Errors: those
  // of journal::Writer::Open; kNotFound also for a journal whose creation was
  // interrupted (nothing was asked yet); kNewerVersion also for a record of an
  // unknown type that must not be ignored; kDamage also for a first record that
  // is poison.
  static absl::StatusOr<std::unique_ptr<BenchmarkJournal>> Resume(
      absl::string_view directory, const Options& options);

  ~BenchmarkJournal() override = default;

  // Its scoring and identity are those that hold now (BeginScoring,
  // AcceptChanges); its configuration is that of the newest session as opened.
  virtual const BenchmarkInfo& info() const = 0;
  virtual const JournalNow& now() const = 0;
  // Reads the journal's list of rows (not kept in memory), one by one or at
  // once.
  virtual absl::Status ForEachRow(
      absl::FunctionRef<void(RowInfo)> visit) const = 0;
  absl::StatusOr<std::vector<RowInfo>> ReadRows() const;
  virtual const journal::RecoveryReport& recovery_report() const = 0;
  virtual std::string directory() const = 0;
  // Reads from its first record on, beside what is written.
  virtual absl::StatusOr<std::unique_ptr<journal::Reader>> OpenReader()
      const = 0;
  // What people should know of the journal as opened, a sentence each: records
  // that could not be used, by LSN.
  virtual std::vector<std::string> warnings() const { return {}; }
  // What is asked for: as the newest Selection says, or all rows.
  virtual SelectionRecord selection() const = 0;

  // Whether answers may need a score that are not among the open queries.
  virtual bool scoring_changed() const = 0;
  virtual ProgressTotals totals() const = 0;
  // Of the newest session, and of all of them.
  virtual uint32_t session_workers() const = 0;
  virtual BatchProgress batches() const = 0;
  virtual journal::Lsn limit_lsn() const = 0;
  virtual bool complete() const = 0;  // A Complete record is the newest word.
  virtual int complete_exit_code() const = 0;
  virtual absl::Time complete_time() const = 0;

  // The newest states that workers gave, by slot, of slots below `slots`.
  virtual absl::StatusOr<std::map<uint32_t, std::string>> ReadWorkerStates(
      uint32_t slots) const = 0;
  // Of how many slots there is one.
  virtual uint32_t worker_states() const = 0;

  // Recording. Errors: kInvalidArgument, with nothing written, for a key that
  // is not in the list of rows, a score without an answer, or more than 16 MiB
  // at once; else those of journal::Writer::Append.
  // Continues the list of rows; durable on return.
  virtual absl::Status ExtendRows(absl::Span<const RowInfo> rows) = 0;
  // From here on answers are scored by other rules, earlier ones again: until
  // then none counts as completed. Durable on return. Before anything is
  // recorded by another thread.
  virtual absl::Status BeginScoring(absl::string_view scoring_json,
                                    absl::string_view scoring_hash) = 0;
  virtual absl::Status BeginSession(const SessionInfo& session) = 0;
  // Settings changed since the session before; durable on return.
  virtual absl::Status RecordOverrides(
      absl::Span<const OverrideRecord> overrides) = 0;
  // The same for what is no setting (kIdentityOverride, kDatasetOverride): from
  // here on info() and now() say so. Before anything is recorded by
  // another thread.
  virtual absl::Status AcceptChanges(
      absl::Span<const OverrideRecord> changes) = 0;
  // Sets its time. For queries that are asked for from here on, and before
  // Complete, which is about them.
  virtual absl::Status RecordSelection(const SelectionRecord& selection) = 0;
  // Lists those that are in flight as in doubt, by name; the rest is ignored.
  virtual absl::Status RecordInDoubt(absl::Span<const OpenQuery> queries) = 0;
  // All of them in one append, their time set; durable on return if `durable`.
  // kDamage once reading in the background has met damage.
  virtual absl::Status RecordStarts(absl::Span<AttemptStartRecord> starts,
                                    bool durable) = 0;
  absl::Status RecordStart(const EvaluationRequest& request, bool durable);
  // All or none, also when the process dies. Of one alone with the worker's
  // state, if it gave one and no newer one of its slot is recorded: both
  // survive, or neither. Of several none has a state.
  virtual absl::Status RecordResponses(absl::Span<const Answered> answers) = 0;
  absl::Status RecordResponse(const EvaluationRequest& request,
                              const EvaluationResult& result);
  // With the worker's state, as RecordResponses. Also adds a line to errors.log
  // in the journal's directory. A message or a
  // context too long for a record is cut, and says so.
  virtual absl::Status RecordError(const EvaluationRequest& request,
                                   const EvaluationResult& result,
                                   bool final) = 0;
  // Some 4 MiB in one append; by which scoring, and when, is filled in.
  virtual absl::Status RecordScores(absl::Span<ScoreRecord> scores) = 0;
  absl::Status RecordScore(const QueryKey& key, const NamedValues& scores,
                           bool unparsed, absl::string_view extracted);
  // In one append; `at` is filled in.
  virtual absl::Status RecordBatches(absl::Span<const BatchRecord> batches) = 0;
  // `at` is filled in.
  virtual absl::Status RecordRunEnd(RunEndRecord run) = 0;
  // A limit was reached; sets its time.
  virtual absl::Status RecordLimit(LimitRecord limit) = 0;
  // Needs BeginSession.
  virtual absl::Status EndSession(SessionStop reason, int signal, int exit_code,
                                  absl::string_view detail) = 0;
  // Durable on return.
  virtual absl::Status RecordComplete(int exit_code,
                                      absl::string_view results_path) = 0;

  // Records of another journal, whose queries are this one's. Nothing is
  // checked: what does not fit is poison to whoever reads it.
  virtual absl::Status AppendCopies(
      absl::Span<const journal::RecordView> records) = 0;

  // That a state was saved, and why: "memory". Durable on return, with all
  // that is before it.
  virtual absl::Status RecordCheckpoint(absl::string_view reason) = 0;

  virtual absl::Status Sync() = 0;
  virtual absl::Status Close() = 0;
};

}  // namespace runner

#endif  // RUNNER_STORAGE_BENCHMARK_JOURNAL_H_
