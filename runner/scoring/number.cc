#include "runner/scoring/number.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "runner/base/text.h"

namespace runner {
namespace {

// Digits of one number; a longer run of them is not an answer.
constexpr size_t kNumberBytesMax = 400;

// Whatever may be meant as one number: it is judged after it is found, so that
// "1,23" is refused and not taken for 23.
const RE2& Candidate() {
  static const RE2* const pattern = new RE2(
      "([-+\\x{2212}]?)[ ]?\\p{Sc}?[ ]?([-+\\x{2212}]?)"
      "(\\.?[0-9](?:[0-9.,_'\\x{a0}\\x{2009}\\x{202f}]*[0-9])?)"
      "([eE][-+]?[0-9]+)?"
      "(?:[ ]?/[ ]?([0-9]+))?");
  return *pattern;
}

// As it must be written: groups of three, or digits without groups.
const RE2& Grouped() {
  static const RE2* const pattern = new RE2(
      "[0-9]{1,3}(?:,[0-9]{3})+(?:\\.[0-9]+)?|"
      "[0-9]{1,3}(?:_[0-9]{3})+(?:\\.[0-9]+)?|"
      "[0-9]{1,3}(?:'[0-9]{3})+(?:\\.[0-9]+)?|"
      "[0-9]{1,3}(?:[\\x{a0}\\x{2009}\\x{202f}][0-9]{3})+(?:\\.[0-9]+)?|"
      "[0-9]+(?:\\.[0-9]+)?|"
      "\\.[0-9]+");
  return *pattern;
}

absl::string_view View(re2::StringPiece piece) {
  return absl::string_view(piece.data(), piece.size());
}

bool IsWordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return absl::ascii_isalnum(byte) || c == '_';
}

bool IsMinus(re2::StringPiece sign) { return !sign.empty() && sign != "+"; }

// In "16-3" and "16 - 3" the sign is an operation; in "is -3" it is not.
bool IsOperation(re2::StringPiece text, re2::StringPiece sign) {
  const char* before = sign.data();
  const char* after = sign.data() + sign.size();
  const bool spaced = after < text.data() + text.size() && *after == ' ';
  while (spaced && before > text.data() && before[-1] == ' ') --before;
  return before > text.data() && (IsWordByte(before[-1]) || before[-1] == ')');
}

struct Parts {
  absl::string_view digits;
  absl::string_view exponent;
  absl::string_view denominator;
  bool negative = false;
};

// The parts of the last candidate in `text`.
absl::optional<Parts> FindLast(absl::string_view text) {
  const re2::StringPiece all(text.data(), text.size());
  absl::optional<Parts> last;
  re2::StringPiece match[6];
  for (size_t at = 0; at < text.size();) {
    if (!Candidate().Match(all, at, all.size(), RE2::UNANCHORED, match, 6)) {
      break;
    }
    const size_t begin = static_cast<size_t>(match[0].data() - all.data());
    const size_t digits = static_cast<size_t>(match[3].data() - all.data());
    at = begin + match[0].size();
    if (digits > 0 && IsWordByte(text[digits - 1])) continue;  // "q3"
    Parts parts;
    parts.digits = View(match[3]);
    parts.exponent = View(match[4]);
    parts.denominator = View(match[5]);
    const bool outer = IsMinus(match[1]) && !IsOperation(all, match[1]);
    const bool inner =
        IsMinus(match[2]) &&
        (match[2].data() != match[0].data() || !IsOperation(all, match[2]));
    parts.negative = outer || inner;
    last = parts;
  }
  return last;
}

std::string WithoutGroups(absl::string_view digits) {
  return absl::StrReplaceAll(digits, {{",", ""},
                                      {"_", ""},
                                      {"'", ""},
                                      {"\xC2\xA0", ""},
                                      {"\xE2\x80\x89", ""},
                                      {"\xE2\x80\xAF", ""}});
}

// "007.00" is the integer 7.
std::string IntegerDigits(absl::string_view plain, bool negative) {
  const size_t point = plain.find('.');
  const absl::string_view fraction =
      point == absl::string_view::npos ? "" : plain.substr(point + 1);
  if (fraction.find_first_not_of('0') != absl::string_view::npos) return "";
  absl::string_view whole = plain.substr(0, point);
  whole.remove_prefix(std::min(whole.find_first_not_of('0'), whole.size()));
  if (whole.empty()) return "0";
  return absl::StrCat(negative ? "-" : "", whole);
}

absl::optional<Number> Evaluate(const Parts& parts) {
  const re2::StringPiece digits(parts.digits.data(), parts.digits.size());
  if (parts.digits.size() > kNumberBytesMax ||
      !RE2::FullMatch(digits, Grouped())) {
    return absl::nullopt;
  }
  const std::string plain = WithoutGroups(parts.digits);
  Number number;
  if (!absl::SimpleAtod(absl::StrCat(plain, parts.exponent), &number.value)) {
    return absl::nullopt;
  }
  if (!parts.denominator.empty()) {
    double denominator = 0;
    if (!absl::SimpleAtod(parts.denominator, &denominator) ||
        denominator == 0) {
      return absl::nullopt;
    }
    number.value /= denominator;
  } else if (parts.exponent.empty()) {
    number.integer = IntegerDigits(plain, parts.negative);
  }
  if (parts.negative) number.value = -number.value;
  if (!std::isfinite(number.value)) return absl::nullopt;
  return number;
}

}  // namespace

absl::optional<Number> FindNumber(absl::string_view text) {
  // What is not UTF-8 would end RE2's search.
  const std::string valid = ValidUtf8(text);
  const absl::optional<Parts> parts = FindLast(valid);
  if (!parts.has_value()) return absl::nullopt;
  return Evaluate(*parts);
}

bool SameNumber(const Number& a, const Number& b) {
  if (!a.integer.empty() && !b.integer.empty()) return a.integer == b.integer;
  const double larger = std::max(std::abs(a.value), std::abs(b.value));
  return std::abs(a.value - b.value) <= kNumberRelativeTolerance * larger;
}

}  // namespace runner
