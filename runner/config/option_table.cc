#include "runner/config/option_table.h"

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "runner/base/text.h"
#include "runner/config/option_values.h"
#include "runner/scoring/scorer.h"

namespace runner {
namespace {

constexpr uint64_t kRunsMax = 1000000;
constexpr uint64_t kWorkersMax = 4096;
constexpr uint64_t kRetriesMax = 1000;
constexpr uint64_t kTokensLimitMax = 1000000000;
constexpr int kTemperatureMax = 2;
constexpr uint64_t kCheckpointIntervalMax = 1000000;
constexpr uint64_t kSnapshotsMax = 1000;
constexpr uint64_t kZstdLevelMax = 22;
constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

using Setter = absl::Status (*)(absl::string_view value, RunOptions& options);

// Setters by the type of the member they fill.
template <auto kMember>
absl::Status SetText(absl::string_view value, RunOptions& options) {
  options.*kMember = std::string(value);
  return absl::OkStatus();
}

template <auto kMember>
absl::Status SetField(absl::string_view value, RunOptions& options) {
  options.fields.*kMember = std::string(value);
  return absl::OkStatus();
}

template <auto kMember, uint64_t kMin, uint64_t kMax>
absl::Status SetCount(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<uint64_t> count = ParseCount(value, kMin, kMax);
  if (!count.ok()) return count.status();
  auto& member = options.*kMember;
  member = static_cast<std::decay_t<decltype(member)>>(*count);
  return absl::OkStatus();
}

template <auto kMember>
absl::Status SetList(absl::string_view value, RunOptions& options) {
  auto list = ParseList(value);
  if (!list.ok()) return list.status();
  options.*kMember = *std::move(list);
  return absl::OkStatus();
}

template <auto kMember>
absl::Status SetSwitch(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<bool> on = ParseBool(value);
  if (!on.ok()) return on.status();
  options.*kMember = *on;
  return absl::OkStatus();
}

enum class Zero { kAllowed, kRefused };

template <auto kMember, Zero kZero>
absl::Status SetDuration(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<absl::Duration> duration = ParseDuration(value);
  if (!duration.ok()) return duration.status();
  if (kZero == Zero::kRefused && *duration == absl::ZeroDuration()) {
    return absl::InvalidArgumentError("must be more than 0");
  }
  options.*kMember = *duration;
  return absl::OkStatus();
}

absl::Status SetModel(absl::string_view value, RunOptions& options) {
  options.models = {std::string(value)};
  return absl::OkStatus();
}

absl::Status SetShard(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<Shard> shard =
      ParseShard(value, [](const std::string& name) {
        const char* const number = std::getenv(name.c_str());
        return std::string(number == nullptr ? "" : number);
      });
  if (!shard.ok()) return shard.status();
  options.shard = *shard;
  return absl::OkStatus();
}

absl::Status SetEvaluator(absl::string_view value, RunOptions& options) {
  for (const EvaluatorKind kind :
       {EvaluatorKind::kReplay, EvaluatorKind::kWorker,
        EvaluatorKind::kOpenAi}) {
    if (value != EvaluatorName(kind)) continue;
    options.evaluator = kind;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(Quoted(value) +
                                    " is not one of replay, worker and openai");
}

template <auto kMember>
absl::Status SetRequestText(absl::string_view value, RunOptions& options) {
  options.request.*kMember = std::string(value);
  return absl::OkStatus();
}

// A number within [0, kMax] for the request.
template <auto kMember, int kMax>
absl::Status SetRequestNumber(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<double> number = ParseNumber(value);
  if (!number.ok()) return number.status();
  if (!(*number >= 0 && *number <= kMax)) {
    return absl::InvalidArgumentError(Quoted(value) + " is not within 0 and " +
                                      std::to_string(kMax));
  }
  options.request.*kMember = *number;
  return absl::OkStatus();
}

absl::Status SetPromptTemplate(absl::string_view value, RunOptions& options) {
  absl::StatusOr<std::string> text = TextOrFile(value);
  if (!text.ok()) return text.status();
  if (text->empty()) return absl::InvalidArgumentError("the template is empty");
  options.request.prompt_template = *std::move(text);
  return absl::OkStatus();
}

absl::Status SetMaxTokens(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<uint64_t> count = ParseCount(value, 1, kTokensLimitMax);
  if (!count.ok()) return count.status();
  options.request.max_tokens = *count;
  return absl::OkStatus();
}

absl::Status SetStop(absl::string_view value, RunOptions& options) {
  absl::StatusOr<std::vector<std::string>> stops = ParseStop(value);
  if (!stops.ok()) return stops.status();
  options.request.stop = *std::move(stops);
  return absl::OkStatus();
}

absl::Status SetRequestJson(absl::string_view value, RunOptions& options) {
  absl::StatusOr<std::string> json = ReadRequestJson(value);
  if (!json.ok()) return json.status();
  options.request.json = *std::move(json);
  return absl::OkStatus();
}

absl::Status SetRateLimit(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<double> rate = ParseRate(value);
  if (!rate.ok()) return rate.status();
  options.rate_limit = *rate;
  return absl::OkStatus();
}

absl::Status SetWorkers(absl::string_view value, RunOptions& options) {
  if (value == "auto") {
    options.workers = absl::nullopt;
    return absl::OkStatus();
  }
  const absl::StatusOr<uint64_t> count = ParseCount(value, 1, kWorkersMax);
  if (!count.ok()) {
    return absl::InvalidArgumentError(std::string(count.status().message()) +
                                      ", nor auto");
  }
  options.workers = static_cast<uint32_t>(*count);
  return absl::OkStatus();
}

absl::Status SetSync(absl::string_view value, RunOptions& options) {
  using journal::SyncMode;
  for (const SyncMode mode :
       {SyncMode::kEach, SyncMode::kBatch, SyncMode::kNone}) {
    if (value != journal::SyncModeName(mode)) continue;
    options.sync = mode;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(Quoted(value) +
                                    " is not one of each, batch and none");
}

absl::Status SetSession(absl::string_view, RunOptions&) {
  return absl::InvalidArgumentError("only `bench-runner resume` takes it");
}

absl::Status SetMinScore(absl::string_view value, RunOptions& options) {
  MinScore minimum;
  const size_t equals = value.find('=');
  if (equals != absl::string_view::npos) {
    minimum.scorer = std::string(value.substr(0, equals));
    value.remove_prefix(equals + 1);
  }
  const absl::StatusOr<double> number = ParseNumber(value);
  if (!number.ok()) return number.status();
  minimum.value = *number;
  options.min_score = std::move(minimum);
  return absl::OkStatus();
}

std::vector<OptionRow> WhatRows() {
  constexpr auto kGroup = OptionGroup::kWhat;
  constexpr auto kIdentity = OptionClass::kIdentity;
  constexpr auto kSelection = OptionClass::kSelection;
  return {
      {.name = "config",
       .short_name = 'c',
       .group = kGroup,
       .value_name = "FILE",
       .help = "YAML or JSON; its keys are these options with _ for -, and "
               "`methods`, which maps a name to [identity] options",
       .set = SetText<&RunOptions::config>},
      {.name = "ignore-unknown-config",
       .group = kGroup,
       .help = "unknown keys in FILE are named and passed over",
       .set = SetSwitch<&RunOptions::ignore_unknown_config>},
      {.name = "dataset",
       .group = kGroup,
       .value_name = "FILE",
       .help = "the queries: JSONL, a JSON array or CSV, also .gz; required",
       .set = SetText<&RunOptions::dataset>},
      {.name = "datasets",
       .group = kGroup,
       .value_name = "A,B,...",
       .help = "several, each a benchmark with a journal of its own",
       .set = SetList<&RunOptions::datasets>},
      {.name = "model",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "NAME",
       .help = "what is evaluated",
       .set = SetModel},
      {.name = "models",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "A,B,...",
       .help = "several, each a benchmark with a journal of its own",
       .set = SetList<&RunOptions::models>},
      {.name = "method",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "NAME",
       .help = "how it is evaluated",
       .set = SetText<&RunOptions::method>},
      {.name = "methods",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "A,B,...|all",
       .help = "several, or all that FILE defines; a study is datasets x "
               "models x methods",
       .set = SetList<&RunOptions::methods>},
      {.name = "runs",
       .option_class = kSelection,
       .group = kGroup,
       .value_name = "N",
       .default_value = "1",
       .help = "how often each query is asked, each time with another seed",
       .set = SetCount<&RunOptions::runs, 1, kRunsMax>},
      {.name = "seed",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "N",
       .default_value = "0",
       .help = "what the seed of each run and query derives from",
       .set = SetCount<&RunOptions::seed, 0, kNoLimit>},
      {.name = "num-samples",
       .short_name = 'n',
       .option_class = kSelection,
       .group = kGroup,
       .value_name = "N",
       .help = "the first N rows only; more of them later extend the benchmark",
       .set = SetCount<&RunOptions::num_samples, 1, kNoLimit>},
      {.name = "sample-id",
       .option_class = kSelection,
       .group = kGroup,
       .value_name = "GLOB,...",
       .help = "only rows whose id matches one of them (* ? [...])",
       .set = SetList<&RunOptions::sample_ids>},
      {.name = "shuffle",
       .option_class = kSelection,
       .group = kGroup,
       .help = "the rows of -n are drawn, by --seed, instead of the first",
       .set = SetSwitch<&RunOptions::shuffle>},
      {.name = "shard",
       .option_class = kSelection,
       .group = kGroup,
       .value_name = "I/N",
       .help = "part I of N, in a journal of its own; slurm/N and k8s/N take I "
               "from $SLURM_ARRAY_TASK_ID (from 1) and $JOB_COMPLETION_INDEX "
               "(from 0)",
       .set = SetShard},
      {.name = "benchmark-id",
       .group = kGroup,
       .value_name = "TEXT",
       .default_value = "{dataset}_{model}_{method}",
       .help = "the name under which a journal is found again",
       .set = SetText<&RunOptions::benchmark_id>},
  };
}

std::vector<OptionRow> FieldRows() {
  constexpr auto kGroup = OptionGroup::kFields;
  return {
      {.name = "id-field",
       .option_class = OptionClass::kIdentity,
       .group = kGroup,
       .value_name = "PATH",
       .help = "the id (first of id, question_id, task_id; else the content's "
               "hash)",
       .set = SetText<&RunOptions::id_field>},
      {.name = "input-field",
       .option_class = OptionClass::kIdentity,
       .group = kGroup,
       .value_name = "PATH",
       .help = "the prompt (first of input, prompt, question)",
       .set = SetField<&FieldOptions::input_field>},
      {.name = "target-field",
       .option_class = OptionClass::kScoring,
       .group = kGroup,
       .value_name = "PATH",
       .help = "the right answer (first of target, answer)",
       .set = SetField<&FieldOptions::target_field>},
      {.name = "response-field",
       .option_class = OptionClass::kIdentity,
       .group = kGroup,
       .value_name = "PATH",
       .help = "the recorded response; means --evaluator replay",
       .set = SetField<&FieldOptions::response_field>},
  };
}

const std::string& ScorerHelp() {
  static const std::string* const help = new std::string(
      absl::StrCat(KnownScorers(),
                   " (TOL: 0.5, or 1% of the target); required unless the "
                   "worker gives scores"));
  return *help;
}

std::vector<OptionRow> ScoringRows() {
  constexpr auto kGroup = OptionGroup::kScoring;
  constexpr auto kScoring = OptionClass::kScoring;
  return {
      {.name = "scorer",
       .option_class = kScoring,
       .group = kGroup,
       .value_name = "A,B,...",
       .help = ScorerHelp(),
       .set = SetList<&RunOptions::scorers>},
      {.name = "extract-regex",
       .option_class = kScoring,
       .group = kGroup,
       .value_name = "RE",
       .help = "the answer is the last match's first group (RE2 syntax)",
       .set = SetText<&RunOptions::extract_regex>},
      {.name = "extract",
       .option_class = kScoring,
       .group = kGroup,
       .value_name = "WAY",
       .help = "last-line, or after:TEXT (the line after TEXT's last place)",
       .set = SetText<&RunOptions::extract>},
  };
}

std::vector<OptionRow> RequestRows() {
  constexpr auto kGroup = OptionGroup::kRequest;
  constexpr auto kIdentity = OptionClass::kIdentity;
  return {
      {.name = "prompt-template",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "TEXT|@FILE",
       .help = "the prompt, with {{field}} where a row's value goes (the input "
               "field alone)",
       .set = SetPromptTemplate},
      {.name = "system-prompt",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "TEXT",
       .help = "a message before it, of the role system",
       .set = SetRequestText<&RequestOptions::system_prompt>},
      {.name = "temperature",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "X",
       .help = "0 to 2; what is not given is not sent",
       .set = SetRequestNumber<&RequestOptions::temperature, kTemperatureMax>},
      {.name = "top-p",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "X",
       .help = "0 to 1",
       .set = SetRequestNumber<&RequestOptions::top_p, 1>},
      {.name = "max-tokens",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "N",
       .help = "the longest answer",
       .set = SetMaxTokens},
      {.name = "stop",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "TEXT",
       .help = "where an answer ends; [\"A\", \"B\"] for several",
       .set = SetStop},
      {.name = "request-json",
       .option_class = kIdentity,
       .group = kGroup,
       .value_name = "FILE",
       .help = "an object of further parameters, sent with every request; the "
               "options above go before it",
       .set = SetRequestJson},
  };
}

std::vector<OptionRow> EvaluatorRows() {
  constexpr auto kGroup = OptionGroup::kEvaluator;
  return {
      {.name = "evaluator",
       .option_class = OptionClass::kIdentity,
       .group = kGroup,
       .value_name = "KIND",
       .help = "replay, worker or openai (inferred from --response-field, "
               "--worker-command, --base-url)",
       .set = SetEvaluator},
      {.name = "worker-command",
       .option_class = OptionClass::kIdentity,
       .group = kGroup,
       .value_name = "COMMAND",
       .help = "started --workers times, without a shell; JSON lines on its "
               "stdin and stdout",
       .set = SetText<&RunOptions::worker_command>},
      {.name = "base-url",
       .group = kGroup,
       .value_name = "URL",
       .help = "a server that speaks OpenAI's chat/completions, such as "
               "http://localhost:8000/v1 ($OPENAI_BASE_URL); a --seed other "
               "than 0 is sent",
       .set = SetText<&RunOptions::base_url>},
      {.name = "api-key",
       .group = kGroup,
       .value_name = "KEY",
       .help = "for the server; better in $OPENAI_API_KEY; never saved",
       .secret = true,
       .set = SetText<&RunOptions::api_key>},
      {.name = "timeout",
       .group = kGroup,
       .value_name = "TIME",
       .default_value = "600s",
       .help = "of one attempt",
       .set = SetDuration<&RunOptions::timeout, Zero::kRefused>},
      {.name = "total-timeout",
       .group = kGroup,
       .value_name = "TIME",
       .help = "of all attempts of one query together, in one session",
       .set = SetDuration<&RunOptions::total_timeout, Zero::kRefused>},
      {.name = "rate-limit",
       .group = kGroup,
       .value_name = "N[/min]",
       .help = "at most N requests a second, or a minute (/min), an hour (/h)",
       .set = SetRateLimit},
      {.name = "max-retries",
       .group = kGroup,
       .value_name = "N",
       .default_value = "5",
       .help = "further attempts after a failure that may pass",
       .set = SetCount<&RunOptions::max_retries, 0, kRetriesMax>},
  };
}

std::vector<OptionRow> CheckpointRows() {
  constexpr auto kGroup = OptionGroup::kCheckpoint;
  return {
      {.name = "workers",
       .short_name = 'w',
       .group = OptionGroup::kParallel,
       .value_name = "N|auto",
       .default_value = "auto",
       .help = "queries evaluated at once; auto: 1 below 10 remaining, 2 below "
               "50, else the machine's cores; for a server 16 instead, fewer "
               "while it says that they are too many",
       .set = SetWorkers},
      {.name = "journal-dir",
       .aliases = {"checkpoint-dir"},
       .group = kGroup,
       .value_name = "DIR",
       .default_value = "journals",
       .help = "where journals lie",
       .set = SetText<&RunOptions::journal_dir>},
      {.name = "sync",
       .group = kGroup,
       .value_name = "MODE",
       .default_value = "batch",
       .help = "each (power loss loses nothing), batch, or none",
       .set = SetSync},
      {.name = "checkpoint-interval",
       .aliases = {"checkpoint-every"},
       .group = kGroup,
       .value_name = "N",
       .default_value = "50",
       .help = "fsync at least every N results; 0: no journal",
       .set = SetCount<&RunOptions::checkpoint_interval, 0,
                       kCheckpointIntervalMax>},
      {.name = "disable-checkpointing",
       .group = kGroup,
       .help = "the same as --checkpoint-interval 0",
       .sets_name = "checkpoint-interval",
       .sets_value = "0"},
      {.name = "sync-interval",
       .group = kGroup,
       .value_name = "TIME",
       .default_value = "100ms",
       .help = "fsync at least this often",
       .set = SetDuration<&RunOptions::sync_interval, Zero::kRefused>},
      {.name = "keep-snapshots",
       .aliases = {"max-checkpoint-backups"},
       .group = kGroup,
       .value_name = "N",
       .default_value = "5",
       .help = "the newest N snapshots stay, at least 2",
       .set = SetCount<&RunOptions::keep_snapshots, 1, kSnapshotsMax>},
      {.name = "backup-dir",
       .group = kGroup,
       .value_name = "DIR",
       .help = "a copy of each snapshot in DIR/<run id>/, and a last one at "
               "the end",
       .set = SetText<&RunOptions::backup_dir>},
      {.name = "backup-interval",
       .group = kGroup,
       .value_name = "N",
       .help = "a snapshot at least every N results",
       .set = SetCount<&RunOptions::backup_interval, 1, kNoLimit>},
      {.name = "compression",
       .group = kGroup,
       .value_name = "LEVEL",
       .default_value = "3",
       .help = "of snapshots, zstd's: 1 (fast) to 22",
       .set = SetCount<&RunOptions::compression, 1, kZstdLevelMax>},
      {.name = "encryption-key-file",
       .group = kGroup,
       .value_name = "FILE",
       .help = "encrypt journals with the key in FILE (32 bytes, or 64 hex "
               "digits), or in $BENCH_JOURNAL_KEY (hex)",
       .set = SetText<&RunOptions::encryption_key_file>},
      {.name = "save-incremental",
       .group = kGroup,
       .help = "the same as --sync each",
       .sets_name = "sync",
       .sets_value = "each"},
  };
}

std::vector<OptionRow> ResumeRows() {
  constexpr auto kGroup = OptionGroup::kResume;
  return {
      {.name = "resume",
       .aliases = {"resume-from-checkpoint"},
       .group = kGroup,
       .default_value = "true",
       .help = "go on where the newest matching journal stopped",
       .set = SetSwitch<&RunOptions::resume>},
      {.name = "no-resume",
       .aliases = {"no-auto-resume"},
       .group = kGroup,
       .help = "start a new journal beside the old one",
       .sets_name = "resume",
       .sets_value = "false"},
      {.name = "resume-from",
       .aliases = {"load-results"},
       .group = kGroup,
       .value_name = "JOURNAL",
       .help = "go on with this one: its directory, its results.json, or "
               "`latest`",
       .set = SetText<&RunOptions::resume_from>},
      {.name = "session",
       .short_name = 's',
       .group = kGroup,
       .value_name = "JOURNAL",
       .help = "the argument of `bench-runner resume`, for those who know it "
               "so",
       .set = SetSession},
      {.name = "new-journal",
       .group = kGroup,
       .help = "where configuration or dataset differ, start one beside",
       .set = SetSwitch<&RunOptions::new_journal>},
      {.name = "overwrite",
       .aliases = {"force-clean"},
       .group = kGroup,
       .help = "start over; the old journal moves to replaced/",
       .set = SetSwitch<&RunOptions::overwrite>},
      {.name = "retry-failed",
       .group = kGroup,
       .help = "failed queries only, permanent failures too",
       .set = SetSwitch<&RunOptions::retry_failed>},
  };
}

std::vector<OptionRow> DisplayRows() {
  constexpr auto kGroup = OptionGroup::kDisplay;
  return {
      {.name = "progress-bar",
       .group = kGroup,
       .default_value = "true",
       .help = "a bar on a terminal",
       .set = SetSwitch<&RunOptions::progress_bar>},
      {.name = "no-progress-bar",
       .group = kGroup,
       .help = "whole lines, as when stderr is not a terminal",
       .sets_name = "progress-bar",
       .sets_value = "false"},
      {.name = "quiet",
       .short_name = 'q',
       .group = kGroup,
       .help = "errors and results only",
       .set = SetSwitch<&RunOptions::quiet>},
      {.name = "verbose",
       .short_name = 'v',
       .group = kGroup,
       .help = "also what is skipped and each failed attempt",
       .set = SetSwitch<&RunOptions::verbose>},
      {.name = "json",
       .group = kGroup,
       .help = "JSON lines on stdout",
       .set = SetSwitch<&RunOptions::json>},
  };
}

std::vector<OptionRow> ResultRows() {
  constexpr auto kGroup = OptionGroup::kResult;
  return {
      {.name = "output-dir",
       .group = kGroup,
       .value_name = "DIR",
       .default_value = "results",
       .help = "results lie in DIR/<run id>/",
       .set = SetText<&RunOptions::output_dir>},
      {.name = "results",
       .group = kGroup,
       .value_name = "FILE",
       .help = "results.json as FILE, results.jsonl and .csv beside it; "
               "{dataset}, {model}, {method}, {shard} and {run_id} filled in",
       .set = SetText<&RunOptions::results>},
      {.name = "min-score",
       .group = kGroup,
       .value_name = "[SCORER=]X",
       .help = "exit 100 when the mean (of the first scorer) is below X",
       .set = SetMinScore},
      {.name = "drain-timeout",
       .group = kGroup,
       .value_name = "TIME",
       .default_value = "10s",
       .help = "what is in flight may finish for so long after a signal",
       .set = SetDuration<&RunOptions::drain_timeout, Zero::kAllowed>},
      {.name = "clear-on-success",
       .group = kGroup,
       .help = "remove the journal when all is done without a failure",
       .set = SetSwitch<&RunOptions::clear_on_success>},
  };
}

std::vector<OptionRow> MakeTable() {
  std::vector<OptionRow> table;
  for (std::vector<OptionRow> rows :
       {WhatRows(), FieldRows(), ScoringRows(), RequestRows(), EvaluatorRows(),
        CheckpointRows(), ResumeRows(), DisplayRows(), ResultRows()}) {
    for (OptionRow& row : rows) table.push_back(std::move(row));
  }
  return table;
}

}  // namespace

absl::string_view OptionClassName(OptionClass option_class) {
  switch (option_class) {
    case OptionClass::kIdentity:
      return "identity";
    case OptionClass::kSelection:
      return "selection";
    case OptionClass::kScoring:
      return "scoring";
    case OptionClass::kOperation:
      return "operation";
  }
  return "";
}

absl::string_view OptionGroupTitle(OptionGroup group) {
  constexpr absl::string_view kTitles[kOptionGroupCount] = {
      "What",       "Fields (dotted paths; {model} and {method} filled in)",
      "Scoring",    "Request",
      "Evaluator",  "Parallel",
      "Checkpoint", "Resume",
      "Display",    "Result"};
  return kTitles[static_cast<int>(group)];
}

absl::Span<const OptionRow> OptionTable() {
  static const std::vector<OptionRow>* const table =
      new std::vector<OptionRow>(MakeTable());
  return *table;
}

const OptionRow* FindOption(absl::string_view name) {
  const std::string wanted = absl::StrReplaceAll(name, {{"_", "-"}});
  for (const OptionRow& row : OptionTable()) {
    if (row.name == wanted) return &row;
    for (const absl::string_view alias : row.aliases) {
      if (alias == wanted) return &row;
    }
  }
  return nullptr;
}

std::vector<std::string> AllOptionNames() {
  std::vector<std::string> names;
  for (const OptionRow& row : OptionTable()) {
    names.emplace_back(row.name);
    for (const absl::string_view alias : row.aliases) names.emplace_back(alias);
  }
  return names;
}

absl::Span<const ExclusiveOptions> ExclusiveTable() {
  static constexpr ExclusiveOptions kTable[] = {
      {"dataset", "datasets"},
      {"model", "models"},
      {"method", "methods"},
      {"extract-regex", "extract"},
      {"response-field", "worker-command"},
      {"response-field", "base-url"},
      {"worker-command", "base-url"},
      {"quiet", "verbose"},
      {"overwrite", "new-journal"},
      {"overwrite", "resume"},
      {"resume-from", "overwrite"},
      {"resume-from", "new-journal"},
      {"retry-failed", "overwrite"},
      {"retry-failed", "new-journal"},
  };
  return kTable;
}

}  // namespace runner
