#include "runner/base/json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <charconv>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "runner/base/printable.h"
#include "runner/base/text.h"

namespace runner {
namespace {

using nlohmann::json;

// Integers up to here are exact in a double.
constexpr double kExactIntegerMax = 9007199254740992.0;  // 2^53

absl::Status ErrorAt(size_t offset, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("column ", offset + 1, ": ", what));
}

// Of a string's text: how many bytes it begins with that stand for themselves
// and are neither quotes nor backslashes nor beyond ASCII.
size_t PlainPrefix(absl::string_view text) {
  size_t at = 0;
#ifdef __SSE2__
  // Sixteen at once: signed, what is beyond ASCII is below a blank, too.
  for (; text.size() - at >= sizeof(__m128i); at += sizeof(__m128i)) {
    const __m128i bytes =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i slashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const __m128i others = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
    const int found =
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, slashes), others));
    if (found != 0) return at + static_cast<size_t>(__builtin_ctz(found));
  }
#endif
  for (; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
  }
  return at;
}

// Calls `visit(offset, character)` for each byte that is not in a string, until
// it returns false.
template <typename Visit>
void ScanOutsideStrings(absl::string_view text, Visit visit) {
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (in_string) i += PlainPrefix(text.substr(i));
    if (i == text.size()) return;
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (!visit(i, c)) {
      return;
    }
  }
}

// A first pass over the brackets: the parser itself would take any depth, and
// what walks its result recurses.
absl::Status CheckDepth(absl::string_view text) {
  int depth = 0;
  absl::Status status;
  ScanOutsideStrings(text, [&](size_t offset, char c) {
    if (c == '}' || c == ']') --depth;
    if (c != '{' && c != '[') return true;
    if (++depth <= kJsonDepthMax) return true;
    status =
        ErrorAt(offset, absl::StrCat("nested deeper than ", kJsonDepthMax));
    return false;
  });
  return status;
}

// The library's "[json.exception.parse_error.101] parse error at line 1, column
// 8: what" without what we say ourselves.
std::string LibraryMessage(absl::string_view message) {
  const size_t bracket = message.find("] ");
  if (bracket != absl::string_view::npos) message.remove_prefix(bracket + 2);
  const size_t column = message.find(", column ");
  if (column != absl::string_view::npos) {
    const size_t colon = message.find(": ", column);
    if (colon != absl::string_view::npos) message.remove_prefix(colon + 2);
  }
  return Excerpt(message, kQuotedColumnsMax);
}

void AppendEscape(unsigned char c, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
  }
}

void AppendCanonical(const json& value, std::string& out);

void AppendObject(const json& object, std::string& out) {
  char separator = '{';
  // The library keeps keys in a std::map, so they come sorted by bytes.
  for (auto it = object.begin(); it != object.end(); ++it) {
    out += separator;
    AppendJsonString(it.key(), out);
    out += ':';
    AppendCanonical(it.value(), out);
    separator = ',';
  }
  out += separator == '{' ? "{}" : "}";
}

void AppendArray(const json& array, std::string& out) {
  char separator = '[';
  for (const json& element : array) {
    out += separator;
    AppendCanonical(element, out);
    separator = ',';
  }
  out += separator == '[' ? "[]" : "]";
}

void AppendCanonical(const json& value, std::string& out) {
  switch (value.type()) {
    case json::value_t::object:
      return AppendObject(value, out);
    case json::value_t::array:
      return AppendArray(value, out);
    case json::value_t::string:
      return AppendJsonString(*value.get_ptr<const std::string*>(), out);
    case json::value_t::boolean:
      out += *value.get_ptr<const bool*>() ? "true" : "false";
      return;
    case json::value_t::number_integer:
      absl::StrAppend(&out, *value.get_ptr<const int64_t*>());
      return;
    case json::value_t::number_unsigned:
      absl::StrAppend(&out, *value.get_ptr<const uint64_t*>());
      return;
    case json::value_t::number_float:
      out += JsonNumber(*value.get_ptr<const double*>());
      return;
    case json::value_t::null:
    case json::value_t::binary:
    case json::value_t::discarded:
      out += "null";
      return;
  }
}

}  // namespace

absl::StatusOr<json> ParseJson(absl::string_view text) {
  if (absl::Status depth = CheckDepth(text); !depth.ok()) return depth;
  try {
    return json::parse(text.begin(), text.end());
  } catch (const json::parse_error& error) {
    const size_t byte = error.byte == 0 ? 0 : error.byte - 1;
    return ErrorAt(byte, LibraryMessage(error.what()));
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(LibraryMessage(error.what()));
  }
}

absl::Status CheckJsonValueCount(absl::string_view text, size_t values_max) {
  size_t values = 0;
  ScanOutsideStrings(text, [&](size_t, char c) {
    if (c == '{' || c == '[' || c == ',') ++values;
    return true;
  });
  if (values <= values_max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("more than ", values_max, " values"));
}

std::string CanonicalJson(const json& value) {
  std::string out;
  AppendCanonical(value, out);
  return out;
}

absl::StatusOr<std::string> CanonicalJson(absl::string_view text) {
  absl::StatusOr<json> value = ParseJson(text);
  if (!value.ok()) return value.status();
  return CanonicalJson(*value);
}

const json* FindPath(const json& value, absl::Span<const std::string> steps) {
  if (steps.size() > 1 && value.is_object()) {
    const auto whole = value.find(absl::StrJoin(steps, "."));
    if (whole != value.end()) return &*whole;
  }
  const json* at = &value;
  for (const std::string& step : steps) {
    if (at->is_object()) {
      const auto found = at->find(step);
      if (found == at->end()) return nullptr;
      at = &*found;
    } else if (at->is_array()) {
      uint32_t index = 0;
      if (!absl::SimpleAtoi(step, &index) || index >= at->size()) {
        return nullptr;
      }
      at = &(*at)[index];
    } else {
      return nullptr;
    }
  }
  return at;
}

const json* FindPath(const json& value, absl::string_view dotted_path) {
  const std::vector<std::string> steps = absl::StrSplit(dotted_path, '.');
  return FindPath(value, steps);
}

std::string RenderText(const json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return *value.get_ptr<const std::string*>();
  return CanonicalJson(value);
}

void AppendJsonString(absl::string_view text, std::string& out) {
  out += '"';
  size_t plain_begin = 0;
  size_t at = 0;
  const auto flush = [&] {
    out.append(text.data() + plain_begin, at - plain_begin);
  };
  while (at < text.size()) {
    at += PlainPrefix(text.substr(at));
    if (at == text.size()) break;
    const size_t length = Utf8SequenceLength(text.substr(at));
    if (length > 1) {
      at += length;
      continue;
    }
    flush();
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else {
      AppendEscape(static_cast<unsigned char>(text[at]), out);
    }
    plain_begin = ++at;
  }
  flush();
  out += '"';
}

std::string JsonString(absl::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  AppendJsonString(text, out);
  return out;
}

std::string JsonNumber(double value) {
  if (!std::isfinite(value)) return "null";
  char buffer[32];
  if (std::abs(value) <= kExactIntegerMax && value == std::trunc(value)) {
    return absl::StrCat(static_cast<int64_t>(value));
  }
  const std::to_chars_result end =
      std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, end.ptr);
}

}  // namespace runner
