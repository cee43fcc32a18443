// The texts that the progress display shows, as pure functions.
#ifndef RUNNER_DISPLAY_PROGRESS_FORMAT_H_
#define RUNNER_DISPLAY_PROGRESS_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace runner {

// Where a benchmark stands.
struct Progress {
  std::string title;     // "gsm8k/gpt-4"
  uint64_t total = 0;    // Queries, over all runs.
  uint64_t done = 0;     // Of them, those with an answer or a final error.
  uint64_t resumed = 0;  // Of `done`, those that were done before.
  uint64_t failed = 0;   // Of `done`, those with an error.
  uint32_t run = 1;      // Of the newest query.
  uint32_t runs = 1;
  std::string query_id;  // The newest; empty: none yet.
  // Of a study of several benchmarks: all of its queries, and those of the
  // benchmarks before this one. 0: there is this one alone.
  uint64_t study_total = 0;
  uint64_t study_before = 0;
  absl::optional<double> cost;  // Dollars; nothing when unknown.
  // Queries per second, where it is known otherwise than from what this session
  // has done in its time.
  absl::optional<double> rate;
};

struct BarStyle {
  size_t columns = 80;  // Of the terminal.
  bool utf8 = true;     // Blocks; else '#'.
  bool color = false;
};

// Queries per second of this session, 0 before the first; `progress.rate` goes
// before that.
double SessionRate(const Progress& progress, absl::Duration elapsed);

// Until the end at the session's rate; infinite when that is not known.
absl::Duration SessionEta(const Progress& progress, absl::Duration elapsed);

// tqdm's line, at most `style.columns - 1` wide. What does not fit is left out
// in this order: query id, cost, study, run, bar; then the line is cut.
//   [2/6] gsm8k/gpt-4:  32%|███▏      | 3,240/10,000 [15:32<32:45, 3.50
//   queries/s, run=2/5, q=q3241, failed=3, $1.23, study=22%]
std::string FormatBar(const Progress& progress, absl::Duration elapsed,
                      const BarStyle& style);

// "Processed 10/100 queries (10.0%), run 1/5, 3.5 queries/s, eta 0:25, 2
// failed", on one line; of a study with ", study 22.0%" behind it.
std::string FormatPlainProgress(const Progress& progress,
                                absl::Duration elapsed);

// JSON objects of one line each, with its end.
//   {"event":"progress","time":"…","benchmark":"…","done":1,"total":2,…}
//   {"event":"message","time":"…","level":"info","text":"…"}
std::string FormatProgressEvent(const Progress& progress,
                                absl::Duration elapsed, absl::Time time);
std::string FormatMessageEvent(absl::string_view level, absl::string_view text,
                               absl::Time time);

// "[15:30:22] "
std::string FormatTimestamp(absl::Time time, absl::TimeZone zone);

std::string WithThousands(uint64_t number);  // "1,234,567"
// "99.9%": rounded down, so that 100.0% means all. All of nothing is 100.0%.
std::string FormatPercent(uint64_t part, uint64_t whole);
std::string FormatDollars(double dollars);     // "$1,234.50", "$0.0012"
std::string FormatClock(absl::Duration time);  // "15:32", "1:02:03", "?"

// One line of the table at a run's end: a benchmark and one of its scorers.
struct ScoreRow {
  std::string label;
  std::string scorer;
  uint64_t n = 0;
  uint64_t completed = 0;  // Of `n`; what is neither here nor in `failed` is
  uint64_t failed = 0;     // not done yet.
  uint64_t unparsed = 0;
  // Nothing when no query was answered.
  absl::optional<double> mean;
  // Low and high. Nothing for a single query, which does not spread.
  absl::optional<std::pair<double, double>> ci;
  absl::optional<double> stderr_of_mean;
  // With all failures counted as wrong, and as right.
  absl::optional<std::pair<double, double>> bounds;
  // Over several runs: pass@k and pass^k of the largest k. 0: not known.
  uint32_t pass_k = 0;
  double pass_at = 0;
  double pass_hat = 0;
};

// Rows of equally many cells, the first the head: the first `left` columns to
// the left, numbers to the right, `gap` spaces between. Each row ends with a
// newline.
std::string FormatTable(const std::vector<std::vector<std::string>>& rows,
                        size_t left_columns, size_t gap = 2);

// An aligned table with a head; columns for how many are done, for unparsed
// answers, for bounds and for pass@k and pass^k (of the largest k) only where a
// row has some. pass@1 is the score itself and not repeated. One of more
// columns than the terminal has (0: none, 80) is set closer; on a terminal, if
// that does not do, it comes in two blocks, in which long labels are cut. Ends
// with a newline. Empty for no rows.
std::string FormatScoreTable(absl::Span<const ScoreRow> rows,
                             size_t terminal_columns = 0);

}  // namespace runner

#endif  // RUNNER_DISPLAY_PROGRESS_FORMAT_H_
