#include "runner/data/dataset.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runner/base/hashing.h"
#include "runner/base/json.h"
#include "runner/base/line_reader.h"
#include "runner/base/printable.h"
#include "runner/base/text.h"
#include "runner/data/index_file.h"
#include "runner/data/row_index.h"
#include "runner/data/unpacked_file.h"

namespace runner {
namespace {

using nlohmann::json;

// Counts up when rows are indexed by other rules: ids, canonical JSON.
constexpr int kIndexRules = 1;

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool HasByteOrderMark(const UnpackedFile& file) {
  char bytes[3];
  static_assert(sizeof(bytes) == kByteOrderMark.size());
  return file.size >= sizeof(bytes) &&
         ReadExactly(file.fd.get(), 0, bytes, sizeof(bytes)).ok() &&
         absl::string_view(bytes, sizeof(bytes)) == kByteOrderMark;
}

// An error of ParseJson, "column N: what", at its own line in a row of several.
absl::Status AtItsLine(const RawRow& row, absl::string_view message) {
  uint64_t column = 0;
  absl::string_view rest = message;
  if (row.text.find('\n') == absl::string_view::npos ||
      !absl::ConsumePrefix(&rest, "column ") ||
      !absl::SimpleAtoi(rest.substr(0, rest.find(':')), &column)) {
    return RowError(row.line, message);
  }
  const absl::string_view before =
      row.text.substr(0, std::max<uint64_t>(column, 1) - 1);
  const size_t line_begin = before.rfind('\n');
  if (line_begin == absl::string_view::npos) return RowError(row.line, message);
  return RowError(
      row.line + std::count(before.begin(), before.end(), '\n'),
      absl::StrCat("column ", before.size() - line_begin,
                   rest.substr(std::min(rest.find(':'), rest.size()))));
}

class FileDataset final : public Dataset {
 public:
  FileDataset(absl::string_view path, UnpackedFile file,
              const DatasetOptions& options)
      : path_(path),
        file_(std::move(file)),
        format_(NewRowFormat(
            options.format, path_, file_.fd.get(),
            HasByteOrderMark(file_) ? kByteOrderMark.size() : 0, file_.size)) {
    if (options.index_directory.empty() ||
        file_.size < options.indexed_bytes_min) {
      return;
    }
    index_path_ = IndexFilePath(options.index_directory, path_);
    key_.stamp = file_.stamp;
    key_.unpacked_bytes = file_.size;
    key_.options = Xxh3(absl::StrCat(static_cast<int>(options.format), " ",
                                     kIndexRules, " ", options.id_field));
  }

  // Errors: InvalidArgument "<line>: <what>".
  absl::Status Index(const std::string& id_field);
  // Whether an index was kept.
  bool FindIndex();

  size_t size() const override { return rows_.size(); }
  std::string id(size_t i) const override { return rows_.id(i); }
  uint32_t occurrence(size_t i) const override { return rows_.occurrence(i); }
  uint64_t content_hash(size_t i) const override {
    return rows_[i].content_hash;
  }
  absl::StatusOr<std::string> Row(size_t i) const override;
  std::string name() const override;
  std::string path() const override { return path_; }
  std::string fingerprint() const override { return rows_.fingerprint(); }
  uint64_t checked_rules() const override { return checked_rules_; }
  absl::Status KeepIndex(uint64_t rules) const override {
    if (index_path_.empty() || rules == checked_rules_) return absl::OkStatus();
    return WriteIndexFile(index_path_, key_, rows_, rules);
  }

 private:
  absl::Status AddRow(const RawRow& row, const std::string& id_field);

  const std::string path_;
  const UnpackedFile file_;
  const std::unique_ptr<RowFormat> format_;
  RowIndex rows_;
  std::string index_path_;  // Empty: none is kept.
  IndexKey key_;
  uint64_t checked_rules_ = 0;
};

bool FileDataset::FindIndex() {
  if (index_path_.empty()) return false;
  absl::StatusOr<StoredIndex> index = ReadIndexFile(index_path_, key_);
  if (!index.ok()) return false;
  // The header of a CSV file makes JSON of its rows.
  RawRow first;
  const absl::StatusOr<bool> any = format_->Next(first);
  if (!any.ok() || !*any || first.offset != index->rows[0].offset) return false;
  rows_ = std::move(index->rows);
  checked_rules_ = index->rules;
  return true;
}

absl::Status FileDataset::Index(const std::string& id_field) {
  RawRow row;
  for (;;) {
    const absl::StatusOr<bool> more = format_->Next(row);
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (absl::Status s = AddRow(row, id_field); !s.ok()) return s;
  }
  if (rows_.size() == 0) return absl::InvalidArgumentError(" has no rows");
  rows_.Finish();
  return absl::OkStatus();
}

absl::Status FileDataset::AddRow(const RawRow& raw,
                                 const std::string& id_field) {
  if (raw.text.size() > kLineBytesMax) {
    return RowError(
        raw.line, absl::StrCat("a row of more than ", kLineBytesMax, " bytes"));
  }
  const absl::StatusOr<json> row = ParseJson(format_->ToJson(raw.text));
  if (!row.ok()) return AtItsLine(raw, row.status().message());
  if (!row->is_object()) {
    return RowError(raw.line,
                    absl::StrCat("expected a JSON object on each line, found ",
                                 row->type_name()));
  }
  absl::Status s = rows_.Add(raw, *row, id_field);
  return s.ok() ? s : RowError(raw.line, s.message());
}

absl::StatusOr<std::string> FileDataset::Row(size_t i) const {
  const RowEntry row = rows_[i];
  std::string text(row.length, '\0');
  const absl::Status read =
      ReadExactly(file_.fd.get(), row.offset, &text[0], row.length);
  const std::string where = absl::StrCat(Printable(path_), ":", row.line, ": ");
  if (!read.ok() && read.code() != absl::StatusCode::kOutOfRange) {
    return absl::UnknownError(absl::StrCat(where, read.message()));
  }
  if (!read.ok() || Xxh3(text) != row.text_hash) {
    // What was kept of it before must not be found again.
    if (!index_path_.empty()) unlink(index_path_.c_str());
    return absl::FailedPreconditionError(absl::StrCat(
        where, "the file was changed while it is in use (row ",
        Quoted(rows_.id(i)), "); what is journaled is kept, start again"));
  }
  return format_->ToJson(text);
}

std::string FileDataset::name() const {
  absl::string_view name = path_;
  const size_t slash = name.rfind('/');
  if (slash != absl::string_view::npos) name.remove_prefix(slash + 1);
  absl::string_view stem = absl::StripSuffix(name, ".gz");
  for (const absl::string_view ending :
       {".jsonl", ".ndjson", ".json", ".csv"}) {
    if (absl::ConsumeSuffix(&stem, ending)) break;
  }
  return std::string(stem.empty() ? name : stem);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Dataset>> Dataset::Load(
    absl::string_view path, const DatasetOptions& options) {
  absl::StatusOr<UnpackedFile> file = OpenUnpacked(path);
  if (!file.ok()) return file.status();
  auto dataset = std::make_unique<FileDataset>(path, *std::move(file), options);
  if (dataset->FindIndex()) return std::unique_ptr<Dataset>(std::move(dataset));
  if (absl::Status s = dataset->Index(options.id_field); !s.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Printable(path), ":", s.message()));
  }
  return std::unique_ptr<Dataset>(std::move(dataset));
}

}  // namespace runner
