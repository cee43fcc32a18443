#include "tools/style.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runner/base/printable.h"
#include "runner/base/text.h"

namespace inspector {
namespace {

constexpr absl::string_view kColumnGap = "  ";

absl::string_view ColourCode(Colour colour) {
  switch (colour) {
    case Colour::kNone:
      return "";
    case Colour::kGreen:
      return "\x1b[32m";
    case Colour::kYellow:
      return "\x1b[33m";
    case Colour::kRed:
      return "\x1b[31m";
    case Colour::kDim:
      return "\x1b[2m";
    case Colour::kBold:
      return "\x1b[1m";
  }
  return "";
}

std::string Pad(absl::string_view text, size_t width, bool right) {
  const size_t used = runner::DisplayWidth(text);
  const std::string blanks(width > used ? width - used : 0, ' ');
  return right ? absl::StrCat(blanks, text) : absl::StrCat(text, blanks);
}

}  // namespace

std::string Style::Paint(absl::string_view text, Colour paint) const {
  if (!colour || paint == Colour::kNone) return std::string(text);
  return absl::StrCat(ColourCode(paint), text, "\x1b[0m");
}

std::string Style::Count(uint64_t count) const {
  std::string digits = absl::StrCat(count);
  if (!terminal) return digits;
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string Style::Bytes(uint64_t bytes) const {
  if (!terminal) return absl::StrCat(bytes);
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double value = static_cast<double>(bytes);
  const char* unit = "B";
  for (const char* larger : kUnits) {
    if (value < 1024) break;
    value /= 1024;
    unit = larger;
  }
  return absl::StrFormat("%.1f %s", value, unit);
}

std::string Style::Time(absl::optional<absl::Time> time) const {
  if (!time.has_value()) return "-";
  return terminal ? absl::FormatTime("%Y-%m-%d %H:%M:%E3S", *time, zone)
                  : Rfc3339(*time);
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

std::string Dollars(double cost) {
  // Each format a constant of its own, as clang wants it.
  return std::abs(cost) < 1 && cost != 0 ? absl::StrFormat("$%.4f", cost)
                                         : absl::StrFormat("$%.2f", cost);
}

std::string Elapsed(absl::Duration duration) {
  if (duration < absl::Minutes(1)) {
    return absl::StrFormat("%.3fs", absl::ToDoubleSeconds(duration));
  }
  const int64_t seconds = absl::ToInt64Seconds(duration);
  if (seconds < 3600) {
    return absl::StrFormat("%dm%02ds", seconds / 60, seconds % 60);
  }
  return absl::StrFormat("%dh%02dm%02ds", seconds / 3600, seconds / 60 % 60,
                         seconds % 60);
}

double Percent(uint64_t part, uint64_t whole) {
  if (whole == 0) return 0;
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string ShellWord(absl::string_view text) {
  constexpr absl::string_view kPlain = "_-./:@%+=,";
  const auto plain = [&](char c) {
    return absl::ascii_isalnum(c) || kPlain.find(c) != absl::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) {
    return std::string(text);
  }
  // What a terminal shows as it is may stand in quotes as it is.
  if (runner::Printable(text) == text) {
    std::string word = "'";
    for (const char c : text) {
      absl::StrAppend(&word, c == '\'' ? "'\\''" : std::string(1, c));
    }
    return word + "'";
  }
  return absl::StrCat("$'", absl::CHexEscape(text), "'");
}

void Table::Print(const Style& style, std::ostream& out) const {
  if (!style.terminal) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      out << (i > 0 ? "\t" : "") << columns_[i].heading;
    }
    out << "\n";
    for (const std::vector<Cell>& row : rows_) {
      for (size_t i = 0; i < row.size(); ++i) {
        out << (i > 0 ? "\t" : "") << row[i].text;
      }
      out << "\n";
    }
    return;
  }
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = columns_[i].heading.size();
    for (const std::vector<Cell>& row : rows_) {
      width = std::max(width, runner::DisplayWidth(row[i].text));
    }
    widths.push_back(width);
  }
  const auto print_row = [&](auto text_of, auto colour_of) {
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const bool last = i + 1 == columns_.size() && !columns_[i].right;
      const std::string cell =
          last ? text_of(i) : Pad(text_of(i), widths[i], columns_[i].right);
      absl::StrAppend(&line, i > 0 ? kColumnGap : "",
                      style.Paint(cell, colour_of(i)));
    }
    out << line << "\n";
  };
  print_row([&](size_t i) { return columns_[i].heading; },
            [](size_t) { return Colour::kBold; });
  for (const std::vector<Cell>& row : rows_) {
    print_row([&](size_t i) { return row[i].text; },
              [&](size_t i) { return row[i].colour; });
  }
}

}  // namespace inspector
