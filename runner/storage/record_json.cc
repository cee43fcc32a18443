#include "runner/storage/record_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "flatbuffers/minireflect.h"
#include "runner/storage/record_buffer.h"
#include "runner/storage/record_codec.h"
#include "schemas/records_generated.h"

namespace runner {
namespace {

// A body whose offsets share what they point at could unfold without end. What
// our encoder writes stays below: a table of a few bytes, whose absent fields
// are all named, is the worst.
constexpr size_t kJsonBytesPerByteMax = 32;
constexpr size_t kJsonBytesExtra = 64 << 10;

// Escapes what a terminal would obey: DEL and the C1 controls. JSON itself has
// escaped the others, and inside of valid UTF-8 a 0xC2 only begins U+0080 to
// U+00BF.
std::string EscapeControls(const std::string& json) {
  std::string safe;
  safe.reserve(json.size());
  for (size_t i = 0; i < json.size(); ++i) {
    const unsigned char c = json[i];
    const unsigned char next = i + 1 < json.size() ? json[i + 1] : 0;
    if (c == 0x7f) {
      safe += "\\u007f";
    } else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
      absl::StrAppend(&safe, "\\u00", absl::Hex(next, absl::kZeroPad2));
      ++i;
    } else {
      safe += static_cast<char>(c);
    }
  }
  return safe;
}

// The text as a JSON string, its invalid bytes replaced.
std::string Quote(absl::string_view text) {
  const nlohmann::json value(std::string(text.data(), text.size()));
  return EscapeControls(
      value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

bool IsUtf8(absl::string_view text) {
  try {
    nlohmann::json(std::string(text.data(), text.size())).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

std::string Number(double value) {
  if (std::isnan(value)) return "\"NaN\"";
  if (std::isinf(value)) return value < 0 ? "\"-Infinity\"" : "\"Infinity\"";
  return nlohmann::json(value).dump();
}

// Writes a verified table as JSON, walking the tables of its schema's fields
// that flatc generates.
class JsonVisitor final : public flatbuffers::IterationVisitor {
 public:
  explicit JsonVisitor(size_t bytes_max) : bytes_max_(bytes_max) {}

  void StartSequence() override { Open('{'); }
  void EndSequence() override { Close('}'); }
  void StartVector() override { Open('['); }
  void EndVector() override { Close(']'); }

  void Field(size_t, size_t, flatbuffers::ElementaryType type, bool is_vector,
             const flatbuffers::TypeTable* type_table, const char* name,
             const uint8_t* value) override {
    Comma();
    field_ = name;
    Append(absl::StrCat("\"", name, "\":"));
    if (value == nullptr) Absent(type, is_vector, type_table);
  }

  void Element(size_t, flatbuffers::ElementaryType,
               const flatbuffers::TypeTable*, const uint8_t*) override {
    Comma();
  }

  void Bool(bool value) override { Append(value ? "true" : "false"); }
  void UChar(uint8_t value, const char* name) override { Enum(value, name); }
  void UShort(uint16_t value, const char* name) override { Enum(value, name); }
  void Int(int32_t value, const char* name) override { Enum(value, name); }
  void UInt(uint32_t value, const char* name) override { Enum(value, name); }
  void Long(int64_t value) override { Append(absl::StrCat(value)); }
  void ULong(uint64_t value) override { Append(absl::StrCat(value)); }
  void Double(double value) override { Append(Number(value)); }

  void String(const flatbuffers::String* text) override {
    if (exceeded()) return;
    const absl::string_view bytes(text->c_str(), text->size());
    Append(Quote(bytes));
    if (!IsUtf8(bytes)) {
      Append(absl::StrCat(",\"", field_, "_base64\":\"",
                          absl::Base64Escape(bytes), "\""));
    }
  }

  // A kind of field that the schema does not use yet.
  void Unknown(const uint8_t*) override { Append("null"); }

  bool exceeded() const { return exceeded_; }
  const std::string& json() const { return json_; }

 private:
  void Append(absl::string_view text) {
    if (exceeded_ || text.size() > bytes_max_ - json_.size()) {
      exceeded_ = true;
      return;
    }
    absl::StrAppend(&json_, text);
  }

  void Comma() {
    if (!first_) Append(",");
    first_ = false;
  }

  void Open(char bracket) {
    Append(absl::string_view(&bracket, 1));
    first_ = true;
  }

  void Close(char bracket) {
    Append(absl::string_view(&bracket, 1));
    first_ = false;
  }

  void Enum(int64_t value, const char* name) {
    Append(name == nullptr ? absl::StrCat(value)
                           : absl::StrCat("\"", name, "\""));
  }

  // A field that the buffer does not have stands for its default.
  void Absent(flatbuffers::ElementaryType type, bool is_vector,
              const flatbuffers::TypeTable* type_table) {
    if (is_vector) {
      Append("[]");
    } else if (type == flatbuffers::ET_STRING ||
               type == flatbuffers::ET_SEQUENCE) {
      Append("null");
    } else if (type == flatbuffers::ET_BOOL) {
      Append("false");
    } else if (absl::string_view(field_) == "schema_version") {
      Append("1");  // The one default that is not zero.
    } else if (type == flatbuffers::ET_DOUBLE) {
      Append("0.0");
    } else {
      Enum(0, flatbuffers::EnumName(0, type_table));
    }
  }

  const size_t bytes_max_;
  std::string json_;
  const char* field_ = "";
  bool first_ = true;
  bool exceeded_ = false;
};

// The record's fields, or nothing when the body is poison.
template <typename Table>
bool AppendFields(const AlignedBytes& bytes, std::string* json) {
  if (VerifiedRoot<Table>(bytes, RecordTablesMax(bytes.size())) == nullptr)
    return false;
  JsonVisitor visitor(bytes.size() * kJsonBytesPerByteMax + kJsonBytesExtra);
  flatbuffers::IterateFlatBuffer(bytes.data(), Table::MiniReflectTypeTable(),
                                 &visitor);
  if (visitor.exceeded()) return false;
  absl::StrAppend(json, visitor.json());
  return true;
}

bool AppendFields(RecordType type, const AlignedBytes& bytes,
                  std::string* json) {
  switch (type) {
    case RecordType::kBenchmark:
      return AppendFields<schemas::Benchmark>(bytes, json);
    case RecordType::kDatasetRows:
      return AppendFields<schemas::DatasetRows>(bytes, json);
    case RecordType::kSession:
      return AppendFields<schemas::Session>(bytes, json);
    case RecordType::kOverride:
      return AppendFields<schemas::Override>(bytes, json);
    case RecordType::kAttemptStart:
      return AppendFields<schemas::AttemptStart>(bytes, json);
    case RecordType::kResponse:
      return AppendFields<schemas::Response>(bytes, json);
    case RecordType::kScore:
      return AppendFields<schemas::Score>(bytes, json);
    case RecordType::kAttemptError:
      return AppendFields<schemas::AttemptError>(bytes, json);
    case RecordType::kRunEnd:
      return AppendFields<schemas::RunEnd>(bytes, json);
    case RecordType::kBatch:
      return AppendFields<schemas::Batch>(bytes, json);
    case RecordType::kWorkerState:
      return AppendFields<schemas::WorkerState>(bytes, json);
    case RecordType::kSessionEnd:
      return AppendFields<schemas::SessionEnd>(bytes, json);
    case RecordType::kSelection:
      return AppendFields<schemas::Selection>(bytes, json);
    case RecordType::kLimit:
      return AppendFields<schemas::Limit>(bytes, json);
    case RecordType::kComplete:
      return AppendFields<schemas::Complete>(bytes, json);
    case RecordType::kInDoubt:
      return AppendFields<schemas::InDoubt>(bytes, json);
    case RecordType::kCheckpoint:
      return AppendFields<schemas::Checkpoint>(bytes, json);
    case RecordType::kScoring:
      return AppendFields<schemas::Scoring>(bytes, json);
  }
  return false;
}

}  // namespace

std::string RecordToJson(const journal::Record& record) {
  std::string json = absl::StrCat("{\"lsn\":", record.lsn, ",\"type\":");
  const std::string base64 = "\"body_base64\":\"";
  if (!IsKnownRecordType(record.type)) {
    absl::StrAppend(&json, record.type,
                    ",\"ignorable\":", record.ignorable ? "true," : "false,",
                    base64, absl::Base64Escape(record.body), "\"}");
    return json;
  }
  const std::string name = RecordTypeName(record.type);
  absl::StrAppend(&json, "\"", name, "\",");
  std::string fields;
  if (AppendFields(static_cast<RecordType>(record.type),
                   AlignedBytes(record.body), &fields)) {
    absl::StrAppend(&json, "\"record\":", fields, "}");
    return json;
  }
  const absl::Status why =
      PoisonError(name, record.body.size(), "is not a valid FlatBuffer");
  absl::StrAppend(&json, "\"poison\":", Quote(why.message()), ",", base64,
                  absl::Base64Escape(record.body), "\"}");
  return json;
}

}  // namespace runner
