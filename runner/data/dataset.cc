#include "runner/data/dataset.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "runner/base/hashing.h"
#include "runner/base/json.h"
#include "runner/base/line_reader.h"
#include "runner/base/printable.h"
#include "runner/base/text.h"

namespace runner {
namespace {

using nlohmann::json;

constexpr size_t kIdBytesMax = 1024;
constexpr size_t kRowsMax = std::numeric_limits<uint32_t>::max();
constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr absl::string_view kDefaultIdFields[] = {"id", "question_id",
                                                  "task_id"};

// What is kept of a row: 48 bytes and the id.
struct RowEntry {
  uint64_t offset = 0;
  uint64_t content_hash = 0;
  uint64_t text_hash = 0;  // XXH3-64 of the bytes as they stand in the file.
  uint32_t length = 0;
  uint32_t line = 0;  // Saturates: for messages only.
  uint32_t occurrence = 0;
  uint32_t id_length = 0;  // 0: the id is the content hash in hex.
  const char* id = nullptr;
};

// Holds ids in blocks that never move, so that growing copies nothing.
class IdStore {
 public:
  const char* Add(absl::string_view id) {
    if (blocks_.empty() || blocks_.back().size() + id.size() > kBlockBytes) {
      blocks_.emplace_back();
      blocks_.back().reserve(kBlockBytes);
    }
    std::string& block = blocks_.back();
    const size_t at = block.size();
    block.append(id.data(), id.size());
    return block.data() + at;
  }

 private:
  static constexpr size_t kBlockBytes = 64 << 10;
  static_assert(kIdBytesMax <= kBlockBytes);
  std::deque<std::string> blocks_;
};

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// The id that `row` gives itself; nullopt when it has none of the default
// fields and is known by its content.
absl::StatusOr<absl::optional<std::string>> IdOf(const json& row,
                                                 const std::string& id_field) {
  const json* value = nullptr;
  absl::string_view field = id_field;
  if (!id_field.empty()) {
    value = FindPath(row, id_field);
    if (value == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "no field ", Quoted(field), ", which --id-field asks for"));
    }
  }
  for (size_t i = 0;
       id_field.empty() && value == nullptr && i < std::size(kDefaultIdFields);
       ++i) {
    field = kDefaultIdFields[i];
    value = FindPath(row, field);
  }
  if (value == nullptr) return absl::optional<std::string>();
  const std::string name = absl::StrCat("field ", Quoted(field));
  if (!value->is_string() && !value->is_number()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ", the id, is neither a string nor a number"));
  }
  std::string id = RenderText(*value);
  if (id.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ", the id, is empty"));
  }
  if (id.size() > kIdBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ", the id, has ", id.size(), " bytes; at most ",
                     kIdBytesMax, " are allowed"));
  }
  return absl::optional<std::string>(std::move(id));
}

class JsonlDataset : public Dataset {
 public:
  JsonlDataset(absl::string_view path, FileDescriptor fd)
      : path_(path), fd_(std::move(fd)) {}

  absl::Status Index(uint64_t file_size, const std::string& id_field);

  size_t size() const override { return rows_.size(); }
  std::string id(size_t i) const override { return IdText(rows_[i]); }
  uint32_t occurrence(size_t i) const override { return rows_[i].occurrence; }
  uint64_t content_hash(size_t i) const override {
    return rows_[i].content_hash;
  }
  absl::StatusOr<std::string> Row(size_t i) const override;
  std::string name() const override;
  std::string path() const override { return path_; }
  std::string fingerprint() const override { return fingerprint_; }

 private:
  absl::Status AddLine(const LineReader::Line& line,
                       const std::string& id_field);
  void NumberOccurrences();
  static std::string IdText(const RowEntry& row);
  static int CompareIds(const RowEntry& a, const RowEntry& b);

  const std::string path_;
  const FileDescriptor fd_;
  // A deque: a vector would hold all rows twice while it grows.
  std::deque<RowEntry> rows_;
  IdStore ids_;
  std::string fingerprint_;
};

std::string JsonlDataset::IdText(const RowEntry& row) {
  if (row.id_length == 0) return Hex64(row.content_hash);
  return std::string(row.id, row.id_length);
}

int JsonlDataset::CompareIds(const RowEntry& a, const RowEntry& b) {
  if (a.id_length == 0 || b.id_length == 0) return IdText(a).compare(IdText(b));
  return absl::string_view(a.id, a.id_length)
      .compare(absl::string_view(b.id, b.id_length));
}

absl::Status JsonlDataset::Index(uint64_t file_size,
                                 const std::string& id_field) {
  LineReader reader(fd_.get(), file_size);
  LineReader::Line line;
  for (;;) {
    const absl::StatusOr<bool> more = reader.Next(line);
    if (!more.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(Printable(path_), ":",
                                                     line.number + 1, ": ",
                                                     more.status().message()));
    }
    if (!*more) break;
    if (line.number == 1 && absl::StartsWith(line.text, kByteOrderMark)) {
      line.text.remove_prefix(kByteOrderMark.size());
      line.offset += kByteOrderMark.size();
    }
    if (absl::Status status = AddLine(line, id_field); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          Printable(path_), ":", line.number, ": ", status.message()));
    }
  }
  if (rows_.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Printable(path_), ": has no rows"));
  }
  NumberOccurrences();
  return absl::OkStatus();
}

absl::Status JsonlDataset::AddLine(const LineReader::Line& line,
                                   const std::string& id_field) {
  const absl::string_view text = absl::StripAsciiWhitespace(line.text);
  if (text.empty()) return absl::OkStatus();
  if (absl::StartsWith(text, "\x1f\x8b")) {
    return absl::InvalidArgumentError(
        "gzip-compressed; decompress the file first");
  }
  const absl::StatusOr<json> row = ParseJson(text);
  if (!row.ok()) return row.status();
  if (!row->is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected a JSON object on each line, found ", row->type_name()));
  }
  absl::StatusOr<absl::optional<std::string>> id = IdOf(*row, id_field);
  if (!id.ok()) return id.status();
  if (rows_.size() == kRowsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("more than ", kRowsMax, " rows"));
  }
  RowEntry entry;
  entry.offset =
      line.offset + static_cast<size_t>(text.data() - line.text.data());
  entry.length = static_cast<uint32_t>(text.size());
  entry.text_hash = Xxh3(text);
  entry.content_hash = Xxh3(CanonicalJson(*row));
  entry.line = static_cast<uint32_t>(
      std::min<uint64_t>(line.number, std::numeric_limits<uint32_t>::max()));
  if (id->has_value()) {
    entry.id = ids_.Add(**id);
    entry.id_length = static_cast<uint32_t>((*id)->size());
  }
  rows_.push_back(entry);
  return absl::OkStatus();
}

// Walks the rows sorted by (id, content hash): counts rows of equal id, and
// hashes what the walk sees, so that neither depends on the file's order.
void JsonlDataset::NumberOccurrences() {
  std::vector<uint32_t> order(rows_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) {
    const int ids = CompareIds(rows_[a], rows_[b]);
    if (ids != 0) return ids < 0;
    if (rows_[a].content_hash != rows_[b].content_hash) {
      return rows_[a].content_hash < rows_[b].content_hash;
    }
    return a < b;  // Wholly equal rows: file order, which nothing can show.
  });
  Sha256 fingerprint;
  std::string previous;
  uint32_t occurrence = 0;
  for (const uint32_t i : order) {
    RowEntry& row = rows_[i];
    std::string id = IdText(row);
    occurrence = id == previous ? occurrence + 1 : 0;
    row.occurrence = occurrence;
    // A length before the id: no two lists of rows give the same bytes.
    fingerprint.Update(absl::StrCat(id.size(), ":", id, " ", occurrence, " ",
                                    Hex64(row.content_hash), "\n"));
    previous = std::move(id);
  }
  fingerprint_ = fingerprint.HexDigest();
}

absl::StatusOr<std::string> JsonlDataset::Row(size_t i) const {
  const RowEntry& row = rows_[i];
  std::string text(row.length, '\0');
  const absl::Status read =
      ReadExactly(fd_.get(), row.offset, &text[0], row.length);
  const std::string where = absl::StrCat(Printable(path_), ":", row.line, ": ");
  if (!read.ok() && read.code() != absl::StatusCode::kOutOfRange) {
    return absl::UnknownError(absl::StrCat(where, read.message()));
  }
  if (!read.ok() || Xxh3(text) != row.text_hash) {
    return absl::FailedPreconditionError(absl::StrCat(
        where, "the file was changed while it is in use (row ",
        Quoted(IdText(row)), "); what is journaled is kept, start again"));
  }
  return text;
}

std::string JsonlDataset::name() const {
  absl::string_view name = path_;
  const size_t slash = name.rfind('/');
  if (slash != absl::string_view::npos) name.remove_prefix(slash + 1);
  absl::string_view stem = absl::StripSuffix(name, ".gz");
  for (const absl::string_view ending : {".jsonl", ".ndjson", ".json"}) {
    if (absl::ConsumeSuffix(&stem, ending)) break;
  }
  return std::string(stem.empty() ? name : stem);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Dataset>> Dataset::Load(
    absl::string_view path, const DatasetOptions& options) {
  const std::string name(path);
  const std::string where = absl::StrCat(Printable(path), ": ");
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  FileDescriptor fd(open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) {
    const std::string message = absl::StrCat(where, std::strerror(errno));
    if (errno == ENOENT) return absl::NotFoundError(message);
    return absl::InvalidArgumentError(message);
  }
  struct stat info;
  if (fstat(fd.get(), &info) != 0) {
    return absl::UnknownError(absl::StrCat(where, std::strerror(errno)));
  }
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(
        where,
        "not a regular file; rows are read again as they are wanted, "
        "so write the data to a file first"));
  }
  auto dataset = std::make_unique<JsonlDataset>(path, std::move(fd));
  const absl::Status indexed =
      dataset->Index(static_cast<uint64_t>(info.st_size), options.id_field);
  if (!indexed.ok()) return indexed;
  return std::unique_ptr<Dataset>(std::move(dataset));
}

}  // namespace runner
