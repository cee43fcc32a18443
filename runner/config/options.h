// What is asked for, checked.
//
// option_table.h has one row an option: a further option is a further row. All
// sources (command line, environment, a file, a journal) give texts by name,
// which the rows turn into RunOptions.
#ifndef RUNNER_CONFIG_OPTIONS_H_
#define RUNNER_CONFIG_OPTIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "journal/types.h"
#include "runner/config/given_options.h"
#include "runner/config/request_options.h"
#include "runner/config/run_limits.h"
#include "runner/data/fields.h"
#include "runner/data/selection.h"

namespace runner {

enum class EvaluatorKind { kReplay, kWorker, kOpenAi };

absl::string_view EvaluatorName(EvaluatorKind kind);

struct MinScore {
  std::string scorer;  // Empty: the first one.
  double value = 0;
};

struct EffectiveOption {
  std::string name;   // The long name.
  std::string value;  // Never that of a secret: see `secret`.
  OptionSource source = OptionSource::kDefault;
  // Its value is not shown and not saved; `source` says whether there is one.
  bool secret = false;
};

// A checked `bench-runner run`. What cannot be known without the dataset or a
// journal is not checked yet.
struct RunOptions {
  // What.
  std::string config;
  bool ignore_unknown_config = false;
  std::string dataset;
  std::vector<std::string> datasets;  // Instead of `dataset`, when not empty.
  std::vector<std::string> models;    // Empty: one benchmark without a model.
  std::string method;
  std::vector<std::string> methods;  // Instead of `method`, when not empty.
  uint32_t runs = 1;
  uint64_t seed = 0;
  uint64_t num_samples = 0;             // 0: all.
  std::vector<std::string> sample_ids;  // Globs; empty: all.
  bool shuffle = false;
  Shard shard;
  std::string benchmark_id;  // With placeholders; see BenchmarkId().

  // Fields.
  std::string id_field;
  FieldOptions fields;

  // Scoring.
  std::vector<std::string> scorers;
  std::string scorer_command;  // Of `worker` among them.
  std::string extract_regex;
  std::string extract;

  // Evaluator.
  EvaluatorKind evaluator = EvaluatorKind::kReplay;
  std::string worker_command;
  std::string base_url;    // Empty: see FindOpenAiEndpoint().
  std::string api_key;     // The same.
  absl::Duration timeout;  // Of an attempt.
  absl::Duration total_timeout = absl::InfiniteDuration();  // Of a query.
  uint32_t max_retries = 0;
  double rate_limit = 0;  // Requests per second; 0: none.

  // Request.
  RequestOptions request;

  std::string prices;  // A file; empty: none.

  // Limits.
  RunLimits limits;

  // Parallel.
  absl::optional<uint32_t> workers;  // nullopt: AutoWorkers().
  uint32_t batch_size = 0;

  // Checkpoint.
  std::string journal_dir;
  journal::SyncMode sync = journal::SyncMode::kBatch;
  uint32_t checkpoint_interval = 0;  // 0: no journal.
  bool sync_batches = false;
  absl::Duration sync_interval;
  uint32_t keep_snapshots = 0;
  std::string backup_dir;  // Empty: no copies.
  uint64_t backup_interval = 0;
  uint32_t compression = 0;
  std::string encryption_key_file;  // Empty: see runner/encryption_key.h.

  // Resume.
  bool resume = true;
  bool new_journal = false;
  bool overwrite = false;
  bool retry_failed = false;
  bool accept_config_change = false;
  bool info = false;  // These three only look, and exclude each other.
  bool validate_only = false;
  bool dry_run = false;
  bool looks_only() const { return info || validate_only || dry_run; }
  bool interactive = false;
  bool yes = false;
  bool score_only = false;  // `rescore`: nothing is asked.
  std::string resume_from;  // A journal, its results, or `latest`.
  // Instead of it: a checkpoint file of another system, to be imported first.
  std::string import_from;
  // The number of the first query in it, where it names queries by number.
  absl::optional<uint32_t> index_base;

  // Display.
  bool progress_bar = true;
  bool quiet = false;
  bool verbose = false;
  bool json = false;
  std::string log_file;  // Empty: none.

  // Result.
  std::string output_dir;
  std::string results;  // With placeholders; empty: in output_dir.
  bool sqlite = false;  // Also results.sqlite.
  absl::optional<MinScore> min_score;
  absl::Duration drain_timeout;
  bool clear_on_success = false;

  // Every option but shorthands, in the table's order.
  std::vector<EffectiveOption> effective;

  // Of one benchmark of a study, or of a resumed one: the lists that made it
  // up, by ConfigKey, under kStudyFile the file that defines its methods, and
  // under kStudyBegan when it was begun, if it was begun anew: then older
  // journals are none of it. `resume latest` needs them.
  std::map<std::string, std::string> study;
};

// In RunOptions::study, and as what ConfigJson keeps it all.
inline constexpr char kStudyKey[] = "study";
inline constexpr char kStudyFile[] = "config";
inline constexpr char kStudyBegan[] = "began";

// What all sources together say, checked. InvalidArgument: usage, exit code 2;
// the message names the option and its source.
absl::StatusOr<RunOptions> MakeRunOptions(GivenOptions given);

// The same without asking whether they make up a run: each value by itself is
// right.
absl::StatusOr<RunOptions> UncheckedOptions(GivenOptions given);

// "sync-interval" as files and journals say it: "sync_interval".
std::string ConfigKey(absl::string_view option_name);

// Every effective value as canonical JSON, keys with `_`, values as texts that
// the same option takes again. Secrets are left out.
std::string ConfigJson(const RunOptions& options);

// `--workers auto`: 1 below 10 remaining queries, 2 below 50, else `cores` (at
// least 1).
inline constexpr uint32_t kHttpWorkers = 16;  // Instead of the cores.
uint32_t AutoWorkers(uint64_t remaining, uint32_t cores);

// How many queries are evaluated at once on this machine, with so many left.
uint32_t WorkersFor(const RunOptions& options, uint64_t remaining);

}  // namespace runner

#endif  // RUNNER_CONFIG_OPTIONS_H_
