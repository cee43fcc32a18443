#include "runner/study/benchmark_names.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "journal/file_system.h"
#include "runner/base/hashing.h"
#include "runner/base/placeholders.h"
#include "runner/config/identity.h"
#include "runner/results/results_writer.h"

namespace runner {
namespace {

// Results never take the place of what they are made from.
absl::Status CheckResultsPath(const std::string& results,
                              const Dataset& dataset) {
  for (const std::string& path :
       {results, ResultLinesPath(results), ResultTablePath(results)}) {
    std::error_code error;
    if (std::filesystem::equivalent(path, dataset.path(), error)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--results: ", path, " would replace the dataset"));
    }
  }
  return absl::OkStatus();
}

std::string IdentityOf(const RunOptions& options, absl::string_view model) {
  IdentityFields identity;
  identity.evaluator = std::string(EvaluatorName(options.evaluator));
  identity.model = std::string(model);
  identity.method = options.method;
  identity.id_field = options.id_field;
  identity.input_field = options.fields.input_field;
  identity.response_field = options.fields.response_field;
  identity.worker_command = options.worker_command;
  identity.prompt_template = options.request.prompt_template;
  identity.system_prompt = options.request.system_prompt;
  identity.request_json = ChatParametersJson(options.request);
  identity.seed = options.seed;
  return IdentityJson(identity);
}

std::string ScoringOf(const RunOptions& options) {
  ScoringFields scoring;
  scoring.target_field = options.fields.target_field;
  scoring.extract_regex = options.extract_regex;
  scoring.extract = options.extract;
  scoring.scorers = options.scorers;
  scoring.scorer_command = options.scorer_command;
  return ScoringJson(scoring);
}

std::string SelectionOf(const RunOptions& options) {
  SelectionFields selection;
  selection.runs = options.runs;
  selection.num_samples = options.num_samples;
  selection.sample_ids = options.sample_ids;
  selection.shuffle = options.shuffle;
  selection.shard = ShardText(options.shard);
  return SelectionJson(selection);
}

}  // namespace

std::string ResultsPath(const RunOptions& options, const Dataset& dataset,
                        absl::string_view model, absl::string_view run_id) {
  if (options.results.empty()) {
    return journal::JoinPath(journal::JoinPath(options.output_dir, run_id),
                             "results.json");
  }
  // That it can be filled in was checked with the options.
  return FillPlaceholders(options.results,
                          {{"model", FileNameSafe(model)},
                           {"method", FileNameSafe(options.method)},
                           {"dataset", FileNameSafe(dataset.name())},
                           {"shard", ShardName(ShardText(options.shard))},
                           {"run_id", run_id}})
      .value_or(options.results);
}

absl::StatusOr<BenchmarkNames> MakeNames(const RunOptions& options,
                                         const Dataset& dataset,
                                         absl::string_view model,
                                         absl::Time now) {
  BenchmarkNames names;
  names.model = std::string(model);
  names.label =
      model.empty() ? dataset.name() : absl::StrCat(dataset.name(), "/", model);
  if (!options.method.empty()) {
    absl::StrAppend(&names.label, "/", options.method);
  }
  names.identity_json = IdentityOf(options, model);
  names.identity_hash = Sha256Hex(names.identity_json);
  names.scoring_json = ScoringOf(options);
  names.scoring_hash = Sha256Hex(names.scoring_json);
  names.selection_json = SelectionOf(options);
  absl::StatusOr<std::string> id = BenchmarkId(
      options.benchmark_id.empty() ? kDefaultBenchmarkId
                                   : absl::string_view(options.benchmark_id),
      dataset.name(), model, options.method);
  if (!id.ok()) return id.status();
  names.benchmark_id = *std::move(id);
  names.run_id = RunId(now, absl::LocalTimeZone(), dataset.name(), model,
                       options.method, names.identity_hash);
  if (!options.shard.whole()) {
    absl::StrAppend(&names.run_id, "_s", ShardName(ShardText(options.shard)));
  }
  if (options.results.empty()) return names;
  names.named_results = ResultsPath(options, dataset, model, names.run_id);
  absl::Status s = CheckResultsPath(names.named_results, dataset);
  if (!s.ok()) return s;
  return names;
}

}  // namespace runner
