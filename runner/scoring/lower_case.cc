#include "runner/scoring/lower_case.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "runner/base/text.h"

namespace runner {
namespace {

// Capitals whose small letter lies `distance` further. `step` 2: capital and
// small letter alternate.
struct CapitalRange {
  uint32_t first;
  uint32_t last;
  uint32_t distance;
  uint32_t step;
};

// All of them are two bytes in UTF-8, before and after.
constexpr CapitalRange kCapitals[] = {
    {0xC0, 0xD6, 32, 1},   {0xD8, 0xDE, 32, 1},   {0x100, 0x12E, 1, 2},
    {0x132, 0x136, 1, 2},  {0x139, 0x147, 1, 2},  {0x14A, 0x176, 1, 2},
    {0x179, 0x17D, 1, 2},  {0x386, 0x386, 38, 1}, {0x388, 0x38A, 37, 1},
    {0x38C, 0x38C, 64, 1}, {0x38E, 0x38F, 63, 1}, {0x391, 0x3A1, 32, 1},
    {0x3A3, 0x3AB, 32, 1}, {0x400, 0x40F, 80, 1}, {0x410, 0x42F, 32, 1},
    {0x460, 0x480, 1, 2},  {0x48A, 0x4BE, 1, 2},
};
// Y with diaeresis, whose small letter is in Latin-1.
constexpr uint32_t kCapitalYDiaeresis = 0x178;
constexpr uint32_t kSmallYDiaeresis = 0xFF;

uint32_t SmallLetter(uint32_t letter) {
  if (letter == kCapitalYDiaeresis) return kSmallYDiaeresis;
  for (const CapitalRange& range : kCapitals) {
    if (letter < range.first || letter > range.last) continue;
    if ((letter - range.first) % range.step != 0) continue;
    return letter + range.distance;
  }
  return letter;
}

}  // namespace

std::string LowerCase(absl::string_view text) {
  std::string lower(text);
  for (size_t at = 0; at < lower.size();) {
    const auto byte = static_cast<unsigned char>(lower[at]);
    const size_t length =
        Utf8SequenceLength(absl::string_view(lower).substr(at));
    if (length <= 1) {
      lower[at++] = absl::ascii_tolower(byte);
      continue;
    }
    if (length == 2) {
      const uint32_t letter = (byte & 0x1Fu) << 6 | (lower[at + 1] & 0x3Fu);
      const uint32_t small = SmallLetter(letter);
      lower[at] = static_cast<char>(0xC0 | small >> 6);
      lower[at + 1] = static_cast<char>(0x80 | (small & 0x3F));
    }
    at += length;
  }
  return lower;
}

}  // namespace runner
