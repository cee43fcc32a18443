#include "runner/base/placeholders.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace runner {
namespace {

bool IsName(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) || c == '_';
  });
}

std::string Known(PlaceholderValues values) {
  return absl::StrJoin(values, ", ", [](std::string* out, const auto& entry) {
    absl::StrAppend(out, "{", entry.first, "}");
  });
}

absl::StatusOr<absl::string_view> ValueOf(absl::string_view name,
                                          PlaceholderValues values) {
  for (const auto& [known, value] : values) {
    if (known != name) continue;
    if (!value.empty()) return value;
    return absl::InvalidArgumentError(absl::StrCat(
        "{", name, "} stands for the ", name, ", but none is given"));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown placeholder {", name, "}; known are ", Known(values)));
}

}  // namespace

absl::StatusOr<std::string> FillPlaceholders(absl::string_view text,
                                             PlaceholderValues values) {
  std::string out;
  for (;;) {
    const size_t open = text.find('{');
    absl::StrAppend(&out, text.substr(0, open));
    if (open == absl::string_view::npos) return out;
    text.remove_prefix(open);
    const size_t close = text.find('}');
    const absl::string_view name =
        close == absl::string_view::npos ? "" : text.substr(1, close - 1);
    if (!IsName(name)) {
      out += '{';
      text.remove_prefix(1);
      continue;
    }
    absl::StatusOr<absl::string_view> value = ValueOf(name, values);
    if (!value.ok()) return value.status();
    absl::StrAppend(&out, *value);
    text.remove_prefix(close + 1);
  }
}

}  // namespace runner
