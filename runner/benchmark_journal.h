// The journal of one benchmark: what the runner writes, and what it needs to
// know of it to go on.
#ifndef RUNNER_BENCHMARK_JOURNAL_H_
#define RUNNER_BENCHMARK_JOURNAL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "journal/journal.h"
#include "runner/evaluator.h"
#include "runner/query.h"

namespace runner {

// What a journal is about; written once as its first record.
struct BenchmarkInfo {
  std::string benchmark_id;
  std::string run_id;
  std::string dataset_name;
  std::string dataset_path;
  std::string dataset_fingerprint;
  std::string model;
  std::string method;
  std::string identity_json;  // Canonical; its SHA-256 is the config hash.
  std::string identity_hash;
  std::string scoring_json;
  std::string scoring_hash;
  std::string config_json;
  uint64_t seed = 0;
  uint32_t runs = 1;
  uint64_t queries = 0;
  absl::Time created;
  std::string writer_version;
  std::string writer_commit;
};

// A row of the journal's own list; its place in the list is QueryKey::index.
struct RowInfo {
  std::string id;
  uint32_t occurrence = 0;
  uint64_t content_hash = 0;
};

// A failed query, or one that may have been billed without an answer.
struct OpenQuery {
  uint32_t run = 1;
  uint32_t index = 0;
  uint32_t attempts = 0;
  bool failed = false;
  bool retryable = false;
  bool unscored = false;   // Answered, not yet scored.
  bool in_flight = false;  // Begun, without an end: in doubt after a crash.
  journal::Position position = 0;  // Of its Response, when unscored.
};

// Totals for messages and limits.
struct ProgressTotals {
  uint64_t completed = 0;  // Answered and scored.
  uint64_t failed = 0;
  uint64_t attempts = 0;
  uint64_t prompt_tokens = 0;
  uint64_t completion_tokens = 0;
  double cost = 0;
  uint64_t unmetered = 0;
  uint32_t sessions = 0;
  absl::Duration elapsed;  // Of all ended sessions.
};

struct SessionInfo {
  uint32_t workers = 0;
  std::string config_json;
};

enum class SessionStop { kCompleted, kSignal, kLimit, kError, kNothingToDo };

// Thread-safe after Create/Resume. Recording functions return when the record
// survives the death of the process.
class BenchmarkJournal {
 public:
  struct Options {
    journal::SyncMode sync_mode = journal::SyncMode::kBatch;
    uint32_t sync_records = 50;
    absl::Duration sync_interval = absl::Milliseconds(100);
    journal::FileSystem* file_system = nullptr;  // Null means Posix().
  };

  // Starts a journal in the new directory `directory`.
  static absl::StatusOr<std::unique_ptr<BenchmarkJournal>> Create(
      absl::string_view directory, const BenchmarkInfo& info,
      absl::Span<const RowInfo> rows, const Options& options);

  // Opens an existing one for writing: lock, recovery, state.
  static absl::StatusOr<std::unique_ptr<BenchmarkJournal>> Resume(
      absl::string_view directory, const Options& options);

  virtual ~BenchmarkJournal() = default;

  virtual const BenchmarkInfo& info() const = 0;
  // Reads the journal's list of rows (not kept in memory).
  virtual absl::StatusOr<std::vector<RowInfo>> ReadRows() const = 0;
  virtual const journal::RecoveryReport& recovery_report() const = 0;
  virtual std::string directory() const = 0;

  // Progress. `IsDone`: answered and scored, or answered and waiting for its
  // score; not failed.
  virtual bool IsDone(uint32_t run, uint32_t index) const = 0;
  virtual std::vector<OpenQuery> open_queries() const = 0;
  virtual ProgressTotals totals() const = 0;
  virtual bool complete() const = 0;  // A Complete record is the newest word.
  virtual int complete_exit_code() const = 0;
  virtual absl::Time complete_time() const = 0;

  // Recording.
  virtual absl::Status BeginSession(const SessionInfo& session) = 0;
  virtual absl::Status RecordInDoubt(
      absl::Span<const OpenQuery> queries) = 0;
  // All of them in one append; durable on return if `durable`.
  virtual absl::Status RecordStarts(
      absl::Span<const EvaluationRequest> requests, bool durable) = 0;
  virtual absl::Status RecordResponse(const EvaluationRequest& request,
                                      const EvaluationResult& result) = 0;
  virtual absl::Status RecordError(const EvaluationRequest& request,
                                   const EvaluationResult& result,
                                   bool final) = 0;
  virtual absl::Status RecordScore(const QueryKey& key,
                                   const NamedValues& scores, bool unparsed,
                                   absl::string_view extracted) = 0;
  virtual absl::Status RecordWorkerState(uint32_t slot,
                                         absl::string_view state_json) = 0;
  virtual absl::Status RecordRunEnd(uint32_t run, uint64_t seed, uint64_t n,
                                    uint64_t completed, uint64_t failed,
                                    uint64_t unparsed,
                                    const NamedValues& means) = 0;
  virtual absl::Status EndSession(SessionStop reason, int signal,
                                  int exit_code, absl::string_view detail) = 0;
  virtual absl::Status RecordComplete(int exit_code,
                                      absl::string_view results_path) = 0;

  virtual absl::Status Sync() = 0;
  virtual absl::Status Close() = 0;
};

}  // namespace runner

#endif  // RUNNER_BENCHMARK_JOURNAL_H_
