// What is left to ask of one benchmark, and what that will cost.
#ifndef RUNNER_STUDY_ESTIMATE_H_
#define RUNNER_STUDY_ESTIMATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "runner/config/prices.h"
#include "runner/storage/progress_state.h"

namespace runner {

// Bytes of a prompt that are taken for a token, where nothing is known. English
// has some 4, code and other languages fewer.
inline constexpr uint64_t kBytesPerToken = 4;

// Where a figure comes from, as tables and programs are told it.
inline constexpr absl::string_view kFromJournal = "journal";
inline constexpr absl::string_view kFromBytes = "bytes/4";
inline constexpr absl::string_view kFromMaxTokens = "max-tokens";
inline constexpr absl::string_view kFromPrices = "prices";

// One figure; nullopt with an empty basis when nobody can tell.
struct Figure {
  absl::optional<double> value;
  absl::string_view basis;
};

// What is known of a benchmark before it runs.
struct EstimateInputs {
  uint64_t calls = 0;  // Left to ask, each counted once: no retries.
  // Of the prompts of these calls, with the system prompt; nullopt: nobody is
  // asked who would count tokens.
  absl::optional<uint64_t> prompt_bytes;
  absl::optional<uint64_t> max_tokens;  // Of one answer.
  ProgressTotals totals;                // Of its journal; zero without one.
  uint64_t answered = 0;                // Queries, in its journal.
  absl::optional<ModelPrice> price;
};

struct Estimate {
  uint64_t calls = 0;
  Figure prompt_tokens;
  Figure completion_tokens;  // At most, when it comes from --max-tokens.
  Figure cost;               // Dollars. No tokens are taken to be cached.
};

// Tokens: the mean of what the journal's calls used, else bytes/4 and
// --max-tokens. Cost: tokens by price, else the mean of what the journal's
// answers cost.
Estimate MakeEstimate(const EstimateInputs& inputs);

// A benchmark's line in table and JSON.
struct EstimateRow {
  std::string label;
  std::string model;  // Empty: none.
  uint64_t done = 0;  // Answered, of what is asked for.
  double spent = 0;   // Dollars, so far.
  Estimate estimate;
  // The file of prices that has none for the model; empty: it has, or none was
  // given.
  std::string prices_without_it;
  // What a run would say of its choice of a journal; empty: nothing new.
  std::string remark;
  // With what it would be refused; then the figures are those of a new journal.
  int exit_code = 0;
};

// Of all rows: figures that one of them does not have it has not either.
EstimateRow TotalOf(const std::vector<EstimateRow>& rows);

// With a head and, for several rows, a total; below it what the figures come
// from, and the remarks. Ends with a newline.
std::string EstimateTable(const std::vector<EstimateRow>& rows);

// {"event":"estimate","benchmark":…} a row, and {"event":"estimate_total",…}.
std::string EstimateLines(const std::vector<EstimateRow>& rows);

}  // namespace runner

#endif  // RUNNER_STUDY_ESTIMATE_H_
