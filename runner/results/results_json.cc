#include "runner/results/results_json.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "runner/base/json_writer.h"
#include "runner/config/identity.h"

namespace runner {
namespace {

constexpr int kIndent = 2;

absl::string_view StatusName(ResultsStatus status) {
  switch (status) {
    case ResultsStatus::kIncomplete:
      return "incomplete";
    case ResultsStatus::kComplete:
      return "complete";
    case ResultsStatus::kLimit:
      return "limit";
  }
  return "incomplete";
}

void WriteNumber(const absl::optional<double>& value, JsonWriter& json) {
  if (value.has_value()) {
    json.Number(*value);
  } else {
    json.Null();
  }
}

void WriteInterval(const absl::optional<Interval>& interval, JsonWriter& json) {
  if (!interval.has_value()) return json.Null();
  json.BeginArray();
  json.Number(interval->first);
  json.Number(interval->second);
  json.EndArray();
}

// {"1": ..., "2": ...}: a rate by its k.
void WriteRates(const std::vector<PassRate>& rates, double PassRate::*rate,
                JsonWriter& json) {
  json.BeginObject();
  for (const PassRate& each : rates) {
    json.Key(absl::StrCat(each.k)).Number(each.*rate);
  }
  json.EndObject();
}

void WriteMetrics(const std::vector<NamedSummary>& metrics, uint64_t completed,
                  JsonWriter& json) {
  json.Key("metrics").BeginObject();
  for (const auto& [name, summary] : metrics) {
    json.Key(name).BeginObject();
    WriteNumber(summary.mean, json.Key("mean"));
    WriteNumber(summary.deviation, json.Key("std"));
    WriteNumber(summary.standard_error, json.Key("stderr"));
    WriteInterval(summary.ci95, json.Key("ci95"));
    WriteInterval(summary.bounds, json.Key("bounds"));
    // Where not all that is completed has this score: what was imported, say.
    if (summary.n != completed) json.Key("scored").Number(summary.n);
    if (summary.query_variance.has_value()) {
      json.Key("query_variance").Number(*summary.query_variance);
    }
    if (!summary.pass_rates.empty()) {
      WriteRates(summary.pass_rates, &PassRate::at, json.Key("pass@k"));
      WriteRates(summary.pass_rates, &PassRate::hat, json.Key("pass^k"));
    }
    json.EndObject();
  }
  json.EndObject();
}

void WriteUsage(const UsageTotals& usage, JsonWriter& json) {
  json.Key("usage").BeginObject();
  json.Key("prompt_tokens").Number(usage.prompt_tokens);
  json.Key("completion_tokens").Number(usage.completion_tokens);
  json.Key("cached_tokens").Number(usage.cached_tokens);
  json.Key("reasoning_tokens").Number(usage.reasoning_tokens);
  WriteNumber(usage.cost, json.Key("cost"));
  json.Key("unmetered").Number(usage.unmetered);
  json.Key("unpriced").Number(usage.unpriced);
  json.EndObject();
}

void WriteRun(const RunResults& run, JsonWriter& json) {
  json.BeginObject();
  json.Key("run").Number(uint64_t{run.run});
  json.Key("seed").Number(run.seed);
  json.Key("n").Number(run.n);
  json.Key("completed").Number(run.completed);
  json.Key("failed").Number(run.failed);
  json.Key("unparsed").Number(run.unparsed);
  WriteMetrics(run.metrics, run.completed, json);
  WriteUsage(run.usage, json);
  json.EndObject();
}

// To the microsecond.
double Shown(double milliseconds) {
  constexpr double kPerMs = 1000;
  return std::round(milliseconds * kPerMs) / kPerMs;
}

void WriteLatency(const std::vector<float>& latencies_ms, JsonWriter& json) {
  json.Key("latency_ms");
  if (latencies_ms.empty()) return json.Null();
  const double sum =
      std::accumulate(latencies_ms.begin(), latencies_ms.end(), 0.0);
  json.BeginObject();
  json.Key("mean").Number(
      Shown(sum / static_cast<double>(latencies_ms.size())));
  json.Key("p50").Number(Shown(Percentile(latencies_ms, 50)));
  json.Key("p90").Number(Shown(Percentile(latencies_ms, 90)));
  json.Key("p95").Number(Shown(Percentile(latencies_ms, 95)));
  json.Key("p99").Number(Shown(Percentile(latencies_ms, 99)));
  json.Key("max").Number(Shown(latencies_ms.back()));
  json.EndObject();
}

void WriteErrors(const Results& results, JsonWriter& json) {
  json.Key("errors").BeginArray();
  for (const ErrorExample& error : results.errors) {
    json.BeginObject();
    json.Key("run").Number(uint64_t{error.run});
    json.Key("query_id").String(error.query_id);
    json.Key("type").String(error.type);
    json.Key("message").String(error.message);
    json.EndObject();
  }
  json.EndArray();
  json.Key("errors_left_out").Number(results.errors_left_out);
}

std::string Date(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

// Nobody is told what an attempt in doubt cost: the mean of an answer is taken.
absl::optional<double> InDoubtCost(const Results& results,
                                   const ResultStore::History& history) {
  const UsageTotals& usage = results.usage;
  if (!usage.cost.has_value()) return absl::nullopt;
  const auto priced = static_cast<double>(usage.calls - usage.unpriced);
  return *usage.cost / priced * static_cast<double>(history.in_doubt);
}

void WriteTiming(const Results& results, const ResultsInfo& info,
                 const ResultStore::History& history, JsonWriter& json) {
  const uint64_t ended = results.completed + results.failed;
  json.Key("timing").BeginObject();
  json.Key("run_id").String(info.run_id);
  json.Key("journal").StringOrNull(info.journal);
  json.Key("dataset_path").String(info.dataset_path);
  json.Key("started").String(Date(history.started));
  json.Key("updated").String(Date(history.updated));
  json.Key("elapsed_seconds").Number(absl::ToDoubleSeconds(history.elapsed));
  json.Key("sessions").Number(uint64_t{history.sessions});
  json.Key("attempts").Number(history.attempts);
  json.Key("retried").Number(history.attempts -
                             std::min(history.attempts, ended));
  json.Key("in_doubt").Number(history.in_doubt);
  WriteNumber(history.retried_cost, json.Key("retried_cost"));
  WriteNumber(InDoubtCost(results, history), json.Key("in_doubt_cost"));
  WriteLatency(history.latencies_ms, json);
  WriteErrors(results, json);
  json.EndObject();
}

}  // namespace

std::string ResultsJson(const Results& results, const ResultsInfo& info,
                        const ResultStore::History& history) {
  std::string text;
  JsonWriter json(text, kIndent);
  json.BeginObject();
  json.Key("format").Number(kResultsFormat);
  json.Key("benchmark_id").String(info.benchmark_id);
  json.Key("config_hash")
      .String(info.identity_hash.substr(0, kShownHashDigits));
  json.Key("scoring_hash")
      .String(info.scoring_hash.substr(0, kShownHashDigits));
  json.Key("dataset").BeginObject();
  json.Key("name").String(info.dataset_name);
  json.Key("fingerprint").String(info.dataset_fingerprint);
  json.Key("queries").Number(info.dataset_queries);
  json.EndObject();
  json.Key("model").StringOrNull(info.model);
  json.Key("method").StringOrNull(info.method);
  json.Key("mixed_config").Bool(info.mixed_config);
  json.Key("status").String(StatusName(results.status));
  json.Key("n").Number(results.n);
  json.Key("completed").Number(results.completed);
  json.Key("failed").Number(results.failed);
  json.Key("unparsed").Number(results.unparsed);
  WriteMetrics(results.metrics, results.completed, json);
  json.Key("runs").BeginArray();
  for (const RunResults& run : results.runs) WriteRun(run, json);
  json.EndArray();
  WriteUsage(results.usage, json);
  WriteTiming(results, info, history, json);
  json.EndObject();
  text += '\n';
  return text;
}

}  // namespace runner
