#include "runner/storage/record_buffer.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "journal/error.h"
#include "runner/storage/record_codec.h"

namespace runner {
namespace {

constexpr uintptr_t kAlignment = 8;

bool IsAligned(absl::string_view bytes) {
  return reinterpret_cast<uintptr_t>(bytes.data()) % kAlignment == 0;
}

}  // namespace

AlignedBytes::AlignedBytes(absl::string_view bytes)
    : data_(reinterpret_cast<const uint8_t*>(bytes.data())),
      size_(bytes.size()) {
  if (IsAligned(bytes) || bytes.empty()) return;
  copy_.resize((bytes.size() + kAlignment - 1) / kAlignment);
  std::memcpy(copy_.data(), bytes.data(), bytes.size());
  data_ = reinterpret_cast<const uint8_t*>(copy_.data());
}

absl::Status PoisonError(absl::string_view type_name, size_t bytes,
                         absl::string_view what) {
  return journal::MakeError(journal::ErrorKind::kDamage,
                            absl::StrCat("poison record: ", type_name, " of ",
                                         bytes, " bytes ", what));
}

uint32_t RecordTablesMax(size_t bytes) {
  constexpr size_t kTableBytesMin = 2 * sizeof(flatbuffers::uoffset_t);
  return static_cast<uint32_t>(
      std::min<size_t>(kRecordTablesMax, bytes / kTableBytesMin));
}

std::string TextBudget::Take(const flatbuffers::String* text) {
  if (text == nullptr) return "";
  if (exceeded_ || text->size() > left_) {
    exceeded_ = true;
    return "";
  }
  left_ -= text->size();
  return std::string(text->c_str(), text->size());
}

}  // namespace runner
