#include "runner/results/results_writer.h"

#include <algorithm>
#include <map>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runner/base/hashing.h"
#include "runner/base/published_file.h"
#include "runner/results/result_fan_out.h"
#include "runner/results/result_files.h"
#include "runner/results/result_lines.h"
#include "runner/results/results_database.h"
#include "runner/results/results_json.h"

namespace runner {
namespace {

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

  // Beyond those expected, sorted.
  std::vector<std::string> FurtherNames() const {
    std::vector<std::string> names;
    for (const auto& [name, summary] : by_name_) {
      if (!IsExpected(name)) names.push_back(name);
    }
    return names;
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

// Sums up the results, one by one in canonical order.
class Collector {
 public:
  explicit Collector(const ResultsInfo& info)
      : info_(info),
        queries_(info.order.empty() ? 0
                                    : 1 + *std::max_element(info.order.begin(),
                                                            info.order.end())),
        pooled_(info, queries_, info.runs) {}

  // One that IsDone().
  absl::Status Take(const QueryResult& result) {
    if (result.key.index >= queries_ || result.key.run > info_.runs) {
      return absl::InternalError("a result that was not asked for");
    }
    const absl::Status status = EnterRun(result.key.run);
    if (!status.ok()) return status;
    if (!result.failed) return TakeCompleted(result);
    TakeFailed(result);
    return absl::OkStatus();
  }

  // Not answered without all expected scores: still to be scored. What was
  // imported without an output cannot be, and has the scores that it came with.
  bool IsDone(const QueryResult& result) const {
    const bool cannot_be_scored = result.imported && !result.output.has_value();
    return result.failed || cannot_be_scored || HasExpectedScores(result);
  }

  // The columns of all results so far.
  CsvTable Columns() const {
    std::vector<std::string> names;
    for (const ExpectedScore& score : info_.scorers)
      names.push_back(score.name);
    for (std::string& name : pooled_.FurtherNames()) {
      names.push_back(std::move(name));
    }
    return CsvTable(std::move(names));
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
    all.status = all.completed + all.failed == all.n ? ResultsStatus::kComplete
                 : info_.limit_reached               ? ResultsStatus::kLimit
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
    current_.usage.Add(result.usage, result.cost);
    results_.usage.Add(result.usage, result.cost);
    absl::Status status = in_run_->Add(result);
    return status.ok() ? pooled_.Add(result) : status;
  }

  void TakeFailed(const QueryResult& result) {
    ++current_.failed;
    std::map<std::string, uint64_t>& types = results_.failed_by_type;
    if (types.size() < kErrorTypesMax || types.count(result.error_type) > 0) {
      ++types[result.error_type];
    }
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
  const uint32_t queries_;  // Journal indices are below it.
  ScoreTable pooled_;
  std::unique_ptr<ScoreTable> in_run_ = NewRun();
  RunResults current_;
  Results results_;
};

// All results, once through. `table` is one of the `sinks`.
absl::Status WriteAll(ResultStore& store, const ResultsInfo& info,
                      Collector& collector, TableFile& table,
                      const std::vector<ResultSink*>& sinks) {
  ResultFanOut fan_out(sinks);
  absl::Status status =
      store.ForEach(info.runs, info.order, [&](QueryResult&& result) {
        if (!collector.IsDone(result)) return absl::OkStatus();
        absl::Status s = collector.Take(result);
        if (s.ok() && table.columns() == nullptr) {
          s = table.Begin(collector.Columns());
        }
        return s.ok() ? fan_out.Add(std::move(result)) : s;
      });
  return status.ok() ? fan_out.Finish() : status;
}

// The table again, now that all columns are known. They are those of the first
// result but for a worker that invents names as it goes.
absl::Status WriteTableAgain(ResultStore& store, const ResultsInfo& info,
                             const Collector& collector, TableFile& table) {
  absl::Status status = table.Begin(collector.Columns());
  if (!status.ok()) return status;
  status = store.ForEach(info.runs, info.order, [&](const QueryResult& result) {
    return collector.IsDone(result) ? table.Append(result) : absl::OkStatus();
  });
  return status.ok() ? table.Finish() : status;
}

}  // namespace

std::string ResultLinesPath(absl::string_view results_path) {
  return absl::StrCat(absl::StripSuffix(results_path, ".json"), ".jsonl");
}

std::string ResultTablePath(absl::string_view results_path) {
  return absl::StrCat(absl::StripSuffix(results_path, ".json"), ".csv");
}

std::string ResultDatabasePath(absl::string_view results_path) {
  return absl::StrCat(absl::StripSuffix(results_path, ".json"), ".sqlite");
}

absl::StatusOr<Results> WriteResults(ResultStore& store,
                                     const ResultsInfo& info,
                                     absl::string_view results_path,
                                     journal::FileSystem& fs) {
  absl::Status status =
      CreateDirectories(fs, journal::ParentDirectory(results_path));
  if (!status.ok()) return status;
  absl::StatusOr<PublishedFile> lines_file =
      PublishedFile::Create(fs, ResultLinesPath(results_path));
  if (!lines_file.ok()) return lines_file.status();
  absl::StatusOr<PublishedFile> table_file =
      PublishedFile::Create(fs, ResultTablePath(results_path));
  if (!table_file.ok()) return table_file.status();
  LinesFile lines(*std::move(lines_file));
  TableFile table(*std::move(table_file));
  std::unique_ptr<ResultsDatabase> database;
  if (info.sqlite) {
    auto created =
        ResultsDatabase::Create(fs, ResultDatabasePath(results_path));
    if (!created.ok()) return created.status();
    database = *std::move(created);
  }
  std::vector<ResultSink*> sinks = {&lines, &table};
  if (database != nullptr) sinks.push_back(database.get());
  Collector collector(info);
  status = WriteAll(store, info, collector, table, sinks);
  if (!status.ok()) return status;
  if (table.columns() == nullptr ||
      table.columns()->scores() != collector.Columns().scores()) {
    status = WriteTableAgain(store, info, collector, table);
    if (!status.ok()) return status;
  }
  absl::StatusOr<Results> results = collector.Finish();
  if (!results.ok()) return results.status();
  const std::string json = ResultsJson(*results, info, store.history());
  if (database != nullptr) status = database->Complete(json);
  // The lines first: who sees the summary finds the lines it sums up.
  if (status.ok()) status = lines.Publish();
  if (status.ok()) status = table.Publish();
  if (status.ok() && database != nullptr) status = database->Publish();
  if (status.ok()) status = journal::PublishFile(fs, results_path, json);
  if (!status.ok()) return status;
  return results;
}

}  // namespace runner
