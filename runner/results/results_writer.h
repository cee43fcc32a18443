// Publishes results.json, results.jsonl and results.csv, and results.sqlite for
// who asks for it: what the journal holds and nothing else, in canonical order.
//
// Everything outside of "timing" has the same bytes for any number of workers,
// order of completion and number of interruptions.
#ifndef RUNNER_RESULTS_RESULTS_WRITER_H_
#define RUNNER_RESULTS_RESULTS_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "journal/file_system.h"
#include "runner/scoring/statistics.h"
#include "runner/storage/result_store.h"
#include "runner/storage/usage_totals.h"

namespace runner {

enum class ResultsStatus { kIncomplete, kComplete, kLimit };

// A scorer whose score each completed query has that has an output.
struct ExpectedScore {
  std::string name;
  ScoreRange range = {};
};

struct ResultsInfo {
  std::string benchmark_id;
  std::string run_id;
  std::string journal;        // Its absolute path; empty: null.
  std::string identity_hash;  // 64 hex digits; kShownHashDigits are written.
  std::string scoring_hash;
  std::string dataset_name;
  std::string dataset_fingerprint;
  std::string dataset_path;
  uint64_t dataset_queries = 0;  // Rows of the dataset, selected or not.
  std::string model;             // Empty: null.
  std::string method;            // Empty: null.
  bool mixed_config = false;
  bool limit_reached = false;  // What is not done was not asked for it.
  uint64_t seed = 0;
  uint32_t runs = 1;
  // The selected queries by journal index, in dataset order.
  std::vector<uint32_t> order;
  // In the order of --scorer. A response without all of these is not completed
  // yet, but for one that was imported without an output, which none of them
  // can score: each mean is over those that its scorer has scored. Scores
  // beyond them (a worker's own) are reported too, sorted by name.
  std::vector<ExpectedScore> scorers;
  bool sqlite = false;  // Whether there is to be a database, too.
};

struct NamedSummary {
  std::string name;
  Summary summary;
};

struct RunResults {
  uint32_t run = 1;
  uint64_t seed = 0;
  uint64_t n = 0;
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t unparsed = 0;
  std::vector<NamedSummary> metrics;
  UsageTotals usage;  // Of accepted responses.
};

struct ErrorExample {
  uint32_t run = 1;
  std::string query_id;
  std::string type;
  std::string message;
};

// How many failed queries are listed with their message.
inline constexpr size_t kErrorExamplesMax = 100;

// Types of errors that are counted; a worker may make them up.
inline constexpr size_t kErrorTypesMax = 64;

// Names of scores that a worker may make up, over all queries; beyond it an
// error, for each takes memory by query.
inline constexpr size_t kScoreNamesMax = 64;

// What results.json says, for the table at the end and for --min-score.
struct Results {
  ResultsStatus status = ResultsStatus::kIncomplete;
  uint64_t n = 0;  // Selected queries x runs.
  uint64_t completed = 0;
  uint64_t failed = 0;
  uint64_t unparsed = 0;
  std::vector<NamedSummary> metrics;  // In the order of ResultsInfo::scorers.
  std::vector<RunResults> runs;
  UsageTotals usage;  // Of accepted responses.
  // Of the first kErrorTypesMax types; those of others are in `failed` alone.
  std::map<std::string, uint64_t> failed_by_type;
  std::vector<ErrorExample> errors;
  uint64_t errors_left_out = 0;
};

// Reads the store once, writes `<sibling>.jsonl` and `<sibling>.csv` (and
// `<sibling>.sqlite`) as it goes, in bounded memory, and then `results_path`.
// (Where names of scores turn up that the first result did not have, the store
// is read again for the columns of the table.) Each is published all or
// nothing: a temporary file beside it, fsync, rename, directory fsync. Missing
// directories are made. On an error what was published before is untouched.
absl::StatusOr<Results> WriteResults(ResultStore& store,
                                     const ResultsInfo& info,
                                     absl::string_view results_path,
                                     journal::FileSystem& fs);

// "x.jsonl" for "x.json"; for any other name that name and ".jsonl".
std::string ResultLinesPath(absl::string_view results_path);
// "x.csv" likewise.
std::string ResultTablePath(absl::string_view results_path);
// "x.sqlite" likewise.
std::string ResultDatabasePath(absl::string_view results_path);

}  // namespace runner

#endif  // RUNNER_RESULTS_RESULTS_WRITER_H_
