#include "absl/strings/str_cat.h"
#include "runner/base/json.h"
#include "runner/data/row_format.h"
#include "runner/data/text_scanner.h"

namespace runner {
namespace {

// Finds where the array's objects begin and end, by their brackets and strings
// alone; whether they are JSON shows when they are parsed.
class JsonArrayRows final : public RowFormat {
 public:
  JsonArrayRows(int fd, uint64_t begin, uint64_t file_size)
      : scanner_(fd, begin, file_size) {}

  absl::StatusOr<bool> Next(RawRow& row) override;
  std::string ToJson(absl::string_view text) const override {
    return std::string(text);
  }

 private:
  absl::StatusOr<bool> BeginElement();
  absl::Status SkipObject();
  absl::Status CheckEnd();
  // The scanner's own error, if it has one, is the reason of all others.
  absl::Status Error(uint64_t line, absl::string_view what) const {
    return RowError(
        line, scanner_.status().ok() ? what : scanner_.status().message());
  }

  TextScanner scanner_;
  bool begun_ = false;
  bool first_ = true;
};

absl::StatusOr<bool> JsonArrayRows::Next(RawRow& row) {
  absl::StatusOr<bool> more = BeginElement();
  if (!more.ok() || !*more) return more;
  scanner_.BeginRow();
  if (absl::Status s = SkipObject(); !s.ok()) return s;
  row = {scanner_.row(), scanner_.row_offset(), scanner_.row_line()};
  scanner_.EndRow();
  return true;
}

// Up to the next object; false at the array's end.
absl::StatusOr<bool> JsonArrayRows::BeginElement() {
  scanner_.SkipWhitespace();
  if (!begun_) {
    if (scanner_.Peek() != '[') {
      return Error(scanner_.line(), "expected '[', which begins an array");
    }
    scanner_.Skip();
    begun_ = true;
    scanner_.SkipWhitespace();
  }
  int c = scanner_.Peek();
  if (c == ']') {
    scanner_.Skip();
    if (absl::Status s = CheckEnd(); !s.ok()) return s;
    return false;
  }
  if (!first_) {
    if (c != ',') {
      return Error(scanner_.line(), c == TextScanner::kEnd
                                        ? "the file ends inside the array"
                                        : "expected ',' or ']' behind a row");
    }
    scanner_.Skip();
    scanner_.SkipWhitespace();
    c = scanner_.Peek();
  }
  first_ = false;
  if (c == '{') return true;
  return Error(scanner_.line(), c == TextScanner::kEnd
                                    ? "the file ends inside the array"
                                    : "expected a JSON object in the array");
}

absl::Status JsonArrayRows::SkipObject() {
  int depth = 0;
  bool in_string = false;
  for (;;) {
    const int c = scanner_.Peek();
    if (c == TextScanner::kEnd) {
      return Error(scanner_.row_line(),
                   "the file ends inside the object that begins here");
    }
    scanner_.Skip();
    if (in_string) {
      if (c == '\\' && scanner_.Peek() != TextScanner::kEnd) scanner_.Skip();
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kJsonDepthMax) {
        return Error(scanner_.line(),
                     absl::StrCat("nested deeper than ", kJsonDepthMax));
      }
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return absl::OkStatus();
    }
  }
}

absl::Status JsonArrayRows::CheckEnd() {
  scanner_.SkipWhitespace();
  if (scanner_.Peek() != TextScanner::kEnd) {
    return Error(scanner_.line(), "more behind the array's end");
  }
  if (!scanner_.status().ok()) return Error(scanner_.line(), "");
  return absl::OkStatus();
}

}  // namespace

std::unique_ptr<RowFormat> NewJsonArrayRows(int fd, uint64_t begin,
                                            uint64_t file_size) {
  return std::make_unique<JsonArrayRows>(fd, begin, file_size);
}

}  // namespace runner
