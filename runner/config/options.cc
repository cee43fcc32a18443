#include "runner/config/options.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "runner/base/json.h"
#include "runner/base/placeholders.h"
#include "runner/base/shell_words.h"
#include "runner/base/text.h"
#include "runner/config/identity.h"
#include "runner/config/option_table.h"
#include "runner/data/prompt_template.h"
#include "runner/scoring/scorer.h"

namespace runner {
namespace {

// Where `workers auto` takes more than one, and more than two.
constexpr uint64_t kOneWorkerBelow = 10;
constexpr uint64_t kTwoWorkersBelow = 50;

absl::Status UsageError(absl::string_view message) {
  return absl::InvalidArgumentError(message);
}

// Of two that exclude each other the nearer source's wins; the same source
// cannot mean both.
absl::Status ResolveExclusive(GivenOptions& given) {
  for (const auto& [one, other] : ExclusiveTable()) {
    if (!IsGiven(given, one) || !IsGiven(given, other)) continue;
    const GivenOption& a = given.at(std::string(one));
    const GivenOption& b = given.at(std::string(other));
    if (a.source == b.source) {
      return UsageError(
          absl::StrCat(a.given_as, " and ", b.given_as, " exclude each other"));
    }
    given.erase(std::string(a.source < b.source ? one : other));
  }
  return absl::OkStatus();
}

absl::Status Apply(const GivenOptions& given, RunOptions& options) {
  for (const OptionRow& row : OptionTable()) {
    if (row.is_shorthand()) continue;
    EffectiveOption effective{.name = std::string(row.name),
                              .value = std::string(row.default_value)};
    std::string given_as = absl::StrCat("--", row.name);
    const auto found = given.find(effective.name);
    if (found != given.end()) {
      effective.value = found->second.value;
      effective.source = found->second.source;
      given_as = found->second.given_as;
    }
    if (!effective.value.empty()) {
      const absl::Status status = row.set(effective.value, options);
      if (!status.ok()) {
        return UsageError(absl::StrCat(given_as, ": ", status.message()));
      }
    } else if (row.is_switch()) {
      effective.value = "false";
    }
    effective.secret = row.secret;
    if (row.secret) effective.value.clear();
    options.effective.push_back(std::move(effective));
  }
  return absl::OkStatus();
}

// Which evaluator needs which option, and which it can do nothing with.
struct EvaluatorOption {
  absl::string_view option;
  bool replay, worker, openai;  // Who takes it.
};
constexpr EvaluatorOption kEvaluatorOptions[] = {
    {"response-field", true, false, false},
    {"worker-command", false, true, false},
    {"base-url", false, false, true},
    {"api-key", false, false, true},
    {"prompt-template", false, true, true},
    {"system-prompt", false, false, true},
    {"temperature", false, false, true},
    {"top-p", false, false, true},
    {"max-tokens", false, false, true},
    {"stop", false, false, true},
    {"request-json", false, false, true},
};

absl::Status CheckEvaluatorOptions(const GivenOptions& given,
                                   const RunOptions& options) {
  const EvaluatorKind kind = options.evaluator;
  const absl::string_view name = EvaluatorName(kind);
  for (const EvaluatorOption& row : kEvaluatorOptions) {
    const bool takes = kind == EvaluatorKind::kReplay   ? row.replay
                       : kind == EvaluatorKind::kWorker ? row.worker
                                                        : row.openai;
    if (takes || !IsGiven(given, row.option)) continue;
    return UsageError(absl::StrCat("--", row.option,
                                   " has no meaning with --evaluator ", name));
  }
  if (kind == EvaluatorKind::kReplay && options.fields.response_field.empty()) {
    return UsageError("--evaluator replay needs --response-field");
  }
  if (kind == EvaluatorKind::kWorker && options.worker_command.empty()) {
    return UsageError("--evaluator worker needs --worker-command");
  }
  if (kind == EvaluatorKind::kOpenAi && options.models.empty()) {
    return UsageError("--evaluator openai needs --model: which one is asked?");
  }
  return absl::OkStatus();
}

absl::Status InferEvaluator(const GivenOptions& given, RunOptions& options) {
  if (!IsGiven(given, "evaluator")) {
    if (!options.fields.response_field.empty()) {
      options.evaluator = EvaluatorKind::kReplay;
    } else if (!options.worker_command.empty()) {
      options.evaluator = EvaluatorKind::kWorker;
    } else if (!options.base_url.empty()) {
      options.evaluator = EvaluatorKind::kOpenAi;
    } else {
      return UsageError(
          "no evaluator: give --response-field for recorded responses, "
          "--worker-command for worker processes, or --base-url for a server");
    }
  }
  return CheckEvaluatorOptions(given, options);
}

absl::Status CheckPrompt(const RunOptions& options) {
  const absl::Status status =
      PromptTemplate::Parse(options.request.prompt_template).status();
  if (status.ok()) return status;
  return UsageError(absl::StrCat("--prompt-template: ", status.message()));
}

absl::Status CheckScorerCommand(const GivenOptions& given, RunOptions& options,
                                const Scoring& scoring) {
  if (options.scorer_command.empty()) {
    if (!scoring.needs_external()) return absl::OkStatus();
    return UsageError("--scorer worker needs --scorer-command");
  }
  if (!scoring.needs_external()) {
    // A journal's is left behind by another --scorer.
    options.scorer_command.clear();
    if (given.at("scorer-command").source == OptionSource::kJournal) {
      return absl::OkStatus();
    }
    return UsageError(
        "--scorer-command has no meaning without --scorer "
        "worker");
  }
  const auto words = SplitShellWords(options.scorer_command);
  if (words.ok()) return absl::OkStatus();
  return UsageError(
      absl::StrCat("--scorer-command: ", words.status().message()));
}

absl::Status CheckScoring(const GivenOptions& given, RunOptions& options) {
  const absl::StatusOr<Scoring> scoring = Scoring::Create(
      {options.extract_regex, options.extract}, options.scorers);
  if (!scoring.ok()) return scoring.status();
  if (options.scorers.empty() && options.evaluator != EvaluatorKind::kWorker) {
    return UsageError(absl::StrCat(
        "no --scorer: nothing would be scored; known are ", KnownScorers()));
  }
  if (absl::Status status = CheckScorerCommand(given, options, *scoring);
      !status.ok()) {
    return status;
  }
  // What names a process gives its scores is not known before.
  if (!options.min_score.has_value() || options.min_score->scorer.empty() ||
      options.scorers.empty() || scoring->needs_external()) {
    return absl::OkStatus();
  }
  for (const auto& scorer : scoring->scorers()) {
    if (scorer->name() == options.min_score->scorer) return absl::OkStatus();
  }
  return UsageError(
      absl::StrCat("--min-score: ", Quoted(options.min_score->scorer),
                   " is not among --scorer"));
}

absl::Status CheckWorkerCommand(const RunOptions& options) {
  if (options.worker_command.empty()) return absl::OkStatus();
  const auto words = SplitShellWords(options.worker_command);
  if (words.ok()) return absl::OkStatus();
  return UsageError(
      absl::StrCat("--worker-command: ", words.status().message()));
}

// A shard is kept by its number, so that a resume elsewhere is the same one,
// and nobody else's results are in its way.
absl::Status CheckShard(RunOptions& options) {
  if (options.shard.whole()) return absl::OkStatus();
  for (EffectiveOption& option : options.effective) {
    if (option.name == "shard") option.value = ShardText(options.shard);
  }
  if (!options.results.empty() &&
      !absl::StrContains(options.results, "{shard}") &&
      !absl::StrContains(options.results, "{run_id}")) {
    return UsageError("--results must contain {shard} with --shard");
  }
  return absl::OkStatus();
}

// Names must fill in for each model and method.
absl::Status CheckFilledIn(const RunOptions& options, absl::string_view model,
                           absl::string_view method) {
  const auto fields = Fields::Create(options.fields, model, method);
  if (!fields.ok()) return fields.status();
  const auto id = BenchmarkId(options.benchmark_id, "dataset", model, method);
  if (!id.ok()) {
    return UsageError(absl::StrCat("--benchmark-id: ", id.status().message()));
  }
  const auto results =
      FillPlaceholders(options.results, {{"dataset", "dataset"},
                                         {"model", model},
                                         {"method", method},
                                         {"shard", ShardText(options.shard)},
                                         {"run_id", "run_id"}});
  if (!results.ok()) {
    return UsageError(absl::StrCat("--results: ", results.status().message()));
  }
  return absl::OkStatus();
}

// Each benchmark of a study has names of its own.
absl::Status CheckTellsApart(const RunOptions& options,
                             absl::string_view placeholder, size_t count) {
  if (count < 2) return absl::OkStatus();
  if (!absl::StrContains(options.benchmark_id, placeholder)) {
    return UsageError(absl::StrCat("--benchmark-id must contain ", placeholder,
                                   " when there are several"));
  }
  if (!options.results.empty() &&
      !absl::StrContains(options.results, placeholder) &&
      !absl::StrContains(options.results, "{run_id}")) {
    return UsageError(absl::StrCat("--results must contain ", placeholder,
                                   " when there are several"));
  }
  return absl::OkStatus();
}

absl::Status CheckNames(const RunOptions& options) {
  const std::vector<std::string> none = {""};
  const std::vector<std::string> one = {options.method};
  for (const std::string& model :
       options.models.empty() ? none : options.models) {
    for (const std::string& method :
         options.methods.empty() ? one : options.methods) {
      absl::Status status = CheckFilledIn(options, model, method);
      if (!status.ok()) return status;
    }
  }
  const std::pair<absl::string_view, size_t> several[] = {
      {"{dataset}", options.datasets.size()},
      {"{model}", options.models.size()},
      {"{method}", options.methods.size()}};
  for (const auto& [placeholder, count] : several) {
    absl::Status status = CheckTellsApart(options, placeholder, count);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckResume(const GivenOptions& given, const RunOptions& options) {
  if (options.retry_failed && !options.resume) {
    return UsageError("--retry-failed and --no-resume exclude each other");
  }
  if (options.accept_config_change && !options.resume) {
    return UsageError(
        "--accept-config-change and --no-resume exclude each other");
  }
  if (options.checkpoint_interval > 0) return absl::OkStatus();
  const GivenOption& off = given.at("checkpoint-interval");
  for (const absl::string_view name :
       {"retry-failed", "accept-config-change", "overwrite", "new-journal",
        "resume", "sync"}) {
    if (!IsGiven(given, name)) continue;
    const GivenOption& option = given.at(std::string(name));
    if (option.source < off.source) continue;
    return UsageError(absl::StrCat(option.given_as, " needs a journal, which ",
                                   off.given_as, " switches off"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RunOptions> UncheckedOptions(GivenOptions given) {
  RunOptions options;
  absl::Status status = ResolveExclusive(given);
  if (status.ok()) status = Apply(given, options);
  if (!status.ok()) return status;
  return options;
}

absl::StatusOr<RunOptions> MakeRunOptions(GivenOptions given) {
  absl::Status status = ResolveExclusive(given);
  if (!status.ok()) return status;
  RunOptions options;
  status = Apply(given, options);
  if (status.ok() && options.dataset.empty() && options.datasets.empty()) {
    status = UsageError("--dataset is missing: which file has the queries?");
  }
  if (status.ok()) status = InferEvaluator(given, options);
  if (status.ok()) status = CheckPrompt(options);
  if (status.ok()) status = CheckScoring(given, options);
  if (status.ok()) status = CheckWorkerCommand(options);
  if (status.ok()) status = CheckShard(options);
  if (status.ok()) status = CheckNames(options);
  if (status.ok()) status = CheckResume(given, options);
  if (!status.ok()) return status;
  return options;
}

absl::string_view EvaluatorName(EvaluatorKind kind) {
  switch (kind) {
    case EvaluatorKind::kReplay:
      return "replay";
    case EvaluatorKind::kWorker:
      return "worker";
    case EvaluatorKind::kOpenAi:
      return "openai";
  }
  return "";
}

std::string ConfigKey(absl::string_view option_name) {
  return absl::StrReplaceAll(option_name, {{"-", "_"}});
}

std::string ConfigJson(const RunOptions& options) {
  nlohmann::json config = nlohmann::json::object();
  for (const EffectiveOption& option : options.effective) {
    if (option.value.empty() || option.secret) continue;
    config[ConfigKey(option.name)] = option.value;
  }
  if (!options.study.empty()) config[kStudyKey] = options.study;
  return CanonicalJson(config);
}

uint32_t AutoWorkers(uint64_t remaining, uint32_t cores) {
  if (remaining < kOneWorkerBelow) return 1;
  if (remaining < kTwoWorkersBelow) return 2;
  return std::max<uint32_t>(1, cores);
}

uint32_t WorkersFor(const RunOptions& options, uint64_t remaining) {
  if (options.workers.has_value()) return *options.workers;
  return AutoWorkers(remaining, options.evaluator == EvaluatorKind::kOpenAi
                                    ? kHttpWorkers
                                    : std::thread::hardware_concurrency());
}

}  // namespace runner
