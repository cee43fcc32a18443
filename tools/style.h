// How values look: for people on a terminal, or plain and stable in a pipe.
#ifndef TOOLS_STYLE_H_
#define TOOLS_STYLE_H_

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace inspector {

enum class Colour { kNone, kGreen, kYellow, kRed, kDim, kBold };

struct Style {
  bool terminal = false;  // Aligned columns, local time, 1,234.
  bool colour = false;
  bool moves = false;   // The terminal can move its cursor.
  size_t columns = 80;  // Of the terminal.
  absl::TimeZone zone = absl::UTCTimeZone();

  std::string Paint(absl::string_view text, Colour colour) const;
  std::string Count(uint64_t count) const;
  // "1.0 MiB"; plain bytes in a pipe.
  std::string Bytes(uint64_t bytes) const;
  // Local time for people, RFC 3339 in UTC in a pipe; "-" when absent.
  std::string Time(absl::optional<absl::Time> time) const;
};

// RFC 3339 in UTC, to the millisecond.
std::string Rfc3339(absl::Time time);

// "$1.23"; four decimals below a dollar.
std::string Dollars(double cost);

// "1h02m03s", "12.345s".
std::string Elapsed(absl::Duration duration);

// 100 * part / whole; 0 of nothing.
double Percent(uint64_t part, uint64_t whole);

// `text` as one word for a shell, safe on a terminal: quoted where needed, with
// control characters as $'\n'.
std::string ShellWord(absl::string_view text);

// A table: aligned under its heading on a terminal; in a pipe a line of
// headings, then a line a row, cells separated by a tab.
class Table {
 public:
  struct Column {
    std::string heading;
    bool right = false;
  };
  struct Cell {
    std::string text;  // Printable.
    Colour colour = Colour::kNone;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void AddRow(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
  void Print(const Style& style, std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace inspector

#endif  // TOOLS_STYLE_H_
