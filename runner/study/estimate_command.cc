#include "runner/study/estimate_command.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "journal/clock.h"
#include "runner/base/exit_code.h"
#include "runner/data/fields.h"
#include "runner/data/prompt_template.h"
#include "runner/storage/journal_head.h"
#include "runner/storage/progress_state.h"
#include "runner/study/benchmark_look.h"
#include "runner/study/benchmark_run.h"
#include "runner/study/cells.h"
#include "runner/study/dataset_match.h"
#include "runner/study/estimate.h"
#include "runner/study/journal_choice.h"
#include "runner/study/look_report.h"
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
  absl::Status ReadJournal(EstimateRow& row);
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
  EstimateRow row;
  if (absl::Status s = ReadJournal(row); !s.ok()) return s;
  EstimateInputs inputs;
  inputs.totals = journaled_.state.totals();
  for (const RunCounts& run : journaled_.state.run_counts()) {
    inputs.answered += run.answered;
  }
  inputs.max_tokens = LongestAnswer(cell_.options.request);
  if (prices.has_value()) {
    inputs.price = prices->Find(cell_.model);
    if (!inputs.price.has_value()) row.prices_without_it = cell_.options.prices;
  }
  if (absl::Status s = Count(inputs); !s.ok()) return s;
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

// As a run would choose it; one that it would not go on with is none.
absl::Status CellEstimator::ReadJournal(EstimateRow& row) {
  const Dataset& dataset = *dataset_.dataset;
  std::vector<uint32_t>& index_of_row = journaled_.index_of_row;
  for (size_t i = 0; i < dataset.size(); ++i) {
    index_of_row.push_back(static_cast<uint32_t>(i));
  }
  LookContext context;
  context.options = &cell_.options;
  context.dataset = dataset_.dataset.get();
  context.selected = &dataset_.selected;
  context.access = access_;
  context.clock = journal::Clock::Real();
  const absl::StatusOr<BenchmarkLook> look =
      LookAtBenchmark(context, cell_.model);
  if (!look.ok()) return look.status();
  row.label = look->names.label;
  row.exit_code = LookExitCode(*look);
  if (look->refusal.has_value()) row.remark = look->refusal->message;
  if (!look->goes_on) {
    if (row.remark.empty()) row.remark = absl::StrJoin(look->notes, "\n");
    if (row.remark == kNothingFound) row.remark.clear();
    return absl::OkStatus();
  }
  const LocatedJournal& journal = *look->journal;
  const absl::StatusOr<std::vector<RowInfo>> rows =
      ReadRows(journal.directory, journal.rows, access_);
  if (!rows.ok()) return rows.status();
  absl::Status read =
      ReadProgress(journal.directory, access_, journaled_.state);
  if (!read.ok()) return read;
  index_of_row = MatchDataset(dataset, *rows).index_of_row;
  return absl::OkStatus();
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

absl::StatusOr<StudyEstimate> EstimateStudy(const Command& command,
                                            const JournalAccess& access) {
  absl::StatusOr<absl::optional<Prices>> prices = LoadPrices(command.run);
  if (!prices.ok()) return prices.status();
  absl::StatusOr<std::vector<StudyDataset>> datasets =
      LoadDatasets(command.run, /*index_directory=*/"");
  if (!datasets.ok()) return datasets.status();
  StudyEstimate study;
  std::vector<EstimateRow> rows;
  for (const Cell& cell : StudyCells(command.run, command.methods)) {
    absl::StatusOr<EstimateRow> row =
        CellEstimator(cell, (*datasets)[cell.dataset], access).Run(*prices);
    if (!row.ok()) return row.status();
    study.exit_code = GraverCode(study.exit_code, row->exit_code);
    rows.push_back(*std::move(row));
  }
  study.text = command.run.json ? EstimateLines(rows) : EstimateTable(rows);
  return study;
}

}  // namespace runner
