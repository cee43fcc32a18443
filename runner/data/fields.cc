#include "runner/data/fields.h"

#include <simdjson.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "runner/base/json.h"
#include "runner/base/placeholders.h"
#include "runner/base/text.h"

namespace runner {
namespace {

using nlohmann::json;

// Longer rows are rare, and the quick parser would keep as much memory as the
// longest took, in each thread.
constexpr size_t kQuickBytesMax = 1 << 20;
constexpr size_t kQuickBytesMin = 4 << 10;

constexpr absl::string_view kDefaultInputFields[] = {"input", "prompt",
                                                     "question"};
constexpr absl::string_view kDefaultTargetFields[] = {"target", "answer"};

// A value in a row, as the library sees it that knows all of JSON.
class TreeValue {
 public:
  explicit TreeValue(const json& value) : value_(&value) {}

  bool is_object() const { return value_->is_object(); }
  bool is_null() const { return value_->is_null(); }
  absl::optional<TreeValue> Find(absl::string_view name) const {
    const auto found = value_->find(std::string(name));
    if (found == value_->end()) return absl::nullopt;
    return TreeValue(*found);
  }
  absl::optional<TreeValue> FindPath(
      absl::Span<const std::string> steps) const {
    const json* found = runner::FindPath(*value_, steps);
    if (found == nullptr) return absl::nullopt;
    return TreeValue(*found);
  }
  absl::optional<std::string> Text() const { return RenderText(*value_); }

 private:
  const json* value_;
};

// The same value as the quick library sees it. Where it finds something it
// agrees with the other; it does not find what is in arrays.
class QuickValue {
 public:
  explicit QuickValue(simdjson::dom::element value) : value_(value) {}

  bool is_object() const { return value_.is_object(); }
  bool is_null() const { return value_.is_null(); }
  // Of equal keys the last counts.
  absl::optional<QuickValue> Find(absl::string_view name) const {
    absl::optional<QuickValue> found;
    simdjson::dom::object object;
    if (value_.get_object().get(object) != simdjson::SUCCESS) return found;
    for (const auto& member : object) {
      if (member.key == std::string_view(name.data(), name.size())) {
        found = QuickValue(member.value);
      }
    }
    return found;
  }
  absl::optional<QuickValue> FindPath(
      absl::Span<const std::string> steps) const {
    if (steps.size() > 1) {
      if (auto whole = Find(absl::StrJoin(steps, "."))) return whole;
    }
    absl::optional<QuickValue> at = *this;
    for (const std::string& step : steps) {
      if (at.has_value()) at = at->Find(step);
    }
    return at;
  }
  // Nothing for what would have to be brought into canonical form.
  absl::optional<std::string> Text() const {
    if (value_.is_object() || value_.is_array()) return absl::nullopt;
    std::string_view text;
    if (value_.get_string().get(text) == simdjson::SUCCESS) {
      return std::string(text);
    }
    double number = 0;
    if (value_.type() == simdjson::dom::element_type::DOUBLE &&
        value_.get(number) == simdjson::SUCCESS) {
      return JsonNumber(number);
    }
    return std::string(simdjson::minify(value_));
  }

 private:
  simdjson::dom::element value_;
};

// Valid until this thread parses the next one.
absl::optional<QuickValue> ParseQuickly(absl::string_view text) {
  thread_local simdjson::dom::parser parser;
  if (text.size() > kQuickBytesMax) return absl::nullopt;
  if (parser.max_depth() != kJsonDepthMax &&
      parser.allocate(kQuickBytesMin, kJsonDepthMax) != simdjson::SUCCESS) {
    return absl::nullopt;
  }
  simdjson::dom::element value;
  if (parser.parse(text.data(), text.size()).get(value) != simdjson::SUCCESS) {
    return absl::nullopt;
  }
  return QuickValue(value);
}

template <typename Value>
absl::optional<Value> FirstOf(const Value& row,
                              absl::Span<const absl::string_view> names) {
  for (const absl::string_view name : names) {
    if (absl::optional<Value> found = row.Find(name)) return found;
  }
  return absl::nullopt;
}

// False when the text cannot be told in this way.
template <typename Value>
bool TakeText(const absl::optional<Value>& value,
              absl::optional<std::string>& text) {
  if (!value.has_value() || value->is_null()) return true;
  text = value->Text();
  return text.has_value();
}

}  // namespace

absl::StatusOr<Fields::Path> Fields::MakePath(absl::string_view option_name,
                                              const std::string& path,
                                              absl::string_view model,
                                              absl::string_view method) {
  Path result;
  if (path.empty()) return result;
  result.option = absl::StrCat("--", option_name);
  for (const absl::string_view step : absl::StrSplit(path, '.')) {
    if (step.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          result.option, ": ", Quoted(path), " has an empty step"));
    }
    absl::StatusOr<std::string> filled =
        FillPlaceholders(step, {{"model", model}, {"method", method}});
    if (!filled.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(result.option, ": ", filled.status().message()));
    }
    result.steps.push_back(*std::move(filled));
  }
  return result;
}

absl::StatusOr<Fields> Fields::Create(const FieldOptions& options,
                                      absl::string_view model,
                                      absl::string_view method) {
  Fields fields;
  const struct {
    absl::string_view name;
    const std::string& option;
    Path& path;
  } paths[] = {
      {"input-field", options.input_field, fields.input_},
      {"target-field", options.target_field, fields.target_},
      {"response-field", options.response_field, fields.response_},
  };
  for (const auto& entry : paths) {
    absl::StatusOr<Path> path =
        MakePath(entry.name, entry.option, model, method);
    if (!path.ok()) return path.status();
    entry.path = *std::move(path);
  }
  return fields;
}

template <typename Value>
absl::StatusOr<absl::optional<RowFields>> Fields::ResolveIn(
    const Value& row) const {
  if (!row.is_object()) {
    return absl::InvalidArgumentError("the row is not a JSON object");
  }
  absl::optional<Value> input = FirstOf(row, kDefaultInputFields);
  absl::optional<Value> target = FirstOf(row, kDefaultTargetFields);
  absl::optional<Value> response;
  const std::pair<const Path*, absl::optional<Value>*> asked[] = {
      {&input_, &input}, {&target_, &target}, {&response_, &response}};
  for (const auto& [path, value] : asked) {
    if (path->steps.empty()) continue;
    *value = row.FindPath(path->steps);
    if (!value->has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("no field ", Quoted(absl::StrJoin(path->steps, ".")),
                       ", which ", path->option, " asks for"));
    }
  }
  RowFields fields;
  fields.has_response = response.has_value();
  if (!TakeText(input, fields.input) || !TakeText(target, fields.target) ||
      !TakeText(response, fields.response)) {
    return absl::optional<RowFields>();
  }
  return absl::optional<RowFields>(std::move(fields));
}

absl::StatusOr<RowFields> Fields::Resolve(absl::string_view row_json) const {
  // What the quick library refuses, integers beyond 64 bits among it, and all
  // errors are the other's.
  if (const auto row = ParseQuickly(row_json)) {
    absl::StatusOr<absl::optional<RowFields>> fields = ResolveIn(*row);
    if (fields.ok() && fields->has_value()) return **std::move(fields);
  }
  absl::StatusOr<json> row = ParseJson(row_json);
  if (!row.ok()) return row.status();
  absl::StatusOr<absl::optional<RowFields>> fields = ResolveIn(TreeValue(*row));
  if (!fields.ok()) return fields.status();
  return **std::move(fields);
}

}  // namespace runner
