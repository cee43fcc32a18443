#include "runner/data/row_index.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "runner/base/hashing.h"
#include "runner/base/json.h"
#include "runner/base/text.h"

namespace runner {
namespace {

using nlohmann::json;

constexpr size_t kIdBytesMax = 1024;
constexpr size_t kIdBlockBytes = 64 << 10;
static_assert(kIdBytesMax <= kIdBlockBytes);
constexpr size_t kRowsMax = std::numeric_limits<uint32_t>::max();
constexpr absl::string_view kDefaultIdFields[] = {"id", "question_id",
                                                  "task_id"};

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

}  // namespace

const char* RowIndex::IdStore::Add(absl::string_view id) {
  if (blocks_.empty() || blocks_.back().size() + id.size() > kIdBlockBytes) {
    blocks_.emplace_back();
    blocks_.back().reserve(kIdBlockBytes);
  }
  std::string& block = blocks_.back();
  const size_t at = block.size();
  block.append(id.data(), id.size());
  return block.data() + at;
}

std::string RowIndex::IdText(const RowEntry& row) {
  if (row.id_length == 0) return Hex64(row.content_hash);
  return std::string(row.id, row.id_length);
}

int RowIndex::CompareIds(const RowEntry& a, const RowEntry& b) {
  if (a.id_length == 0 || b.id_length == 0) return IdText(a).compare(IdText(b));
  return absl::string_view(a.id, a.id_length)
      .compare(absl::string_view(b.id, b.id_length));
}

absl::Status RowIndex::Add(const RawRow& raw, const json& row,
                           const std::string& id_field) {
  absl::StatusOr<absl::optional<std::string>> id = IdOf(row, id_field);
  if (!id.ok()) return id.status();
  if (rows_.size() == kRowsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("more than ", kRowsMax, " rows"));
  }
  RowEntry entry;
  entry.offset = raw.offset;
  entry.length = static_cast<uint32_t>(raw.text.size());
  entry.text_hash = Xxh3(raw.text);
  entry.content_hash = Xxh3(CanonicalJson(row));
  entry.line = static_cast<uint32_t>(
      std::min<uint64_t>(raw.line, std::numeric_limits<uint32_t>::max()));
  if (id->has_value()) {
    entry.id = ids_.Add(**id);
    entry.id_length = static_cast<uint32_t>((*id)->size());
  }
  rows_.push_back(entry);
  return absl::OkStatus();
}

// Walks the rows sorted by (id, content hash): counts rows of equal id, and
// hashes what the walk sees, so that neither depends on the file's order.
void RowIndex::Finish() {
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

}  // namespace runner
