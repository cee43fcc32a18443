// What the journal's records say, as plain structs: one for each table of
// schemas/records.fbs, with times and durations in Abseil's types. Text may be
// any bytes, also invalid UTF-8: it came from a dataset or a worker.
#ifndef RUNNER_STORAGE_RECORDS_H_
#define RUNNER_STORAGE_RECORDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "runner/base/query.h"

namespace runner {

// journal::Record::type. Part of the format; see schemas/records.fbs. A value
// read from a journal may be none of these.
enum class RecordType : uint16_t {
  kBenchmark = 1,
  kDatasetRows = 2,
  kSession = 3,
  kOverride = 4,
  kAttemptStart = 5,
  kResponse = 6,
  kScore = 7,
  kAttemptError = 8,
  kRunEnd = 9,
  kBatch = 10,
  kWorkerState = 11,
  kSessionEnd = 12,
  kSelection = 13,
  kLimit = 14,
  kComplete = 15,
  kInDoubt = 16,
  kCheckpoint = 17,
  kScoring = 18,
};

// What a journal is about; written once as its first record.
struct BenchmarkInfo {
  static constexpr RecordType kType = RecordType::kBenchmark;

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
  // Of 1..shard_count; both 0 when all is asked by one.
  uint32_t shard_index = 0;
  uint32_t shard_count = 0;
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

// A part of the list of rows.
struct DatasetRowsRecord {
  static constexpr RecordType kType = RecordType::kDatasetRows;

  uint32_t first_index = 0;
  std::vector<RowInfo> rows;
};

struct SessionRecord {
  static constexpr RecordType kType = RecordType::kSession;

  std::string session_id;
  uint32_t number = 0;  // From 1.
  absl::Time started;
  uint32_t pid = 0;
  std::string host;
  uint32_t workers = 0;
  std::string writer_version;
  std::string writer_commit;
  std::string config_json;
  absl::Duration elapsed_before;  // Of all earlier sessions.
};

// The keys of accepted changes (--accept-config-change); any other key is that
// of an option, whose values are as in config_json. An identity is the whole
// canonical JSON, a dataset its fingerprint.
inline constexpr char kIdentityOverride[] = "identity";
inline constexpr char kDatasetOverride[] = "dataset_rows";

// A setting changed on resume.
struct OverrideRecord {
  static constexpr RecordType kType = RecordType::kOverride;

  std::string key;
  std::string old_json;
  std::string new_json;
  std::string source;
};

// AttemptStart, Response and AttemptError of a result that another system got
// (runner/imports). All others count from 1.
inline constexpr uint32_t kImportedAttempt = 0;

struct AttemptStartRecord {
  static constexpr RecordType kType = RecordType::kAttemptStart;

  QueryKey key;
  uint32_t attempt = 0;
  uint32_t slot = 0;
  uint64_t seed = 0;
  absl::Time at;
};

// One of several passes of a multi-pass comparison.
struct PassRecord {
  std::string name;
  std::string output;
  std::string reasoning;
  NamedValues metrics;
};

struct ResponseRecord {
  static constexpr RecordType kType = RecordType::kResponse;

  QueryKey key;
  uint32_t attempt = 0;
  uint32_t slot = 0;
  absl::Time at;
  absl::Duration latency;
  absl::optional<std::string> output;  // Null when the evaluator said null.
  std::string reasoning;
  Usage usage;
  absl::optional<double> cost;  // Dollars.
  std::vector<PassRecord> passes;
  NamedValues metrics;
  NamedValues worker_scores;
  std::string metadata_json;
  std::string finish_reason;
};

struct ScoreRecord {
  static constexpr RecordType kType = RecordType::kScore;

  QueryKey key;
  std::string scoring_hash;
  NamedValues scores;
  bool unparsed = false;
  std::string extracted;
  absl::Time at;
};

struct AttemptErrorRecord {
  static constexpr RecordType kType = RecordType::kAttemptError;

  QueryKey key;
  uint32_t attempt = 0;
  uint32_t slot = 0;
  absl::Time at;
  absl::Duration latency;
  std::string type;
  std::string message;
  bool retryable = false;
  bool final = false;  // No further attempt in this session.
  std::string context_json;
  Usage usage;
  absl::optional<double> cost;
};

struct RunEndRecord {
  static constexpr RecordType kType = RecordType::kRunEnd;

  uint32_t run = 0;
  uint64_t seed = 0;
  uint64_t n = 0;
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t unparsed = 0;
  NamedValues means = {};
  Usage usage = {};  // Of accepted responses, as the cost.
  absl::optional<double> cost = {};
  absl::Time at = {};
  uint64_t unmetered = 0;  // Completed without a word on tokens.
  uint64_t unpriced = 0;   // Completed, and nobody knows at what cost.
};

enum class BatchStatus : uint8_t {
  kPending = 0,
  kRunning = 1,
  kCompleted = 2,
  kRegrouped = 3,
};

struct BatchRecord {
  static constexpr RecordType kType = RecordType::kBatch;

  uint32_t number = 0;  // From 1.
  uint32_t run = 0;
  BatchStatus status = BatchStatus::kPending;  // Maybe a value unknown here.
  std::vector<uint32_t> indices;
  std::vector<uint32_t> slots;
  absl::Time at;
  uint32_t count = 0;  // Pending: how many, from `number` on; 0 means 1.
};

struct WorkerStateRecord {
  static constexpr RecordType kType = RecordType::kWorkerState;

  uint32_t slot = 0;
  uint32_t pid = 0;
  std::string state_json;
  std::vector<uint32_t> assigned;
  absl::Time at;
};

// Why a session ended. The numbers are part of the format.
enum class SessionStop : uint8_t {
  kCompleted = 0,
  kSignal = 1,
  kLimit = 2,
  kError = 3,
  kNothingToDo = 4,
};

struct SessionEndRecord {
  static constexpr RecordType kType = RecordType::kSessionEnd;

  std::string session_id;
  SessionStop reason = SessionStop::kCompleted;  // Maybe a value unknown here.
  int32_t signal = 0;
  int32_t exit_code = 0;
  absl::Duration elapsed;
  uint64_t completed = 0;
  uint64_t failed = 0;
  std::string detail;
  absl::Time at;
};

struct SelectionRecord {
  static constexpr RecordType kType = RecordType::kSelection;

  uint32_t runs = 0;
  uint64_t queries = 0;
  std::string selection_json;
  std::string dataset_fingerprint;
  absl::Time at;
};

// The names of limits on failures begin with it.
inline constexpr absl::string_view kFailureLimitPrefix = "max-failures";

struct LimitRecord {
  static constexpr RecordType kType = RecordType::kLimit;

  std::string name;
  double limit = 0;
  double value = 0;
  absl::Time at;
};

struct CompleteRecord {
  static constexpr RecordType kType = RecordType::kComplete;

  uint64_t completed = 0;
  uint64_t failed = 0;
  int32_t exit_code = 0;
  std::string results_path;
  absl::Time at;
};

struct InDoubtRecord {
  static constexpr RecordType kType = RecordType::kInDoubt;

  std::string session_id;
  std::vector<AttemptStartRecord> starts;
  absl::Time at;
};

// From here on answers are scored by other rules; earlier ones again.
struct ScoringRecord {
  static constexpr RecordType kType = RecordType::kScoring;

  std::string scoring_json;  // Canonical; its SHA-256 is the hash.
  std::string scoring_hash;
  absl::Time at;
};

struct CheckpointRecord {
  static constexpr RecordType kType = RecordType::kCheckpoint;

  std::string reason;
  uint64_t completed = 0;
  absl::Time at;
};

}  // namespace runner

#endif  // RUNNER_STORAGE_RECORDS_H_
