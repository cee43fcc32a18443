#include "runner/data/row_index.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "runner/base/hashing.h"
#include "runner/base/json.h"
#include "runner/base/text.h"

namespace runner {
namespace {

using nlohmann::json;

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

absl::Status RowIndex::Add(const RawRow& raw, const json& row,
                           const std::string& id_field) {
  absl::StatusOr<absl::optional<std::string>> id = IdOf(row, id_field);
  if (!id.ok()) return id.status();
  if (size_ == kRowsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("more than ", kRowsMax, " rows"));
  }
  const size_t i = size_ % RowBlock::kRows;
  if (i == 0) {
    if (!blocks_.empty()) blocks_.back().ids.shrink_to_fit();
    blocks_.emplace_back();
    blocks_.back().rows.line = raw.line;
  }
  Block& block = blocks_.back();
  RowBlock& rows = block.rows;
  rows.offset[i] = raw.offset;
  rows.length[i] = static_cast<uint32_t>(raw.text.size());
  rows.text_hash[i] = Xxh3(raw.text);
  rows.content_hash[i] = Xxh3(CanonicalJson(row));
  rows.line_behind[i] = static_cast<uint16_t>(std::min<uint64_t>(
      raw.line - rows.line, std::numeric_limits<uint16_t>::max()));
  rows.id_begin[i] = static_cast<uint16_t>(block.ids.size());
  if (id->has_value()) block.ids += **id;
  ++size_;
  return absl::OkStatus();
}

RowEntry RowIndex::operator[](size_t i) const {
  const RowBlock& rows = blocks_[i / RowBlock::kRows].rows;
  const size_t at = i % RowBlock::kRows;
  return {.offset = rows.offset[at],
          .content_hash = rows.content_hash[at],
          .text_hash = rows.text_hash[at],
          .length = rows.length[at],
          .line = rows.line + rows.line_behind[at]};
}

absl::string_view RowIndex::IdBytes(size_t i) const {
  const Block& block = blocks_[i / RowBlock::kRows];
  const size_t at = i % RowBlock::kRows;
  const bool last = at + 1 == RowBlock::kRows || i + 1 == size_;
  const size_t end = last ? block.ids.size() : block.rows.id_begin[at + 1];
  const size_t begin = block.rows.id_begin[at];
  return absl::string_view(block.ids).substr(begin, end - begin);
}

std::string RowIndex::id(size_t i) const {
  const absl::string_view bytes = IdBytes(i);
  return bytes.empty() ? Hex64((*this)[i].content_hash) : std::string(bytes);
}

int RowIndex::CompareIds(size_t a, size_t b) const {
  const absl::string_view id_a = IdBytes(a);
  const absl::string_view id_b = IdBytes(b);
  if (id_a.empty() || id_b.empty()) return id(a).compare(id(b));
  return id_a.compare(id_b);
}

// Walks the rows sorted by (id, content hash): counts rows of equal id, and
// hashes what the walk sees, so that neither depends on the file's order.
void RowIndex::Finish() {
  std::vector<uint32_t> order(size_);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) {
    const int ids = CompareIds(a, b);
    if (ids != 0) return ids < 0;
    const uint64_t hash_a = (*this)[a].content_hash;
    const uint64_t hash_b = (*this)[b].content_hash;
    if (hash_a != hash_b) return hash_a < hash_b;
    return a < b;  // Wholly equal rows: file order, which nothing can show.
  });
  Sha256 fingerprint;
  std::string previous;
  uint32_t occurrence = 0;
  for (const uint32_t i : order) {
    std::string id = this->id(i);
    occurrence = id == previous ? occurrence + 1 : 0;
    if (occurrence > 0) {
      occurrences_.resize(size_);
      occurrences_[i] = occurrence;
    }
    // A length before the id: no two lists of rows give the same bytes.
    fingerprint.Update(absl::StrCat(id.size(), ":", id, " ", occurrence, " ",
                                    Hex64((*this)[i].content_hash), "\n"));
    previous = std::move(id);
  }
  fingerprint_ = fingerprint.HexDigest();
}

absl::Status RowIndex::Restore(std::deque<Block> blocks, size_t size,
                               std::vector<uint32_t> occurrences,
                               std::string fingerprint) {
  const absl::Status wrong = absl::InvalidArgumentError("not an index of rows");
  const size_t blocks_needed = (size + RowBlock::kRows - 1) / RowBlock::kRows;
  if (size == 0 || size > kRowsMax || blocks.size() != blocks_needed ||
      (!occurrences.empty() && occurrences.size() != size)) {
    return wrong;
  }
  size_t left = size;
  for (const Block& block : blocks) {
    const size_t rows = std::min(left, RowBlock::kRows);
    size_t begin = 0;
    for (size_t i = 0; i < rows; ++i) {
      if (block.rows.id_begin[i] < begin) return wrong;
      begin = block.rows.id_begin[i];
    }
    if (begin > block.ids.size()) return wrong;
    left -= rows;
  }
  blocks_ = std::move(blocks);
  size_ = size;
  occurrences_ = std::move(occurrences);
  fingerprint_ = std::move(fingerprint);
  return absl::OkStatus();
}

}  // namespace runner
