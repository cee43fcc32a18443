#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "runner/base/json.h"
#include "runner/base/text.h"
#include "runner/data/row_format.h"
#include "runner/data/text_scanner.h"

namespace runner {
namespace {

constexpr size_t kColumnsMax = 4096;
constexpr size_t kColumnNameBytesMax = 1024;

// RFC 4180 byte by byte. A line ends in LF or CR LF; the last one may lack it.
class CsvMachine {
 public:
  enum class Event {
    kNothing,
    kText,   // The byte belongs to the field.
    kField,  // A field has ended.
    kRow,    // A field has ended, and the row with it.
    kError,
  };

  Event Step(int c) {
    switch (state_) {
      case State::kStart:
        if (c == '"') return To(State::kQuoted, Event::kNothing);
        return Unquoted(c);
      case State::kUnquoted:
        if (c == '"') {
          return Fail(
              "a quote inside a field that does not begin with one; quote the "
              "field and double the quote");
        }
        return Unquoted(c);
      case State::kQuoted:
        if (c == '"') return To(State::kQuote, Event::kNothing);
        if (c == TextScanner::kEnd) return Fail("a quoted field has no end");
        return Event::kText;
      case State::kQuote:
        if (c == '"') return To(State::kQuoted, Event::kText);
        if (c == ',' || c == '\n' || c == '\r' || c == TextScanner::kEnd) {
          return Unquoted(c);
        }
        return Fail(
            "text behind a closing quote; a quote inside a field is "
            "doubled");
      case State::kReturn:
        if (c == '\n' || c == TextScanner::kEnd) {
          return To(State::kStart, Event::kRow);
        }
        return Fail("a carriage return outside quotes that ends no line");
    }
    return Event::kError;
  }
  absl::string_view error() const { return error_; }

 private:
  enum class State { kStart, kUnquoted, kQuoted, kQuote, kReturn };

  Event To(State state, Event event) {
    state_ = state;
    return event;
  }
  Event Fail(absl::string_view error) {
    error_ = error;
    return Event::kError;
  }
  Event Unquoted(int c) {
    if (c == ',') return To(State::kStart, Event::kField);
    if (c == '\n' || c == TextScanner::kEnd) {
      return To(State::kStart, Event::kRow);
    }
    if (c == '\r') return To(State::kReturn, Event::kNothing);
    return To(State::kUnquoted, Event::kText);
  }

  State state_ = State::kStart;
  absl::string_view error_;
};

// The fields of one row's text, without its line's end. The text was scanned.
std::vector<std::string> SplitFields(absl::string_view text) {
  std::vector<std::string> fields(1);
  CsvMachine machine;
  for (const char c : text) {
    const CsvMachine::Event event = machine.Step(static_cast<unsigned char>(c));
    if (event == CsvMachine::Event::kText) fields.back() += c;
    if (event == CsvMachine::Event::kField) fields.emplace_back();
  }
  return fields;
}

// Offset of the first byte that is not part of valid UTF-8; npos: none.
size_t FirstInvalid(absl::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = static_cast<unsigned char>(text[at]) < 0x80
                              ? 1
                              : Utf8SequenceLength(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return absl::string_view::npos;
}

class CsvRows final : public RowFormat {
 public:
  CsvRows(int fd, uint64_t begin, uint64_t file_size)
      : scanner_(fd, begin, file_size) {}

  absl::StatusOr<bool> Next(RawRow& row) override;
  std::string ToJson(absl::string_view text) const override;

 private:
  // The next row that is not blank, as it stands in the file.
  absl::StatusOr<bool> NextText(RawRow& row);
  absl::Status SkipRow();
  absl::Status TakeHeader();
  absl::Status CheckText(const RawRow& row) const;

  TextScanner scanner_;
  size_t fields_ = 0;               // Of the row just scanned.
  std::vector<std::string> names_;  // As JSON strings, with the colon.
};

absl::StatusOr<bool> CsvRows::Next(RawRow& row) {
  if (names_.empty()) {
    if (absl::Status s = TakeHeader(); !s.ok()) return s;
    if (names_.empty()) return false;
  }
  absl::StatusOr<bool> more = NextText(row);
  if (!more.ok() || !*more) return more;
  if (fields_ == names_.size()) return true;
  return RowError(row.line, absl::StrCat("has ", fields_,
                                         fields_ == 1 ? " field" : " fields",
                                         ", the header ", names_.size()));
}

absl::StatusOr<bool> CsvRows::NextText(RawRow& row) {
  for (;;) {
    if (scanner_.Peek() == TextScanner::kEnd) {
      if (scanner_.status().ok()) return false;
      return RowError(scanner_.line(), scanner_.status().message());
    }
    scanner_.BeginRow();
    if (absl::Status s = SkipRow(); !s.ok()) return s;
    row = {scanner_.row(), scanner_.row_offset(), scanner_.row_line()};
    scanner_.EndRow();
    // Up to its line's end, which is no part of it.
    for (const char end : {'\n', '\r'}) {
      if (!row.text.empty() && row.text.back() == end)
        row.text.remove_suffix(1);
    }
    if (row.text.empty()) continue;
    if (absl::Status s = CheckText(row); !s.ok()) return s;
    return true;
  }
}

absl::Status CsvRows::SkipRow() {
  CsvMachine machine;
  fields_ = 1;
  for (;;) {
    const int c = scanner_.Peek();
    const bool broken = c == TextScanner::kEnd && !scanner_.status().ok();
    const CsvMachine::Event event = machine.Step(c);
    if (broken || event == CsvMachine::Event::kError) {
      const bool at_end = c == TextScanner::kEnd;
      return RowError(at_end ? scanner_.row_line() : scanner_.line(),
                      broken ? scanner_.status().message() : machine.error());
    }
    if (c != TextScanner::kEnd) scanner_.Skip();
    if (event == CsvMachine::Event::kRow) return absl::OkStatus();
    if (event == CsvMachine::Event::kField) ++fields_;
  }
}

absl::Status CsvRows::CheckText(const RawRow& row) const {
  const size_t wrong = FirstInvalid(row.text);
  if (wrong == absl::string_view::npos) return absl::OkStatus();
  const absl::string_view before = row.text.substr(0, wrong);
  return RowError(row.line + std::count(before.begin(), before.end(), '\n'),
                  "a byte that is not UTF-8");
}

absl::Status CsvRows::TakeHeader() {
  RawRow header;
  absl::StatusOr<bool> found = NextText(header);
  if (!found.ok() || !*found) return found.status();
  if (fields_ > kColumnsMax) {
    return RowError(header.line, absl::StrCat(fields_, " columns; at most ",
                                              kColumnsMax, " are allowed"));
  }
  absl::flat_hash_set<std::string> seen;
  for (const std::string& name : SplitFields(header.text)) {
    if (name.size() > kColumnNameBytesMax) {
      return RowError(header.line, absl::StrCat("the column name ",
                                                Quoted(name), " has more than ",
                                                kColumnNameBytesMax, " bytes"));
    }
    if (!seen.insert(name).second) {
      return RowError(header.line,
                      absl::StrCat("two columns are named ", Quoted(name)));
    }
    names_.push_back(absl::StrCat(JsonString(name), ":"));
  }
  return absl::OkStatus();
}

std::string CsvRows::ToJson(absl::string_view text) const {
  const std::vector<std::string> fields = SplitFields(text);
  std::string json = "{";
  for (size_t i = 0; i < std::min(fields.size(), names_.size()); ++i) {
    if (i > 0) json += ',';
    json += names_[i];
    AppendJsonString(fields[i], json);
  }
  json += '}';
  return json;
}

}  // namespace

std::unique_ptr<RowFormat> NewCsvRows(int fd, uint64_t begin,
                                      uint64_t file_size) {
  return std::make_unique<CsvRows>(fd, begin, file_size);
}

}  // namespace runner
