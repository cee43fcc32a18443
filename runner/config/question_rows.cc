#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runner/config/option_rows.h"
#include "runner/config/option_setters.h"
#include "runner/data/selection.h"
#include "runner/scoring/scorer.h"

namespace runner {
namespace {

constexpr uint64_t kRunsMax = 1000000;

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

const std::string& ScorerHelp() {
  static const std::string* const help = new std::string(
      absl::StrCat(KnownScorers(),
                   " (TOL: 0.5, or 1% of the target); required unless the "
                   "worker gives scores"));
  return *help;
}

}  // namespace

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
       .help =
           "the queries: JSONL, a JSON array or CSV, also .gz; `run` needs it",
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
      {.name = "scorer-command",
       .option_class = kScoring,
       .group = kGroup,
       .value_name = "COMMAND",
       .help = "the process that --scorer worker is, started without a shell; "
               "JSON lines on its stdin and stdout",
       .set = SetText<&RunOptions::scorer_command>},
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

}  // namespace runner
