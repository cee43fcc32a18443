#include "runner/imports/json_units.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "runner/base/json.h"
#include "runner/base/printable.h"
#include "runner/imports/import_values.h"

namespace runner {
namespace {

using Json = nlohmann::json;

constexpr size_t kWhyColumnsMax = 80;

// What MendPythonJson writes for NaN: a text of as many bytes, of a character
// that no text consists of.
constexpr absl::string_view kMissing = "\x7f";

bool IsMissing(absl::string_view text) { return text == kMissing; }

// Says how far the parser has come.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char** reached)
      : at_(at), reached_(reached) {}

  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const CountingIterator& a, const CountingIterator& b) {
    return a.at_ == b.at_;
  }
  friend bool operator!=(const CountingIterator& a, const CountingIterator& b) {
    return a.at_ != b.at_;
  }

 private:
  const char* at_;
  const char** reached_;
};

// One value, put together of what the parser meets.
class Builder {
 public:
  bool building() const { return !open_.empty(); }
  void SetKey(std::string key) { key_ = std::move(key); }
  void Open(Json container) {
    Json* added = open_.empty() ? &(root_ = std::move(container))
                                : Put(std::move(container));
    open_.push_back(added);
  }
  void Add(Json value) { Put(std::move(value)); }
  // True: the value is whole.
  bool Close() {
    open_.pop_back();
    return open_.empty();
  }
  Json Take() { return std::move(root_); }

 private:
  Json* Put(Json value) {
    Json& top = *open_.back();
    if (top.is_array()) {
      top.push_back(std::move(value));
      return &top.back();
    }
    Json& member = top[key_];
    member = std::move(value);
    return &member;
  }

  Json root_;
  std::vector<Json*> open_;  // Of root_; the outermost first.
  std::string key_;
};

class UnitReader final : public nlohmann::json_sax<Json> {
 public:
  UnitReader(absl::Span<const absl::string_view> divided, size_t values_max,
             absl::FunctionRef<void(absl::string_view)> begun,
             absl::FunctionRef<void(JsonUnit)> visit)
      : divided_(divided),
        values_max_(values_max),
        begun_(begun),
        visit_(visit) {}

  const std::string& why() const { return why_; }
  bool closed() const { return closed_; }
  bool too_large() const { return too_large_; }

  bool null() override { return Value(nullptr); }
  bool boolean(bool value) override { return Value(value); }
  bool number_integer(number_integer_t value) override { return Value(value); }
  bool number_unsigned(number_unsigned_t value) override {
    return Value(value);
  }
  bool number_float(number_float_t value, const string_t&) override {
    return Value(value);
  }
  bool string(string_t& value) override {
    return IsMissing(value) ? null() : Value(std::move(value));
  }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override { return Start(Json::object()); }
  bool start_array(std::size_t) override { return Start(Json::array()); }
  bool end_object() override { return End(); }
  bool end_array() override { return End(); }

  bool key(string_t& key) override {
    if (builder_.building()) {
      builder_.SetKey(std::move(key));
    } else if (frames_ == 1) {
      section_ = std::move(key);
      begun_(section_);
    } else {
      key_ = std::move(key);
    }
    return true;
  }

  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& error) override {
    absl::string_view message = error.what();
    // "[...] parse error at line 1, column 8: what": the offset is said anyway.
    for (const absl::string_view before : {"] ", ": "}) {
      const size_t found = message.find(before);
      if (found != absl::string_view::npos) {
        message.remove_prefix(found + before.size());
      }
    }
    why_ = Excerpt(message, kWhyColumnsMax);
    return false;
  }

 private:
  // Whether what begins now is taken apart further.
  bool IsDivided() const {
    if (frames_ == 0) return true;
    return frames_ == 1 && in_object_ &&
           std::find(divided_.begin(), divided_.end(), section_) !=
               divided_.end();
  }

  bool Start(Json container) {
    if (++depth_ > kJsonDepthMax) {
      why_ = absl::StrCat("nested deeper than ", kJsonDepthMax);
      return false;
    }
    if (!builder_.building() && IsDivided()) {
      if (frames_++ == 0) in_object_ = container.is_object();
      key_.clear();
      return true;
    }
    if (!HasRoom()) return false;
    builder_.Open(std::move(container));
    return true;
  }

  bool End() {
    --depth_;
    if (!builder_.building()) {
      closed_ = --frames_ == 0;
    } else if (builder_.Close()) {
      Give(builder_.Take());
    }
    return true;
  }

  // For one more value of the unit.
  bool HasRoom() {
    values_ = builder_.building() ? values_ + 1 : 1;
    too_large_ = values_ > values_max_;
    if (too_large_) why_ = MoreThan(values_max_, "values in one record");
    return !too_large_;
  }

  bool Value(Json value) {
    if (!HasRoom()) return false;
    if (builder_.building()) {
      builder_.Add(std::move(value));
    } else {
      Give(std::move(value));
    }
    return true;
  }

  void Give(Json value) {
    JsonUnit unit;
    unit.section = section_;
    unit.divided = frames_ == 2 || (frames_ == 1 && !in_object_);
    if (frames_ == 2) unit.key = key_;
    unit.value = std::move(value);
    visit_(std::move(unit));
  }

  const absl::Span<const absl::string_view> divided_;
  const size_t values_max_;
  const absl::FunctionRef<void(absl::string_view)> begun_;
  const absl::FunctionRef<void(JsonUnit)> visit_;
  Builder builder_;
  size_t values_ = 0;  // Of the unit that is built.
  bool too_large_ = false;
  int depth_ = 0;
  int frames_ = 0;  // Of the open containers those that are taken apart: 0..2.
  bool in_object_ = false;  // The outermost is one.
  bool closed_ = false;
  std::string section_, key_;
  std::string why_;
};

bool IsHighHalf(uint32_t unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool IsLowHalf(uint32_t unit) { return unit >= 0xdc00 && unit < 0xe000; }

// The UTF-16 unit that "\uXXXX" at `at` stands for; 0 where there is none.
uint32_t EscapedUnit(absl::string_view text, size_t at) {
  constexpr size_t kEscapeBytes = 6;
  uint32_t unit = 0;
  if (at + kEscapeBytes > text.size() || text[at] != '\\' ||
      text[at + 1] != 'u' ||
      !absl::SimpleHexAtoi(text.substr(at + 2, 4), &unit)) {
    return 0;
  }
  return unit;
}

// `at` is at a backslash within a string; returns where to go on.
size_t MendEscape(std::string& text, size_t at) {
  const uint32_t unit = EscapedUnit(text, at);
  if (!IsHighHalf(unit) && !IsLowHalf(unit)) return at + 2;
  if (IsHighHalf(unit) && IsLowHalf(EscapedUnit(text, at + 6))) return at + 12;
  text.replace(at, 6, "\\ufffd");
  return at + 6;
}

// `at` is outside of strings; returns where to go on.
size_t MendNumber(std::string& text, size_t at) {
  struct Word {
    absl::string_view python;
    absl::string_view json;  // Of as many bytes.
  };
  constexpr Word kWords[] = {{"NaN", "\"\x7f\""},
                             {"Infinity", "null    "},
                             {"-Infinity", "null     "}};
  const absl::string_view rest = absl::string_view(text).substr(at);
  for (const Word& word : kWords) {
    if (!absl::StartsWith(rest, word.python)) continue;
    text.replace(at, word.python.size(), word.json.data(), word.json.size());
    return at + word.python.size();
  }
  return at + 1;
}

}  // namespace

JsonUnitsEnd ReadJsonUnits(
    absl::string_view text, absl::Span<const absl::string_view> divided,
    size_t values_max, absl::FunctionRef<void(absl::string_view section)> begun,
    absl::FunctionRef<void(JsonUnit unit)> visit) {
  UnitReader reader(divided, values_max, begun, visit);
  const char* reached = text.data();
  JsonUnitsEnd end;
  end.whole = Json::sax_parse(
      CountingIterator(text.data(), &reached),
      CountingIterator(text.data() + text.size(), &reached), &reader);
  end.closed = end.whole || reader.closed();
  if (end.whole) return end;
  end.offset = static_cast<uint64_t>(reached - text.data());
  // The parser is past what it complains of, but at the end of all.
  if (end.offset > 0 && end.offset < text.size()) --end.offset;
  end.why = reader.why();
  end.too_large = reader.too_large();
  return end;
}

void NullMissing(Json& value) {
  if (value.is_string()) {
    if (IsMissing(value.get_ref<const std::string&>())) value = nullptr;
  } else if (value.is_structured()) {
    for (Json& each : value) NullMissing(each);
  }
}

void MendPythonJson(std::string& text) {
  bool in_string = false;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '\n') in_string = false;
    if (in_string && c == '\\') {
      at = MendEscape(text, at);
    } else if (c == '"') {
      in_string = !in_string;
      ++at;
    } else if (!in_string && (c == 'N' || c == 'I' || c == '-')) {
      at = MendNumber(text, at);
    } else {
      ++at;
    }
  }
}

}  // namespace runner
