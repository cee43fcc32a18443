#include "runner/study/estimate_command.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "runner/base/printable.h"
#include "runner/data/fields.h"
#include "runner/data/prompt_template.h"
#include "runner/storage/journal_head.h"
#include "runner/storage/progress_state.h"
#include "runner/study/benchmark_names.h"
#include "runner/study/benchmark_run.h"
#include "runner/study/cells.h"
#include "runner/study/dataset_match.h"
#include "runner/study/estimate.h"
#include "runner/study/journal_choice.h"
#include "runner/study/journal_entry.h"
#include "runner/study/request_maker.h"
#include "runner/study/study_inputs.h"
#include "runner/study/work_source.h"

namespace runner {
namespace {

// What the journal of a benchmark holds; empty where there is none.
struct Journaled {
  ProgressState state;
  std::vector<uint32_t> index_of_row;  // Of each of the dataset's rows.
};

// By --max-tokens, or by what --request-json says under either of its names.
absl::optional<uint64_t> LongestAnswer(const RequestOptions& request) {
  const nlohmann::json parameters =
      nlohmann::json::parse(ChatParametersJson(request), /*cb=*/nullptr,
                            /*allow_exceptions=*/false);
  if (!parameters.is_object()) return absl::nullopt;
  for (const char* name : {"max_completion_tokens", "max_tokens"}) {
    const auto found = parameters.find(name);
    if (found == parameters.end() || !found->is_number_unsigned()) continue;
    return found->get<uint64_t>();
  }
  return absl::nullopt;
}

class CellEstimator {
 public:
  CellEstimator(const Cell& cell, const StudyDataset& dataset,
                const JournalAccess& access)
      : cell_(cell), dataset_(dataset), access_(access) {}

  absl::StatusOr<EstimateRow> Run(const absl::optional<Prices>& prices);

 private:
  void ReadJournal(const BenchmarkNames& names);
  RunPlan PlanOf() const;
  // Counts calls, and the bytes of their prompts where that is of use.
  absl::Status Count(EstimateInputs& inputs) const;

  const Cell& cell_;
  const StudyDataset& dataset_;
  const JournalAccess& access_;
  Journaled journaled_;
};

absl::StatusOr<EstimateRow> CellEstimator::Run(
    const absl::optional<Prices>& prices) {
  absl::StatusOr<BenchmarkNames> names =
      MakeNames(cell_.options, *dataset_.dataset, cell_.model, absl::Now());
  if (!names.ok()) return names.status();
  ReadJournal(*names);
  EstimateInputs inputs;
  inputs.totals = journaled_.state.totals();
  for (const RunCounts& run : journaled_.state.run_counts()) {
    inputs.answered += run.answered;
  }
  inputs.max_tokens = LongestAnswer(cell_.options.request);
  if (prices.has_value()) inputs.price = prices->Find(cell_.model);
  if (absl::Status s = Count(inputs); !s.ok()) return s;
  EstimateRow row;
  row.label = names->label;
  row.model = cell_.model;
  row.spent = inputs.totals.cost;
  const RunPlan plan = PlanOf();
  for (uint32_t run = 1; run <= plan.runs; ++run) {
    for (const SelectedRow& each : plan.rows) {
      row.done += journaled_.state.IsDone(run, each.index) ? 1 : 0;
    }
  }
  row.estimate = MakeEstimate(inputs);
  return row;
}

// One that cannot be used, or whose rows differ, is none.
void CellEstimator::ReadJournal(const BenchmarkNames& names) {
  const Dataset& dataset = *dataset_.dataset;
  std::vector<uint32_t>& index_of_row = journaled_.index_of_row;
  for (size_t i = 0; i < dataset.size(); ++i) {
    index_of_row.push_back(static_cast<uint32_t>(i));
  }
  const absl::optional<LocatedJournal> found =
      FindWished(WishOf(cell_.options, names), access_);
  if (!found.has_value()) return;
  const absl::StatusOr<std::vector<RowInfo>> rows =
      ReadRows(found->directory, found->rows, access_);
  if (!rows.ok()) return;
  RowMatch match = MatchDataset(dataset, *rows);
  if (!match.differences.empty()) return;
  if (!ReadProgress(found->directory, access_, journaled_.state).ok()) {
    journaled_.state.Reset();
    return;
  }
  index_of_row = std::move(match.index_of_row);
}

RunPlan CellEstimator::PlanOf() const {
  RunPlan plan;
  plan.runs = cell_.options.runs;
  plan.only_failed = cell_.options.retry_failed;
  for (const uint32_t row : dataset_.selected) {
    plan.rows.push_back({row, journaled_.index_of_row[row]});
  }
  return plan;
}

absl::Status CellEstimator::Count(EstimateInputs& inputs) const {
  const RunOptions& options = cell_.options;
  absl::StatusOr<Fields> fields =
      Fields::Create(options.fields, cell_.model, options.method);
  if (!fields.ok()) return fields.status();
  absl::StatusOr<PromptTemplate> prompt =
      PromptTemplate::Parse(options.request.prompt_template);
  if (!prompt.ok()) return prompt.status();
  RequestParts parts;
  parts.dataset = dataset_.dataset.get();
  parts.fields = &*fields;
  if (!options.request.prompt_template.empty()) parts.prompt = &*prompt;
  // Recorded responses are asked of nobody.
  const bool reads_prompts =
      inputs.totals.metered == 0 && options.evaluator != EvaluatorKind::kReplay;
  if (reads_prompts) inputs.prompt_bytes = 0;
  const RunPlan plan = PlanOf();
  WorkSource source(
      journaled_.state.open_queries(),
      [this](uint32_t run, uint32_t index) {
        return journaled_.state.IsDone(run, index);
      },
      plan);
  while (const absl::optional<WorkItem> item = source.Next()) {
    ++inputs.calls;
    if (!reads_prompts) continue;
    absl::StatusOr<RowRequest> made = MakeRowRequest(parts, item->row.row);
    if (!made.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(dataset_.dataset->path(), ": row ", item->row.row + 1,
                       ": ", made.status().message()));
    }
    *inputs.prompt_bytes +=
        made->request.prompt.size() + options.request.system_prompt.size();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> EstimateStudy(const Command& command,
                                          const JournalAccess& access) {
  absl::StatusOr<absl::optional<Prices>> prices = LoadPrices(command.run);
  if (!prices.ok()) return prices.status();
  absl::StatusOr<std::vector<StudyDataset>> datasets =
      LoadDatasets(command.run, /*index_directory=*/"");
  if (!datasets.ok()) return datasets.status();
  std::vector<EstimateRow> rows;
  for (const Cell& cell : StudyCells(command.run, command.methods)) {
    absl::StatusOr<EstimateRow> row =
        CellEstimator(cell, (*datasets)[cell.dataset], access).Run(*prices);
    if (!row.ok()) return row.status();
    rows.push_back(*std::move(row));
  }
  return command.run.json ? EstimateLines(rows) : EstimateTable(rows);
}

}  // namespace runner
