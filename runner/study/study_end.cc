#include "runner/study/study_end.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "runner/base/json_writer.h"
#include "runner/base/printable.h"

namespace runner {
namespace {

absl::string_view ReasonOf(int exit_code) {
  switch (exit_code) {
    case kExitUsage:
      return "it could not be started";
    case kExitDamage:
      return "its journal is damaged";
    case kExitLocked:
      return "its journal is in use";
    case kExitDifference:
      return "configuration or dataset differs from its journal's";
    case kExitNewer:
      return "its journal is of a newer version";
    default:
      return "an operation failed";
  }
}

// "exit 12: its journal is in use"
std::string Reason(int exit_code) {
  return absl::StrCat("exit ", exit_code, ": ", ReasonOf(exit_code));
}

// Why one was not done, for programs.
std::string RefusedEvent(const CellOutcome& outcome) {
  std::string line;
  JsonWriter json(line, 0);
  json.BeginObject();
  json.Key("event").String("refused");
  json.Key("benchmark").String(outcome.label);
  json.Key("exit_code").Number(static_cast<uint64_t>(outcome.exit_code));
  json.Key("message").String(outcome.refusal);
  json.EndObject();
  line += "\n";
  return line;
}

std::string ResultEvent(const CellOutcome& outcome) {
  const Results& results = *outcome.results;
  std::string line;
  JsonWriter json(line, 0);
  json.BeginObject();
  json.Key("event").String("result");
  json.Key("benchmark").String(outcome.label);
  json.Key("exit_code").Number(static_cast<uint64_t>(outcome.exit_code));
  json.Key("results").String(outcome.results_path);
  json.Key("n").Number(results.n);
  json.Key("completed").Number(results.completed);
  json.Key("failed").Number(results.failed);
  json.Key("unparsed").Number(results.unparsed);
  json.Key("metrics").BeginObject();
  for (const NamedSummary& metric : results.metrics) {
    json.Key(metric.name);
    if (metric.summary.mean.has_value()) {
      json.Number(*metric.summary.mean);
    } else {
      json.Null();
    }
  }
  json.EndObject();
  json.EndObject();
  line += "\n";
  return line;
}

}  // namespace

bool EndsStudy(const CellOutcome& outcome) {
  switch (outcome.exit_code) {
    // Of this one's journal alone.
    case kExitTornTail:
    case kExitDamage:
    case kExitLocked:
    case kExitDifference:
    case kExitNewer:
      return false;
    // A disk that is full, a worker that does not start: the next ones would
    // fare no better. A limit is of all of them.
    case kExitOperation:
    case kExitUsage:
    case kExitLimit:
      return true;
    default:
      return !outcome.results.has_value();
  }
}

std::string EndOf(const CellOutcome& outcome) {
  if (!outcome.results.has_value()) {
    return absl::StrCat(outcome.label, ": not done (",
                        Reason(outcome.exit_code), ")");
  }
  const Results& results = *outcome.results;
  std::vector<std::string> facts;
  for (const NamedSummary& metric : results.metrics) {
    facts.push_back(metric.summary.mean.has_value()
                        ? absl::StrFormat("%s %.4f", Printable(metric.name),
                                          *metric.summary.mean)
                        : absl::StrCat(Printable(metric.name), " -"));
  }
  if (results.failed > 0) {
    facts.push_back(absl::StrCat(WithThousands(results.failed), " failed"));
  }
  if (results.status != ResultsStatus::kComplete) {
    facts.push_back(
        absl::StrCat("incomplete: ", WithThousands(results.completed), "/",
                     WithThousands(results.n)));
  }
  return absl::StrCat(outcome.label, ": ", absl::StrJoin(facts, ", "));
}

std::string RefusedText(const std::vector<CellOutcome>& outcomes,
                        size_t benchmarks) {
  std::string lines;
  size_t refused = 0;
  for (const CellOutcome& outcome : outcomes) {
    if (outcome.refusal.empty()) continue;
    ++refused;
    absl::StrAppend(&lines, "\n  ", Printable(outcome.label), ": ",
                    Reason(outcome.exit_code));
  }
  if (refused == 0) return lines;
  return absl::StrCat("Not done: ", refused, " of ", benchmarks, " benchmarks",
                      lines);
}

std::vector<ScoreRow> RowsOf(const CellOutcome& outcome) {
  std::vector<ScoreRow> rows;
  if (!outcome.results.has_value()) return rows;
  for (const NamedSummary& metric : outcome.results->metrics) {
    ScoreRow row;
    row.label = outcome.label;
    row.scorer = metric.name;
    row.n = outcome.results->n;
    row.completed = outcome.results->completed;
    row.failed = outcome.results->failed;
    row.unparsed = outcome.results->unparsed;
    row.mean = metric.summary.mean;
    row.ci = metric.summary.ci95;
    row.stderr_of_mean = metric.summary.standard_error;
    row.bounds = metric.summary.bounds;
    if (!metric.summary.pass_rates.empty()) {
      const PassRate& most = metric.summary.pass_rates.back();
      row.pass_k = most.k;
      row.pass_at = most.at;
      row.pass_hat = most.hat;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string OutcomeEvent(const CellOutcome& outcome) {
  return outcome.results.has_value() ? ResultEvent(outcome)
                                     : RefusedEvent(outcome);
}

}  // namespace runner
