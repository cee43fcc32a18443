#include "runner/data/row_format.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runner/base/line_reader.h"
#include "runner/data/text_scanner.h"

namespace runner {
namespace {

class JsonLines final : public RowFormat {
 public:
  JsonLines(int fd, uint64_t begin, uint64_t file_size)
      : begin_(begin), reader_(fd, file_size) {}

  absl::StatusOr<bool> Next(RawRow& row) override;
  std::string ToJson(absl::string_view text) const override {
    return std::string(text);
  }

 private:
  const uint64_t begin_;
  LineReader reader_;
  LineReader::Line line_;  // The last one that was read.
};

absl::StatusOr<bool> JsonLines::Next(RawRow& row) {
  for (;;) {
    const absl::StatusOr<bool> more = reader_.Next(line_);
    if (!more.ok()) return RowError(line_.number + 1, more.status().message());
    if (!*more) return false;
    LineReader::Line& line = line_;
    if (line.offset < begin_) {
      line.text.remove_prefix(begin_ - line.offset);
      line.offset = begin_;
    }
    row.text = absl::StripAsciiWhitespace(line.text);
    if (row.text.empty()) continue;
    row.offset =
        line.offset + static_cast<size_t>(row.text.data() - line.text.data());
    row.line = line.number;
    return true;
  }
}

bool BeginsWithBracket(int fd, uint64_t begin, uint64_t file_size) {
  TextScanner scanner(fd, begin, file_size);
  scanner.SkipWhitespace();
  return scanner.Peek() == '[';
}

}  // namespace

absl::Status RowError(uint64_t line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(line, ": ", what));
}

std::unique_ptr<RowFormat> NewRowFormat(DatasetFormat format,
                                        absl::string_view file_name, int fd,
                                        uint64_t begin, uint64_t file_size) {
  if (format == DatasetFormat::kByName) {
    if (absl::EndsWithIgnoreCase(file_name, ".csv") ||
        absl::EndsWithIgnoreCase(file_name, ".csv.gz")) {
      format = DatasetFormat::kCsv;
    } else if (BeginsWithBracket(fd, begin, file_size)) {
      format = DatasetFormat::kJsonArray;
    }
  }
  switch (format) {
    case DatasetFormat::kCsv:
      return NewCsvRows(fd, begin, file_size);
    case DatasetFormat::kJsonArray:
      return NewJsonArrayRows(fd, begin, file_size);
    default:
      return std::make_unique<JsonLines>(fd, begin, file_size);
  }
}

}  // namespace runner
