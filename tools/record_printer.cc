#include "tools/record_printer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runner/base/printable.h"
#include "runner/base/text.h"
#include "runner/storage/record_json.h"
#include "tools/json_text.h"

namespace inspector {
namespace {

constexpr absl::string_view kCutMark = "...";

// A line a record. For people in columns, cut at the terminal's width; in a
// pipe with tabs, whole.
class ShortPrinter final : public RecordPrinter {
 public:
  explicit ShortPrinter(Context& context) : context_(context) {}

  void Print(const journal::Record& record, const RecordFacts& facts) override {
    const Style& style = context_.style;
    const std::string query =
        facts.key.has_value() ? QueryName(*facts.key) : "-";
    const std::string run = facts.run == 0 ? "-" : absl::StrCat(facts.run);
    if (!style.terminal) {
      context_.out << record.lsn << "\t" << style.Time(facts.at) << "\t"
                   << facts.type_name << "\t" << run << "\t" << query << "\t"
                   << facts.summary << "\n";
      return;
    }
    std::string line = absl::StrFormat(
        "%8d  %-23s  %-12s  %3s  %-12s  %s", record.lsn, style.Time(facts.at),
        facts.type_name, run, query, facts.summary);
    if (runner::DisplayWidth(line) > style.columns) {
      line = absl::StrCat(
          runner::CutToWidth(
              line, std::max(style.columns, kCutMark.size()) - kCutMark.size()),
          kCutMark);
    }
    context_.out << style.Paint(line, ColourOf(facts)) << "\n";
  }

 private:
  static Colour ColourOf(const RecordFacts& facts) {
    if (!facts.unusable.empty()) return Colour::kRed;
    if (facts.type_name == "AttemptError" || facts.type_name == "InDoubt") {
      return Colour::kYellow;
    }
    return facts.key.has_value() ? Colour::kNone : Colour::kDim;
  }

  Context& context_;
};

// Every field, a line each.
class VerbosePrinter final : public RecordPrinter {
 public:
  explicit VerbosePrinter(Context& context) : context_(context) {}

  void Print(const journal::Record& record, const RecordFacts&) override {
    const Json json = Json::parse(runner::RecordToJson(record), nullptr,
                                  /*allow_exceptions=*/false);
    context_.out << context_.style.Paint(
                        absl::StrCat("LSN ", record.lsn, "  ",
                                     FactsOf(record).type_name),
                        Colour::kBold)
                 << "\n";
    for (const auto& [name, value] : json.items()) {
      if (name == "lsn" || name == "type") continue;
      if (name == "record") {
        PrintFields(value, 1);
      } else {
        PrintField(name, value, 1);
      }
    }
    context_.out << "\n";
  }

 private:
  void PrintFields(const Json& object, int depth) {
    for (const auto& [name, value] : object.items()) {
      PrintField(name, value, depth);
    }
  }

  // Records nest as deep as their schema: a few levels.
  void PrintField(const std::string& name, const Json& value, int depth) {
    context_.out << std::string(4 * depth, ' ') << runner::Printable(name)
                 << ":";
    if (value.is_object() ||
        (value.is_array() && !value.empty() && value.front().is_structured())) {
      context_.out << "\n";
      PrintFields(value, depth + 1);
      return;
    }
    context_.out << " "
                 << (value.is_string()
                         ? runner::Printable(
                               value.get_ref<const std::string&>())
                         : JsonText(value))
                 << "\n";
  }

  Context& context_;
};

// {"format":1,"records":[…]}, or a line a record.
class JsonPrinter final : public RecordPrinter {
 public:
  JsonPrinter(Context& context, bool lines)
      : context_(context), lines_(lines) {}

  void Begin() override {
    if (!lines_) context_.out << "{\"format\":1,\"records\":[";
  }
  void Print(const journal::Record& record, const RecordFacts&) override {
    if (!lines_) context_.out << (first_ ? "\n" : ",\n");
    first_ = false;
    context_.out << runner::RecordToJson(record) << (lines_ ? "\n" : "");
  }
  void End() override {
    if (!lines_) context_.out << "\n]}\n";
  }

 private:
  Context& context_;
  const bool lines_;
  bool first_ = true;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecordPrinter>> MakeRecordPrinter(
    absl::string_view output, Context& context) {
  std::unique_ptr<RecordPrinter> printer;
  if (output.empty() || output == "short") {
    printer = std::make_unique<ShortPrinter>(context);
  } else if (output == "verbose") {
    printer = std::make_unique<VerbosePrinter>(context);
  } else if (output == "json" || output == "jsonl") {
    printer = std::make_unique<JsonPrinter>(context, output == "jsonl");
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("--output: ", runner::Quoted(output),
                     " is none of short, verbose, json, jsonl"));
  }
  return printer;
}

}  // namespace inspector
