#include "runner/display/progress_format.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"
#include "runner/base/text.h"

namespace runner {
namespace {

constexpr size_t kIdColumnsMax = 20;
constexpr size_t kTitleColumnsMax = 40;
constexpr size_t kLabelColumnsMax = 48;
// A bar narrower than the first makes way for text; wider ones say no more.
constexpr size_t kBarColumnsMin = 5;
constexpr size_t kBarColumnsMax = 40;
// A wider table of scores is set closer, where no terminal says its width.
constexpr size_t kTableColumns = 80;
// Labels are not cut below it for the sake of a narrow terminal.
constexpr size_t kLabelColumnsMin = 12;
constexpr char kUnknown[] = "-";
constexpr absl::string_view kDots = "...";
constexpr absl::Duration kClockMax = absl::Hours(9999);

constexpr absl::string_view kEighths[] = {"",  "▏", "▎", "▍",
                                          "▌", "▋", "▊", "▉"};
constexpr char kRed[] = "\x1b[31m";
constexpr char kPlain[] = "\x1b[0m";

// What is done, at most 1; all of nothing is done.
double Fraction(const Progress& progress) {
  if (progress.total == 0) return 1;
  return std::min(1.0, static_cast<double>(progress.done) /
                           static_cast<double>(progress.total));
}

std::string Blocks(double fraction, size_t columns, bool utf8) {
  const auto eighths =
      static_cast<size_t>(fraction * static_cast<double>(columns) * 8);
  std::string bar;
  size_t used = eighths / 8;
  for (size_t i = 0; i < used; ++i) absl::StrAppend(&bar, utf8 ? "█" : "#");
  if (utf8 && eighths % 8 != 0) {
    absl::StrAppend(&bar, kEighths[eighths % 8]);
    ++used;
  }
  return bar.append(columns - used, ' ');
}

// Which of the less important parts of the line are shown.
struct Parts {
  bool query = true;
  bool cost = true;
  bool study = true;
  bool run = true;
};

// Of all queries of the study, rounded down.
double StudyFraction(const Progress& progress) {
  const uint64_t done =
      progress.study_before + std::min(progress.done, progress.total);
  return std::min(1.0, static_cast<double>(done) /
                           static_cast<double>(progress.study_total));
}

std::string Rate(double rate, int digits) {
  if (rate <= 0) return "?";
  // A slow run shows more than "0.0".
  if (rate < std::pow(10, -digits)) digits += 2;
  return absl::StrFormat("%.*f", digits, rate);
}

std::string BarTail(const Progress& progress, absl::Duration elapsed,
                    const Parts& parts) {
  std::vector<std::string> facts = {absl::StrCat(
      FormatClock(elapsed), "<", FormatClock(SessionEta(progress, elapsed)),
      ", ", Rate(SessionRate(progress, elapsed), 2), " queries/s")};
  if (parts.run) {
    facts.push_back(absl::StrCat("run=", progress.run, "/", progress.runs));
  }
  if (parts.query && !progress.query_id.empty()) {
    facts.push_back(absl::StrCat(
        "q=", CutToWidth(Printable(progress.query_id), kIdColumnsMax)));
  }
  facts.push_back(absl::StrCat("failed=", WithThousands(progress.failed)));
  if (parts.cost && progress.cost) {
    facts.push_back(FormatDollars(*progress.cost));
  }
  if (parts.study && progress.study_total > 0) {
    facts.push_back(absl::StrFormat(
        "study=%d%%",
        static_cast<int>(std::floor(StudyFraction(progress) * 100))));
  }
  return absl::StrCat(WithThousands(progress.done), "/",
                      WithThousands(progress.total), " [",
                      absl::StrJoin(facts, ", "), "]");
}

// After the line has its width, so that the escapes do not count.
std::string Colored(std::string line, const Progress& progress) {
  if (progress.failed == 0) return line;
  const std::string failed =
      absl::StrCat("failed=", WithThousands(progress.failed));
  // The last one: an id may say the same.
  const size_t at = line.rfind(failed);
  if (at == std::string::npos) return line;
  return absl::StrCat(line.substr(0, at), kRed, failed, kPlain,
                      line.substr(at + failed.size()));
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string PadLeft(const std::string& text, size_t columns) {
  const size_t width = DisplayWidth(text);
  return std::string(columns > width ? columns - width : 0, ' ') + text;
}

std::string PadRight(const std::string& text, size_t columns) {
  const size_t width = DisplayWidth(text);
  return text + std::string(columns > width ? columns - width : 0, ' ');
}

using Cells = std::vector<std::string>;
using Table = std::vector<Cells>;

std::string Number(const absl::optional<double>& number) {
  return number.has_value() ? absl::StrFormat("%.4f", *number) : kUnknown;
}

std::string Interval(const absl::optional<std::pair<double, double>>& interval,
                     bool narrow) {
  if (!interval.has_value()) return kUnknown;
  return absl::StrFormat("[%.4f,%s%.4f]", interval->first, narrow ? "" : " ",
                         interval->second);
}

// Which columns there are beside those that always are.
struct Columns {
  bool done = false;
  bool unparsed = false;
  bool bounds = false;
  uint32_t pass_k = 0;  // 0: none.
  bool narrow = false;
  // Of a table in two blocks: those about the scores, and those about how sure
  // they are.
  bool scores = true;
  bool spread = true;
  size_t label_columns = kLabelColumnsMax;
};

Columns ColumnsOf(absl::Span<const ScoreRow> rows) {
  Columns columns;
  for (const ScoreRow& row : rows) {
    columns.done |= row.completed + row.failed < row.n;
    columns.unparsed |= row.unparsed > 0;
    columns.bounds |= row.failed > 0;
    if (row.pass_k >= 2) columns.pass_k = std::max(columns.pass_k, row.pass_k);
  }
  return columns;
}

Cells ScoreHead(const Columns& columns) {
  Cells head = {"benchmark", "scorer"};
  if (columns.scores) {
    head.push_back("n");
    if (columns.done) head.push_back("done");
    head.push_back(columns.narrow ? "err" : "errors");
    if (columns.unparsed) head.push_back("unparsed");
    head.insert(head.end(), {"score", "95% interval"});
  }
  if (!columns.spread) return head;
  head.push_back("stderr");
  if (columns.pass_k > 0) {
    head.push_back(absl::StrCat("pass@", columns.pass_k));
    head.push_back(absl::StrCat("pass^", columns.pass_k));
  }
  if (columns.bounds) head.push_back("bounds");
  return head;
}

// Cut at its front: what tells benchmarks of a study apart comes last.
std::string LabelIn(size_t columns, const std::string& label) {
  const std::string whole = Excerpt(label, kLabelColumnsMax);
  size_t cut = 0;
  while (DisplayWidth(absl::string_view(whole).substr(cut)) +
             (cut == 0 ? 0 : kDots.size()) >
         columns) {
    cut += std::max<size_t>(
        1, Utf8SequenceLength(absl::string_view(whole).substr(cut)));
  }
  return cut == 0 ? whole : absl::StrCat(kDots, whole.substr(cut));
}

Cells ScoreCells(const ScoreRow& row, const Columns& columns) {
  Cells cells = {LabelIn(columns.label_columns, row.label),
                 Excerpt(row.scorer, kLabelColumnsMax)};
  if (columns.scores) {
    cells.push_back(WithThousands(row.n));
    if (columns.done) cells.push_back(WithThousands(row.completed));
    cells.push_back(WithThousands(row.failed));
    if (columns.unparsed) cells.push_back(WithThousands(row.unparsed));
    cells.push_back(Number(row.mean));
    cells.push_back(Interval(row.ci, columns.narrow));
  }
  if (!columns.spread) return cells;
  cells.push_back(Number(row.stderr_of_mean));
  if (columns.pass_k > 0) {
    const bool known = row.pass_k == columns.pass_k;
    for (const double rate : {row.pass_at, row.pass_hat}) {
      cells.push_back(known ? Number(rate) : kUnknown);
    }
  }
  if (columns.bounds) {
    cells.push_back(row.failed > 0 ? Interval(row.bounds, columns.narrow)
                                   : kUnknown);
  }
  return cells;
}

std::string ScoreTable(absl::Span<const ScoreRow> rows,
                       const Columns& columns) {
  Table table = {ScoreHead(columns)};
  for (const ScoreRow& row : rows) {
    table.push_back(ScoreCells(row, columns));
  }
  return FormatTable(table, /*left_columns=*/2, columns.narrow ? 1 : 2);
}

// All lines are equally long.
size_t WidthOf(const std::string& table) {
  return DisplayWidth(table.substr(0, table.find('\n')));
}

size_t LongestLabel(absl::Span<const ScoreRow> rows) {
  size_t longest = 0;
  for (const ScoreRow& row : rows) {
    longest =
        std::max(longest, DisplayWidth(Excerpt(row.label, kLabelColumnsMax)));
  }
  return longest;
}

// In at most so many columns, if need be with labels cut.
std::string FittingTable(absl::Span<const ScoreRow> rows, Columns columns,
                         size_t columns_max) {
  std::string table = ScoreTable(rows, columns);
  const size_t width = WidthOf(table);
  if (width <= columns_max) return table;
  const size_t longest = LongestLabel(rows);
  columns.label_columns = std::max(
      kLabelColumnsMin, longest - std::min(longest, width - columns_max));
  return ScoreTable(rows, columns);
}

}  // namespace

double SessionRate(const Progress& progress, absl::Duration elapsed) {
  if (progress.rate.has_value()) return *progress.rate;
  if (progress.done <= progress.resumed || elapsed <= absl::ZeroDuration()) {
    return 0;
  }
  return static_cast<double>(progress.done - progress.resumed) /
         absl::ToDoubleSeconds(elapsed);
}

absl::Duration SessionEta(const Progress& progress, absl::Duration elapsed) {
  if (progress.done >= progress.total) return absl::ZeroDuration();
  const double rate = SessionRate(progress, elapsed);
  if (rate <= 0) return absl::InfiniteDuration();
  return absl::Seconds(static_cast<double>(progress.total - progress.done) /
                       rate);
}

std::string FormatBar(const Progress& progress, absl::Duration elapsed,
                      const BarStyle& style) {
  // The last column stays free: some terminals wrap when it is written.
  const size_t columns = std::max<size_t>(style.columns, 2) - 1;
  const double fraction = Fraction(progress);
  // Rounded down, so that 100% means all.
  const std::string head = absl::StrCat(
      Excerpt(progress.title, kTitleColumnsMax), ": ",
      absl::StrFormat("%3d%%", static_cast<int>(std::floor(fraction * 100))));
  constexpr Parts kAttempts[] = {{true, true, true, true},
                                 {false, true, true, true},
                                 {false, false, true, true},
                                 {false, false, false, true},
                                 {false, false, false, false}};
  std::string line;
  for (const Parts& parts : kAttempts) {
    const std::string tail = BarTail(progress, elapsed, parts);
    const size_t used =
        DisplayWidth(head) + DisplayWidth(tail) + 3;  // "|", "| "
    if (used + kBarColumnsMin <= columns) {
      const size_t bar = std::min(columns - used, kBarColumnsMax);
      line = absl::StrCat(head, "|", Blocks(fraction, bar, style.utf8), "| ",
                          tail);
      break;
    }
    line = absl::StrCat(head, " ", tail);
  }
  line = CutToWidth(line, columns);
  return style.color ? Colored(std::move(line), progress) : line;
}

std::string FormatPlainProgress(const Progress& progress,
                                absl::Duration elapsed) {
  const absl::Duration eta = SessionEta(progress, elapsed);
  std::string eta_text = FormatClock(eta);
  // "0:25" where the bar has "00:25".
  if (eta_text.size() == 5 && eta_text[0] == '0') eta_text.erase(0, 1);
  return absl::StrCat(
      "Processed ", WithThousands(progress.done), "/",
      WithThousands(progress.total), " queries (",
      FormatPercent(std::min(progress.done, progress.total), progress.total),
      "), run ", progress.run, "/", progress.runs, ", ",
      Rate(SessionRate(progress, elapsed), 1), " queries/s, eta ", eta_text,
      ", ", WithThousands(progress.failed), " failed",
      progress.study_total == 0
          ? ""
          : absl::StrFormat(", study %.1f%%",
                            std::floor(StudyFraction(progress) * 1000) / 10));
}

std::string FormatProgressEvent(const Progress& progress,
                                absl::Duration elapsed, absl::Time time) {
  const absl::Duration eta = SessionEta(progress, elapsed);
  return absl::StrCat(
      "{\"event\":\"progress\",\"time\":\"", Rfc3339(time),
      "\",\"benchmark\":", JsonString(progress.title),
      ",\"done\":", progress.done, ",\"total\":", progress.total,
      ",\"resumed\":", progress.resumed, ",\"failed\":", progress.failed,
      ",\"run\":", progress.run, ",\"runs\":", progress.runs,
      ",\"query\":", JsonString(progress.query_id),
      ",\"elapsed_seconds\":", JsonNumber(absl::ToDoubleSeconds(elapsed)),
      ",\"rate\":", JsonNumber(SessionRate(progress, elapsed)),
      ",\"eta_seconds\":", JsonNumber(absl::ToDoubleSeconds(eta)), ",\"cost\":",
      progress.cost ? JsonNumber(*progress.cost) : std::string("null"),
      progress.study_total == 0
          ? ""
          : absl::StrCat(
                ",\"study_done\":", progress.study_before + progress.done,
                ",\"study_total\":", progress.study_total),
      "}\n");
}

std::string FormatMessageEvent(absl::string_view level, absl::string_view text,
                               absl::Time time) {
  return absl::StrCat("{\"event\":\"message\",\"time\":\"", Rfc3339(time),
                      "\",\"level\":", JsonString(level),
                      ",\"text\":", JsonString(text), "}\n");
}

std::string FormatTimestamp(absl::Time time, absl::TimeZone zone) {
  return absl::FormatTime("[%H:%M:%S] ", time, zone);
}

std::string WithThousands(uint64_t number) {
  std::string digits = absl::StrCat(number);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string FormatPercent(uint64_t part, uint64_t whole) {
  if (part == whole) return "100.0%";
  if (whole == 0) return "?";
  double tenths = std::floor(1000.0 * part / whole);
  // Whatever a floating point number makes of very large ones.
  if (part < whole) tenths = std::min(tenths, 999.0);
  return absl::StrFormat("%.1f%%", tenths / 10);
}

std::string FormatDollars(double dollars) {
  // Both also sort out NaN.
  if (!(dollars >= 0)) return "$?";
  if (!(dollars < 1e15)) return absl::StrFormat("$%.3g", dollars);
  // A cent or nothing to a person, but not to a thousand queries.
  if (dollars > 0 && dollars < 0.01) return absl::StrFormat("$%.4f", dollars);
  const auto cents = static_cast<uint64_t>(std::llround(dollars * 100));
  return absl::StrCat("$", WithThousands(cents / 100), ".",
                      absl::Dec(cents % 100, absl::kZeroPad2));
}

std::string FormatClock(absl::Duration time) {
  if (time > kClockMax) return "?";
  const int64_t seconds = std::max<int64_t>(0, absl::ToInt64Seconds(time));
  if (seconds < 3600) {
    return absl::StrFormat("%02d:%02d", seconds / 60, seconds % 60);
  }
  return absl::StrFormat("%d:%02d:%02d", seconds / 3600, seconds / 60 % 60,
                         seconds % 60);
}

std::string FormatTable(const Table& table, size_t left_columns, size_t gap) {
  std::vector<size_t> widths(table[0].size());
  for (const Cells& cells : table) {
    for (size_t i = 0; i < cells.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(cells[i]));
    }
  }
  std::string text;
  for (const Cells& cells : table) {
    for (size_t i = 0; i < cells.size(); ++i) {
      absl::StrAppend(&text, std::string(i == 0 ? 0 : gap, ' '),
                      i < left_columns ? PadRight(cells[i], widths[i])
                                       : PadLeft(cells[i], widths[i]));
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

std::string FormatScoreTable(absl::Span<const ScoreRow> rows,
                             size_t terminal_columns) {
  if (rows.empty()) return "";
  const size_t columns_max =
      terminal_columns == 0 ? kTableColumns : terminal_columns;
  Columns columns = ColumnsOf(rows);
  std::string table = ScoreTable(rows, columns);
  if (WidthOf(table) <= columns_max) return table;
  columns.narrow = true;
  table = ScoreTable(rows, columns);
  if (terminal_columns == 0 || WidthOf(table) <= columns_max) return table;
  // A line that a terminal wraps cannot be read.
  Columns scores = columns, spread = columns;
  scores.spread = spread.scores = false;
  return absl::StrCat(FittingTable(rows, scores, columns_max), "\n",
                      FittingTable(rows, spread, columns_max));
}

}  // namespace runner
