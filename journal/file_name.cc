#include "journal/file_name.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace journal {
namespace {

constexpr int kIdDigits = 10;

}  // namespace

std::string NumberedFileName(uint64_t id, absl::string_view suffix) {
  return absl::StrFormat("%0*d%s", kIdDigits, id, suffix);
}

absl::optional<uint64_t> ParseNumberedFileName(absl::string_view name,
                                               absl::string_view suffix) {
  absl::string_view digits = name;
  uint64_t id = 0;
  if (!absl::ConsumeSuffix(&digits, suffix) || !absl::SimpleAtoi(digits, &id) ||
      id == 0 || NumberedFileName(id, suffix) != name) {
    return absl::nullopt;
  }
  return id;
}

}  // namespace journal
