// What a checkpoint file of another system says, as one list of results.
#ifndef RUNNER_IMPORTS_IMPORTED_FILE_H_
#define RUNNER_IMPORTS_IMPORTED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "runner/base/query.h"
#include "runner/storage/records.h"

namespace runner {

enum class ImportFormat {
  kDraagon,    // checkpoint.json: completed_queries{id: result}.
  kRob,        // *.checkpoint.json: documents, batches, an error log.
  kCobraEval,  // checkpoint_{method}_{count}_{timestamp}.json: results[].
  kDistllm,    // checkpoint_{questions}_{model}_{timestamp}.json: results[].
  kAlgoverse,  // {run}.jsonl with {run}_resume_state.json, {run}_errors.log.
  kPlain,      // JSONL, or a JSON array, of results.
};

// As people know the system: "draagon".
absl::string_view ImportFormatName(ImportFormat format);

// A score without a name of its own is `imported`, one that has a name is
// `imported.NAME`.
inline constexpr char kImportedScore[] = "imported";
// Different names of scores in one file. Numbers of further ones stay in the
// metadata: each name would take memory by query.
inline constexpr size_t kImportedScoreNamesMax = 32;
// Passes of one result.
inline constexpr size_t kImportedPassesMax = 256;

// Of one file, together: a million queries with four runs.
inline constexpr size_t kImportedResultsMax = size_t{4} << 20;
inline constexpr size_t kImportedAllPassesMax = size_t{4} << 20;
// Members and elements of one record, at any depth: parsed, one takes a
// multiple of its bytes in the file.
inline constexpr size_t kImportedValuesMax = size_t{1} << 20;

// What bounds the memory that is taken by what a file holds.
struct ImportLimits {
  size_t results = kImportedResultsMax;
  size_t passes = kImportedAllPassesMax;
  size_t values = kImportedValuesMax;
};

struct ImportedError {
  std::string type;  // Printable, at most kNameBytesMax.
  std::string message;
  bool retryable = true;
  std::string context_json;  // Canonical; empty: none.
};

// One result. Texts are valid UTF-8; numbers are within the bounds of
// evaluator.h.
struct ImportedResult {
  uint32_t run = 1;
  bool run_said = false;      // In the file.
  std::string id;             // Empty: none.
  bool id_is_number = false;  // Maybe a position, and no id.
  absl::optional<uint64_t> index;
  absl::optional<uint32_t> occurrence;
  std::string question;  // Empty: none.
  absl::optional<std::string> output;
  std::string reasoning;
  NamedValues scores;
  std::vector<PassRecord> passes;
  Usage usage;
  absl::optional<double> cost;  // Dollars.
  absl::Duration latency;       // Zero: not said.
  absl::optional<absl::Time> at;
  absl::optional<ImportedError> error;  // Set: it failed.
  std::string metadata_json;            // All else it says, canonical.
};

struct ImportedFile {
  ImportFormat format = ImportFormat::kPlain;
  // In hex, of the text as it was read; empty if no file was.
  std::string sha256;
  std::vector<ImportedResult> results;  // In the file's order.

  std::string name;  // Of the benchmark or session, as the file says it.
  // The configuration that it keeps: canonical, values of keys that may hold a
  // secret hidden; empty: none.
  std::string config_json;
  absl::optional<absl::Time> started;
  absl::optional<absl::Time> updated;
  absl::Duration elapsed;             // Zero: not said.
  uint64_t total = 0;                 // Queries of all runs; 0: not said.
  absl::optional<double> total_cost;  // Of all together, where not by result.
  std::string cost_json;              // How that came about; empty: none.

  // Where the file ends in the middle of a record, or is no JSON from there on:
  // what is whole before it is in `results`. Bytes from 0.
  absl::optional<uint64_t> cut_at;
  std::string cut_why;
  // Not empty: it holds more than the limits allow, and of what. Some results
  // are left out then.
  std::string too_large;
  // What people should know besides, a printable sentence each.
  std::vector<std::string> notes;
};

}  // namespace runner

#endif  // RUNNER_IMPORTS_IMPORTED_FILE_H_
