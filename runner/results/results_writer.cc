#include "runner/results/results_writer.h"

#include <algorithm>
#include <map>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runner/base/hashing.h"
#include "runner/base/json_writer.h"
#include "runner/base/published_file.h"
#include "runner/config/identity.h"
#include "runner/results/results_json.h"

namespace runner {
namespace {

// A name that is given twice counts once, the first time.
bool IsRepeated(const NamedValues& scores, size_t i) {
  return std::any_of(
      scores.begin(), scores.begin() + i,
      [&](const auto& score) { return score.first == scores[i].first; });
}

void WriteLineUsage(const QueryResult& result, JsonWriter& line) {
  // A failed query's usage tells how often it was tried: not reproducible.
  const bool known = result.usage.metered || result.cost.has_value();
  if (result.failed || !known) return line.Null();
  line.BeginObject();
  if (result.usage.metered) {
    line.Key("prompt_tokens").Number(result.usage.prompt_tokens);
    line.Key("completion_tokens").Number(result.usage.completion_tokens);
    line.Key("cached_tokens").Number(result.usage.cached_tokens);
    line.Key("reasoning_tokens").Number(result.usage.reasoning_tokens);
  }
  if (result.cost.has_value()) line.Key("cost").Number(*result.cost);
  line.EndObject();
}

// One line of results.jsonl.
std::string ResultLine(const QueryResult& result) {
  std::string text;
  JsonWriter line(text, /*indent=*/0);
  line.BeginObject();
  line.Key("run").Number(uint64_t{result.key.run});
  line.Key("query_id").String(result.key.id);
  line.Key("occurrence").Number(uint64_t{result.key.occurrence});
  line.Key("status").String(result.failed ? "failed" : "ok");
  line.Key("output");
  if (result.failed || !result.output.has_value()) {
    line.Null();
  } else {
    line.String(*result.output);
  }
  line.Key("scores").BeginObject();
  for (size_t i = 0; i < result.scores.size() && !result.failed; ++i) {
    const auto& [name, value] = result.scores[i];
    if (!IsRepeated(result.scores, i)) line.Key(name).Number(value);
  }
  line.EndObject();
  line.Key("usage");
  WriteLineUsage(result, line);
  line.Key("error_type");
  if (result.failed) {
    line.String(result.error_type);
  } else {
    line.Null();
  }
  line.EndObject();
  text += '\n';
  return text;
}

// The scores of one run, or of all, by name.
class ScoreTable {
 public:
  ScoreTable(const ResultsInfo& info, uint32_t queries, uint32_t runs)
      : info_(info), queries_(queries), runs_(runs) {
    for (const ExpectedScore& score : info.scorers) Named(score.name);
  }

  absl::Status Add(const QueryResult& result) {
    for (size_t i = 0; i < result.scores.size(); ++i) {
      const auto& [name, value] = result.scores[i];
      if (IsRepeated(result.scores, i)) continue;
      if (by_name_.count(name) == 0 && by_name_.size() >= kScoreNamesMax) {
        return absl::ResourceExhaustedError(
            absl::StrCat("more than ", kScoreNamesMax,
                         " different names of scores; a name must not hold "
                         "what differs from query to query"));
      }
      Named(name).Add(result.key.index, value);
    }
    return absl::OkStatus();
  }

  std::vector<NamedSummary> Summarize(uint64_t failed) const {
    std::vector<NamedSummary> summaries;
    for (const ExpectedScore& score : info_.scorers) {
      summaries.push_back(
          {score.name,
           by_name_.at(score.name)->Summarize(failed, score.range)});
    }
    for (const auto& [name, summary] : by_name_) {
      if (IsExpected(name)) continue;
      absl::optional<ScoreRange> range;
      if (summary->within_unit_range()) range = ScoreRange{0, 1};
      summaries.push_back({name, summary->Summarize(failed, range)});
    }
    return summaries;
  }

 private:
  bool IsExpected(const std::string& name) const {
    return std::any_of(
        info_.scorers.begin(), info_.scorers.end(),
        [&](const ExpectedScore& score) { return score.name == name; });
  }

  ScoreSummary& Named(const std::string& name) {
    std::unique_ptr<ScoreSummary>& summary = by_name_[name];
    if (summary == nullptr) {
      summary = std::make_unique<ScoreSummary>(queries_, runs_);
    }
    return *summary;
  }

  const ResultsInfo& info_;
  const uint32_t queries_;
  const uint32_t runs_;
  std::map<std::string, std::unique_ptr<ScoreSummary>> by_name_;
};

// Takes the results one by one in canonical order.
class Collector {
 public:
  Collector(const ResultsInfo& info, PublishedFile& lines)
      : info_(info),
        lines_(lines),
        queries_(info.order.empty() ? 0
                                    : 1 + *std::max_element(info.order.begin(),
                                                            info.order.end())),
        pooled_(info, queries_, info.runs) {}

  absl::Status Take(const QueryResult& result) {
    if (result.key.index >= queries_ || result.key.run > info_.runs) {
      return absl::InternalError("a result that was not asked for");
    }
    if (!result.failed && !HasExpectedScores(result)) {
      return absl::OkStatus();  // Answered, not scored yet: still to be done.
    }
    absl::Status status = EnterRun(result.key.run);
    if (!status.ok()) return status;
    if (result.failed) {
      TakeFailed(result);
    } else {
      status = TakeCompleted(result);
      if (!status.ok()) return status;
    }
    return lines_.Append(ResultLine(result));
  }

  absl::StatusOr<Results> Finish() {
    absl::Status status = EnterRun(info_.runs + 1);
    if (!status.ok()) return status;
    Results& all = results_;
    for (const RunResults& run : all.runs) {
      all.completed += run.completed;
      all.failed += run.failed;
      all.unparsed += run.unparsed;
    }
    all.n = uint64_t{info_.order.size()} * info_.runs;
    all.metrics = pooled_.Summarize(all.failed);
    all.status = info_.limit_reached ? ResultsStatus::kLimit
                 : all.completed + all.failed == all.n
                     ? ResultsStatus::kComplete
                     : ResultsStatus::kIncomplete;
    return std::move(results_);
  }

 private:
  bool HasExpectedScores(const QueryResult& result) const {
    return std::all_of(
        info_.scorers.begin(), info_.scorers.end(),
        [&](const ExpectedScore& expected) {
          return std::any_of(
              result.scores.begin(), result.scores.end(),
              [&](const auto& score) { return score.first == expected.name; });
        });
  }

  // Ends all runs before `run`, also those without any result.
  absl::Status EnterRun(uint32_t run) {
    if (run < current_.run) {
      return absl::InternalError("results are not in the order of runs");
    }
    while (current_.run < run) {
      current_.seed = RunSeed(info_.seed, current_.run);
      current_.n = info_.order.size();
      current_.metrics = in_run_->Summarize(current_.failed);
      const uint32_t next = current_.run + 1;
      results_.runs.push_back(std::move(current_));
      current_ = RunResults();
      current_.run = next;
      in_run_ = NewRun();
    }
    return absl::OkStatus();
  }

  absl::Status TakeCompleted(const QueryResult& result) {
    ++current_.completed;
    current_.unparsed += result.unparsed ? 1 : 0;
    results_.prompt_tokens += result.usage.prompt_tokens;
    results_.completion_tokens += result.usage.completion_tokens;
    results_.unmetered += result.usage.metered ? 0 : 1;
    if (result.cost.has_value()) {
      results_.cost = results_.cost.value_or(0) + *result.cost;
    }
    absl::Status status = in_run_->Add(result);
    return status.ok() ? pooled_.Add(result) : status;
  }

  void TakeFailed(const QueryResult& result) {
    ++current_.failed;
    if (results_.errors.size() == kErrorExamplesMax) {
      ++results_.errors_left_out;
      return;
    }
    results_.errors.push_back({result.key.run, result.key.id, result.error_type,
                               result.error_message});
  }

  std::unique_ptr<ScoreTable> NewRun() const {
    return std::make_unique<ScoreTable>(info_, queries_, /*runs=*/1);
  }

  const ResultsInfo& info_;
  PublishedFile& lines_;
  const uint32_t queries_;  // Journal indices are below it.
  ScoreTable pooled_;
  std::unique_ptr<ScoreTable> in_run_ = NewRun();
  RunResults current_;
  Results results_;
};

}  // namespace

std::string ResultLinesPath(absl::string_view results_path) {
  return absl::StrCat(absl::StripSuffix(results_path, ".json"), ".jsonl");
}

absl::StatusOr<Results> WriteResults(ResultStore& store,
                                     const ResultsInfo& info,
                                     absl::string_view results_path,
                                     journal::FileSystem& fs) {
  absl::Status status =
      CreateDirectories(fs, journal::ParentDirectory(results_path));
  if (!status.ok()) return status;
  absl::StatusOr<PublishedFile> lines =
      PublishedFile::Create(fs, ResultLinesPath(results_path));
  if (!lines.ok()) return lines.status();
  Collector collector(info, *lines);
  status = store.ForEach(info.runs, info.order, [&](const QueryResult& result) {
    return collector.Take(result);
  });
  if (!status.ok()) return status;
  absl::StatusOr<Results> results = collector.Finish();
  if (!results.ok()) return results.status();
  // The lines first: who sees the summary finds the lines it sums up.
  status = lines->Publish();
  if (!status.ok()) return status;
  status = journal::PublishFile(fs, results_path,
                                ResultsJson(*results, info, store.history()));
  if (!status.ok()) return status;
  return results;
}

}  // namespace runner
