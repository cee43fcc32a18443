// What must hold of text that is shown.
#ifndef TESTS_FUZZ_TEXT_CHECKS_H_
#define TESTS_FUZZ_TEXT_CHECKS_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace fuzz {

// Valid UTF-8 without anything that a terminal obeys: no C0 or C1 control, no
// DEL. Written apart from runner/printable.cc, which it judges.
inline bool IsSafeForTerminal(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto at = [&](size_t k) -> unsigned {
      return k < text.size() ? static_cast<unsigned char>(text[k]) : 0;
    };
    const unsigned lead = at(i);
    const size_t length = lead < 0x80             ? 1
                          : (lead & 0xe0) == 0xc0 ? 2
                          : (lead & 0xf0) == 0xe0 ? 3
                          : (lead & 0xf8) == 0xf0 ? 4
                                                  : 0;
    if (length == 0) return false;
    unsigned value = length == 1 ? lead : lead & (0x7fu >> length);
    for (size_t k = 1; k < length; ++k) {
      if ((at(i + k) & 0xc0) != 0x80) return false;
      value = value << 6 | (at(i + k) & 0x3f);
    }
    constexpr unsigned kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < kLeast[length] || value > 0x10ffff) return false;
    if (value < 0x20 || (value >= 0x7f && value < 0xa0)) return false;
    i += length;
  }
  return true;
}

// No direction of reading is turned (U+061C, U+200E, U+200F, U+202A to U+202E,
// U+2066 to U+2069) and no line broken (U+2028, U+2029).
inline bool IsPlainOrder(absl::string_view text) {
  constexpr absl::string_view kTurning[] = {
      "\u061c", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202b",
      "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"};
  for (const absl::string_view each : kTurning) {
    if (text.find(each) != absl::string_view::npos) return false;
  }
  return true;
}

}  // namespace fuzz

#endif  // TESTS_FUZZ_TEXT_CHECKS_H_
