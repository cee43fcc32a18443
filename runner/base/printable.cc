#include "runner/base/printable.h"

#include <cstdint>

#include "absl/strings/str_format.h"

namespace runner {
namespace {

struct CodePoint {
  uint32_t value;
  size_t length;  // In bytes.
  bool valid;     // False: one byte that is not UTF-8.
};

struct Range {
  uint32_t first;
  uint32_t last;
};

// Directional overrides, line separators and the like: invisible characters
// that change how the rest of the line looks.
constexpr Range kInvisible[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f},   {0x061c, 0x061c}, {0x200b, 0x200b},
    {0x200e, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f}, {0xfeff, 0xfeff},
    {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
};

constexpr Range kZeroWidth[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},
    {0x064b, 0x065f}, {0x0e34, 0x0e3a}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
    {0x200c, 0x200d}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

constexpr Range kWide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
    {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
    {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd},
};

template <size_t kSize>
bool In(const Range (&ranges)[kSize], uint32_t value) {
  for (const Range& range : ranges) {
    if (value >= range.first && value <= range.last) return true;
  }
  return false;
}

// REQUIRES: !text.empty().
CodePoint Decode(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const CodePoint bad = {byte(0), 1, false};
  if (byte(0) < 0x80) return {byte(0), 1, true};
  if (byte(0) < 0xc2 || byte(0) > 0xf4) return bad;
  const size_t length = byte(0) < 0xe0 ? 2 : byte(0) < 0xf0 ? 3 : 4;
  if (text.size() < length) return bad;
  uint32_t value = byte(0) & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return bad;
    value = value << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < kLeast[length] || value > 0x10ffff || surrogate) return bad;
  return {value, length, true};
}

void AppendEscaped(const CodePoint& point, std::string* out) {
  if (point.valid && point.value == '\n') {
    out->append("\\n");
  } else if (point.valid && point.value == '\r') {
    out->append("\\r");
  } else if (point.valid && point.value == '\t') {
    out->append("\\t");
  } else if (!point.valid || point.value < 0x80) {
    absl::StrAppendFormat(out, "\\x%02x", point.value);
  } else {
    absl::StrAppendFormat(out, "\\u%04x", point.value);
  }
}

size_t WidthOf(uint32_t value) {
  if (value < 0x300) return 1;
  if (In(kZeroWidth, value)) return 0;
  return In(kWide, value) ? 2 : 1;
}

}  // namespace

std::string Printable(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = Decode(text);
    if (!point.valid || In(kInvisible, point.value)) {
      AppendEscaped(point, &out);
    } else {
      out.append(text.data(), point.length);
    }
    text.remove_prefix(point.length);
  }
  return out;
}

size_t DisplayWidth(absl::string_view printable) {
  size_t columns = 0;
  while (!printable.empty()) {
    const CodePoint point = Decode(printable);
    columns += WidthOf(point.value);
    printable.remove_prefix(point.length);
  }
  return columns;
}

std::string CutToWidth(absl::string_view printable, size_t columns_max) {
  size_t columns = 0;
  size_t bytes = 0;
  while (bytes < printable.size()) {
    const CodePoint point = Decode(printable.substr(bytes));
    const size_t width = WidthOf(point.value);
    if (columns + width > columns_max) break;
    columns += width;
    bytes += point.length;
  }
  return std::string(printable.substr(0, bytes));
}

std::string Excerpt(absl::string_view text, size_t columns_max) {
  // A column takes at least a byte unless marks pile up; four bytes a column
  // is more than any honest text needs and bounds the work on a long one.
  const std::string printable = Printable(text.substr(0, 4 * columns_max + 4));
  const bool whole = text.size() <= 4 * columns_max + 4 &&
                     DisplayWidth(printable) <= columns_max;
  if (whole) return printable;
  if (columns_max <= 3) return CutToWidth(printable, columns_max);
  return CutToWidth(printable, columns_max - 3) + "...";
}

}  // namespace runner
