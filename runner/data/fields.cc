#include "runner/data/fields.h"

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

constexpr absl::string_view kDefaultInputFields[] = {"input", "prompt",
                                                     "question"};
constexpr absl::string_view kDefaultTargetFields[] = {"target", "answer"};

const json* FirstOf(const json& row,
                    absl::Span<const absl::string_view> names) {
  for (const absl::string_view name : names) {
    const auto found = row.find(std::string(name));
    if (found != row.end()) return &*found;
  }
  return nullptr;
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

absl::StatusOr<RowFields> Fields::ResolveObject(const json& row) const {
  if (!row.is_object()) {
    return absl::InvalidArgumentError("the row is not a JSON object");
  }
  const json* input = FirstOf(row, kDefaultInputFields);
  const json* target = FirstOf(row, kDefaultTargetFields);
  const json* response = nullptr;
  const std::pair<const Path*, const json**> asked[] = {
      {&input_, &input}, {&target_, &target}, {&response_, &response}};
  for (const auto& [path, value] : asked) {
    if (path->steps.empty()) continue;
    *value = FindPath(row, path->steps);
    if (*value == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("no field ", Quoted(absl::StrJoin(path->steps, ".")),
                       ", which ", path->option, " asks for"));
    }
  }
  RowFields fields;
  if (input != nullptr && !input->is_null()) fields.input = RenderText(*input);
  if (target != nullptr && !target->is_null()) {
    fields.target = RenderText(*target);
  }
  fields.has_response = response != nullptr;
  if (response != nullptr && !response->is_null()) {
    fields.response = RenderText(*response);
  }
  return fields;
}

absl::StatusOr<RowFields> Fields::Resolve(absl::string_view row_json) const {
  absl::StatusOr<json> row = ParseJson(row_json);
  if (!row.ok()) return row.status();
  return ResolveObject(*row);
}

}  // namespace runner
