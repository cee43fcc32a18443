// The command line of bench-runner: what is asked for, checked.
//
//   auto command = ParseCommand(args, ProcessEnvironment());
//   if (!command.ok()) { /* message, exit code 2 */ }
//   if (command->action == Action::kRun) Run(command->run);
//
// option_table.h has one row an option: a further option is a further row. All
// sources (command line, environment, later a file) give texts by name, which
// the rows turn into RunOptions.
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
#include "runner/config/request_options.h"
#include "runner/data/fields.h"

namespace runner {

enum class EvaluatorKind { kReplay, kWorker, kOpenAi };

absl::string_view EvaluatorName(EvaluatorKind kind);

struct MinScore {
  std::string scorer;  // Empty: the first one.
  double value = 0;
};

// Where an effective value comes from; a later one goes before an earlier one.
enum class OptionSource { kDefault, kEnvironment, kCommandLine };

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
  std::string dataset;
  std::vector<std::string> models;  // Empty: one benchmark without a model.
  std::string method;
  uint32_t runs = 1;
  uint64_t seed = 0;
  uint64_t num_samples = 0;  // 0: all.
  std::string benchmark_id;  // With placeholders; see BenchmarkId().

  // Fields.
  std::string id_field;
  FieldOptions fields;

  // Scoring.
  std::vector<std::string> scorers;
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

  // Parallel.
  absl::optional<uint32_t> workers;  // nullopt: AutoWorkers().

  // Checkpoint.
  std::string journal_dir;
  journal::SyncMode sync = journal::SyncMode::kBatch;
  uint32_t checkpoint_interval = 0;  // 0: no journal.
  absl::Duration sync_interval;
  std::string encryption_key_file;  // Empty: see runner/encryption_key.h.

  // Resume.
  bool resume = true;
  bool new_journal = false;
  bool overwrite = false;
  bool retry_failed = false;

  // Display.
  bool progress_bar = true;
  bool quiet = false;
  bool verbose = false;
  bool json = false;

  // Result.
  std::string output_dir;
  std::string results;  // With placeholders; empty: in output_dir.
  absl::optional<MinScore> min_score;
  absl::Duration drain_timeout;
  bool clear_on_success = false;

  // Every option but shorthands, in the table's order.
  std::vector<EffectiveOption> effective;
};

enum class Action { kRun, kShow };

struct Command {
  Action action = Action::kRun;
  std::string text;  // kShow: the help or the version, for stdout; exit 0.
  RunOptions run;
};

using Environment = std::map<std::string, std::string>;

// The variables of this process. Not safe beside setenv.
Environment ProcessEnvironment();

// `args` without the program's name. `version` is what --version shows. All
// errors are InvalidArgument: usage, exit code 2; the message names the option
// and its source, and the nearest name where one is unknown.
absl::StatusOr<Command> ParseCommand(absl::Span<const std::string> args,
                                     const Environment& environment,
                                     absl::string_view version);

// Every effective value as canonical JSON, keys with `_`, values as texts that
// the same option takes again. Secrets are left out.
std::string ConfigJson(const RunOptions& options);

// `--workers auto`: 1 below 10 remaining queries, 2 below 50, else `cores` (at
// least 1).
inline constexpr uint32_t kHttpWorkers = 16;  // Instead of the cores.
uint32_t AutoWorkers(uint64_t remaining, uint32_t cores);

}  // namespace runner

#endif  // RUNNER_CONFIG_OPTIONS_H_
