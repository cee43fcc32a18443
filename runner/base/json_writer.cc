#include "runner/base/json_writer.h"

#include "absl/strings/str_cat.h"
#include "runner/base/json.h"

namespace runner {

void JsonWriter::NewLine() {
  if (indent_ == 0) return;
  out_ += '\n';
  out_.append(static_cast<size_t>(indent_ * depth_), ' ');
}

void JsonWriter::BeforeValue() {
  if (!after_key_ && depth_ > 0) {
    if (!first_) out_ += ',';
    NewLine();
  }
  after_key_ = false;
  first_ = false;
}

JsonWriter& JsonWriter::Begin(char bracket) {
  BeforeValue();
  out_ += bracket;
  ++depth_;
  first_ = true;
  return *this;
}

void JsonWriter::End(char bracket) {
  --depth_;
  if (!first_) NewLine();
  out_ += bracket;
  first_ = false;
}

JsonWriter& JsonWriter::Key(absl::string_view key) {
  BeforeValue();
  AppendJsonString(key, out_);
  out_ += indent_ == 0 ? ":" : ": ";
  after_key_ = true;
  return *this;
}

void JsonWriter::String(absl::string_view text) {
  BeforeValue();
  AppendJsonString(text, out_);
}

void JsonWriter::StringOrNull(absl::string_view text) {
  if (text.empty()) return Null();
  String(text);
}

void JsonWriter::Number(double value) {
  BeforeValue();
  out_ += JsonNumber(value);
}

void JsonWriter::Number(uint64_t value) {
  BeforeValue();
  absl::StrAppend(&out_, value);
}

void JsonWriter::Bool(bool value) {
  BeforeValue();
  out_ += value ? "true" : "false";
}

void JsonWriter::Null() {
  BeforeValue();
  out_ += "null";
}

}  // namespace runner
