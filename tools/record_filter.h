// Which records `show` shows.
#ifndef TOOLS_RECORD_FILTER_H_
#define TOOLS_RECORD_FILTER_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "journal/types.h"
#include "runner/storage/progress_state.h"
#include "tools/command_line.h"
#include "tools/record_facts.h"

namespace inspector {

// What became of a query, or of an attempt at it.
enum class StatusFilter {
  kAll,
  kOk,       // All records of queries that are answered.
  kFailed,   // All records of queries whose failure stands.
  kInDoubt,  // Starts of attempts that never ended, and InDoubt records.
};

struct FilterOptions {
  LsnRange lsns;
  absl::optional<uint32_t> run;
  std::string query_glob;  // Empty: all.
  StatusFilter status = StatusFilter::kAll;
  std::set<uint16_t> types;  // Empty: all.
  absl::Time since = absl::InfinitePast();
  absl::Time until = absl::InfiniteFuture();
};

// Errors: InvalidArgument, naming the option.
absl::StatusOr<FilterOptions> ParseFilterOptions(const Arguments& arguments,
                                                 absl::TimeZone zone);

// "2026-11-21 15:30[:22]" in `zone`, "2026-11-21", "15:30" (today), RFC 3339,
// "@UNIX", "now", "today", "yesterday", "-5m", "5m ago".
absl::StatusOr<absl::Time> ParseTime(absl::string_view text, absl::Time now,
                                     absl::TimeZone zone);

// Used for one pass over a journal, in LSN order. Not thread-safe.
class RecordFilter {
 public:
  explicit RecordFilter(const FilterOptions& options) : options_(options) {}

  // For status filters: what became of each query. The pass before the one
  // that shows; every record of the journal, in order. Known ones are ignored.
  void Learn(const journal::Record& record);
  // `writer_alive`: what has begun and not ended is under way, not in doubt.
  void EndLearning(bool writer_alive);
  bool needs_learning() const { return options_.status != StatusFilter::kAll; }

  // A record without a time of its own has that of the one before it.
  bool Matches(const journal::Record& record, const RecordFacts& facts);

 private:
  bool MatchesQuery(const RecordFacts& facts) const;
  bool MatchesStatus(const journal::Record& record,
                     const RecordFacts& facts) const;

  const FilterOptions options_;
  absl::Time time_ = absl::InfinitePast();
  runner::ProgressState progress_;
  journal::Lsn learned_lsn_ = 0;
  std::set<AttemptId> failed_;  // attempt 0: the query.
  std::set<AttemptId> in_doubt_;
};

}  // namespace inspector

#endif  // TOOLS_RECORD_FILTER_H_
