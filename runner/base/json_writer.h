// Writes JSON text piece by piece, in the order of the calls.
#ifndef RUNNER_BASE_JSON_WRITER_H_
#define RUNNER_BASE_JSON_WRITER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace runner {

// Appends to a string it borrows. The caller opens and closes in pairs. With an
// `indent` each member of an object begins a line, else all is one line.
//
//   JsonWriter writer(out, 2);
//   writer.BeginObject();
//   writer.Key("n").Number(uint64_t{3});
//   writer.EndObject();
class JsonWriter {
 public:
  JsonWriter(std::string& out, int indent) : out_(out), indent_(indent) {}

  JsonWriter& BeginObject() { return Begin('{'); }
  JsonWriter& BeginArray() { return Begin('['); }
  void EndObject() { End('}'); }
  void EndArray() { End(']'); }

  // In an object: before each value.
  JsonWriter& Key(absl::string_view key);

  void String(absl::string_view text);        // Invalid UTF-8 becomes U+FFFD.
  void StringOrNull(absl::string_view text);  // Null for the empty string.
  void Number(double value);  // Shortest round-trip; null when not finite.
  void Number(uint64_t value);
  void Bool(bool value);
  void Null();

 private:
  JsonWriter& Begin(char bracket);
  void End(char bracket);
  void BeforeValue();
  void NewLine();

  std::string& out_;
  const int indent_;
  int depth_ = 0;
  bool first_ = true;  // Nothing yet in the innermost object or array.
  bool after_key_ = false;
};

}  // namespace runner

#endif  // RUNNER_BASE_JSON_WRITER_H_
