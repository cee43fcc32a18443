#include "runner/study/estimate.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runner/base/json_writer.h"
#include "runner/base/printable.h"
#include "runner/display/progress_format.h"

namespace runner {
namespace {

constexpr size_t kLabelColumnsMax = 48;
constexpr absl::string_view kTotalLabel = "total";

double Mean(uint64_t sum, uint64_t count) {
  return static_cast<double>(sum) / static_cast<double>(count);
}

Figure PromptTokens(const EstimateInputs& inputs) {
  const auto calls = static_cast<double>(inputs.calls);
  if (inputs.totals.metered > 0) {
    return {std::ceil(calls *
                      Mean(inputs.totals.prompt_tokens, inputs.totals.metered)),
            kFromJournal};
  }
  if (!inputs.prompt_bytes.has_value()) return {};
  return {std::ceil(static_cast<double>(*inputs.prompt_bytes) / kBytesPerToken),
          kFromBytes};
}

Figure CompletionTokens(const EstimateInputs& inputs) {
  const auto calls = static_cast<double>(inputs.calls);
  if (inputs.totals.metered > 0) {
    return {std::ceil(calls * Mean(inputs.totals.completion_tokens,
                                   inputs.totals.metered)),
            kFromJournal};
  }
  if (!inputs.max_tokens.has_value()) return {};
  return {calls * static_cast<double>(*inputs.max_tokens), kFromMaxTokens};
}

Figure Cost(const EstimateInputs& inputs, const Estimate& estimate) {
  if (estimate.calls == 0) return {0, ""};
  if (inputs.price.has_value() && estimate.prompt_tokens.value.has_value() &&
      estimate.completion_tokens.value.has_value()) {
    return {(*estimate.prompt_tokens.value * inputs.price->input +
             *estimate.completion_tokens.value * inputs.price->output) /
                kTokensOfAPrice,
            kFromPrices};
  }
  const ProgressTotals& totals = inputs.totals;
  if (totals.cost <= 0 || inputs.answered <= totals.unpriced) return {};
  return {static_cast<double>(inputs.calls) * totals.cost /
              static_cast<double>(inputs.answered - totals.unpriced),
          kFromJournal};
}

std::string Count(const Figure& figure) {
  if (!figure.value.has_value()) return "?";
  // What no counter holds is no count.
  constexpr double kMost = 1e18;
  return WithThousands(
      static_cast<uint64_t>(std::min(std::ceil(*figure.value), kMost)));
}

std::string Dollars(const Figure& figure) {
  return figure.value.has_value() ? FormatDollars(*figure.value) : "?";
}

void AddFigure(const Figure& more, Figure& sum) {
  if (!more.value.has_value()) sum.value = absl::nullopt;
  if (sum.value.has_value()) *sum.value += *more.value;
}

void WriteFigure(absl::string_view name, const Figure& figure,
                 JsonWriter& json) {
  json.Key(name);
  if (figure.value.has_value()) {
    json.Number(*figure.value);
  } else {
    json.Null();
  }
  json.Key(absl::StrCat(name, "_from")).StringOrNull(figure.basis);
}

std::string Line(const EstimateRow& row, bool total) {
  std::string line;
  JsonWriter json(line, 0);
  json.BeginObject();
  json.Key("event").String(total ? "estimate_total" : "estimate");
  if (!total) {
    json.Key("benchmark").String(row.label);
    json.Key("model").StringOrNull(row.model);
  }
  if (!total) {
    json.Key("exit_code").Number(static_cast<uint64_t>(row.exit_code));
    json.Key("message").String(row.remark);
  }
  json.Key("done").Number(row.done);
  json.Key("spent").Number(row.spent);
  json.Key("calls").Number(row.estimate.calls);
  WriteFigure("prompt_tokens", row.estimate.prompt_tokens, json);
  WriteFigure("completion_tokens", row.estimate.completion_tokens, json);
  WriteFigure("cost", row.estimate.cost, json);
  json.EndObject();
  line += "\n";
  return line;
}

std::vector<std::string> TableRow(const EstimateRow& row) {
  const Estimate& estimate = row.estimate;
  return {Excerpt(row.label, kLabelColumnsMax), WithThousands(row.done),
          WithThousands(estimate.calls),        Count(estimate.prompt_tokens),
          Count(estimate.completion_tokens),    Dollars(estimate.cost)};
}

// Why a cost is not known, and what would tell it.
std::string UnknownCosts(const std::vector<EstimateRow>& rows) {
  std::set<std::string> unpriced;
  bool without_prices = false;
  bool without_tokens = false;
  for (const EstimateRow& row : rows) {
    if (row.estimate.cost.value.has_value()) continue;
    without_tokens |= !row.estimate.prompt_tokens.value.has_value() ||
                      !row.estimate.completion_tokens.value.has_value();
    if (row.prices_without_it.empty()) {
      without_prices = true;
      continue;
    }
    unpriced.insert(
        absl::StrCat(Printable(row.prices_without_it), " has no price for ",
                     row.model.empty() ? "a benchmark without --model"
                                       : Printable(row.model)));
  }
  std::string notes;
  for (const std::string& each : unpriced) {
    absl::StrAppend(&notes, "?: ", each, ".\n");
  }
  if (without_prices || without_tokens) {
    absl::StrAppend(&notes, "?: nobody can tell; give ",
                    without_prices ? "--prices, " : "",
                    without_tokens ? "--max-tokens, " : "",
                    "or run a few queries first (-n 20).\n");
  }
  return notes;
}

// What a run would say before it asks anything.
std::string Remarks(const std::vector<EstimateRow>& rows) {
  std::string remarks;
  for (const EstimateRow& row : rows) {
    if (row.remark.empty()) continue;
    absl::StrAppend(&remarks, "\n", Printable(row.label), ": ");
    if (row.exit_code != 0) {
      absl::StrAppend(&remarks, "a run would not start (exit ", row.exit_code,
                      "); its figures are those of a new journal\n");
    }
    absl::StrAppend(&remarks, row.remark, "\n");
  }
  return remarks;
}

// What the figures are made of, a line each.
std::string Notes(const std::vector<EstimateRow>& rows) {
  const auto any = [&](Figure Estimate::*figure, absl::string_view basis) {
    return std::any_of(rows.begin(), rows.end(), [&](const EstimateRow& row) {
      return (row.estimate.*figure).basis == basis;
    });
  };
  std::string notes;
  if (any(&Estimate::prompt_tokens, kFromBytes)) {
    notes += "Prompt tokens: an estimate, a token for 4 bytes.\n";
  }
  if (any(&Estimate::completion_tokens, kFromMaxTokens)) {
    notes += "Completion tokens: at most, by --max-tokens.\n";
  }
  if (any(&Estimate::prompt_tokens, kFromJournal) ||
      any(&Estimate::cost, kFromJournal)) {
    notes += "What has a journal: by the mean of what its calls used.\n";
  }
  return absl::StrCat(notes, UnknownCosts(rows), "Retries are not in it.\n");
}

}  // namespace

Estimate MakeEstimate(const EstimateInputs& inputs) {
  Estimate estimate;
  estimate.calls = inputs.calls;
  estimate.prompt_tokens = PromptTokens(inputs);
  estimate.completion_tokens = CompletionTokens(inputs);
  estimate.cost = Cost(inputs, estimate);
  return estimate;
}

EstimateRow TotalOf(const std::vector<EstimateRow>& rows) {
  EstimateRow total;
  total.label = std::string(kTotalLabel);
  Estimate& sum = total.estimate;
  sum.prompt_tokens.value = sum.completion_tokens.value = sum.cost.value = 0;
  for (const EstimateRow& row : rows) {
    total.done += row.done;
    total.spent += row.spent;
    sum.calls += row.estimate.calls;
    AddFigure(row.estimate.prompt_tokens, sum.prompt_tokens);
    AddFigure(row.estimate.completion_tokens, sum.completion_tokens);
    AddFigure(row.estimate.cost, sum.cost);
  }
  return total;
}

std::string EstimateTable(const std::vector<EstimateRow>& rows) {
  std::vector<std::vector<std::string>> table = {{"benchmark", "done", "calls",
                                                  "prompt tokens",
                                                  "completion tokens", "cost"}};
  for (const EstimateRow& row : rows) table.push_back(TableRow(row));
  if (rows.size() > 1) table.push_back(TableRow(TotalOf(rows)));
  return absl::StrCat(FormatTable(table, /*left_columns=*/1), Notes(rows),
                      Remarks(rows));
}

std::string EstimateLines(const std::vector<EstimateRow>& rows) {
  std::string lines;
  for (const EstimateRow& row : rows) lines += Line(row, /*total=*/false);
  return lines + Line(TotalOf(rows), /*total=*/true);
}

}  // namespace runner
