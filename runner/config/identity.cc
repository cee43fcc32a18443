#include "runner/config/identity.h"

#include <map>
#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "runner/base/json.h"
#include "runner/base/placeholders.h"

namespace runner {
namespace {

using nlohmann::json;

void SetIfGiven(absl::string_view key, const std::string& value, json& object) {
  if (!value.empty()) object[std::string(key)] = value;
}

// Leaves of nested objects by dotted key, each as canonical JSON. An empty
// object is a leaf, or it could not be told from no object.
void Flatten(const json& value, const std::string& key,
             std::map<std::string, std::string>& leaves) {
  if (!value.is_object() || (value.empty() && !key.empty())) {
    leaves[key] = CanonicalJson(value);
    return;
  }
  for (auto it = value.begin(); it != value.end(); ++it) {
    Flatten(it.value(),
            key.empty() ? it.key() : absl::StrCat(key, ".", it.key()), leaves);
  }
}

absl::StatusOr<std::map<std::string, std::string>> Leaves(
    absl::string_view text) {
  absl::StatusOr<json> value = ParseJson(text);
  if (!value.ok()) return value.status();
  if (!value->is_object()) {
    return absl::InvalidArgumentError("not a JSON object");
  }
  std::map<std::string, std::string> leaves;
  Flatten(*value, "", leaves);
  return leaves;
}

// Takes "_{name}" (or "{name}_", or "{name}") out of a pattern.
void Omit(absl::string_view name, std::string& pattern) {
  const std::string placeholder = absl::StrCat("{", name, "}");
  absl::StrReplaceAll({{absl::StrCat("_", placeholder), ""}}, &pattern);
  absl::StrReplaceAll({{absl::StrCat(placeholder, "_"), ""}}, &pattern);
  absl::StrReplaceAll({{placeholder, ""}}, &pattern);
}

}  // namespace

std::string IdentityJson(const IdentityFields& fields) {
  json object = json::object();
  object["evaluator"] = fields.evaluator;
  object["seed"] = fields.seed;
  SetIfGiven("model", fields.model, object);
  SetIfGiven("method", fields.method, object);
  SetIfGiven("id_field", fields.id_field, object);
  SetIfGiven("input_field", fields.input_field, object);
  SetIfGiven("response_field", fields.response_field, object);
  SetIfGiven("worker_command", fields.worker_command, object);
  SetIfGiven("prompt_template", fields.prompt_template, object);
  SetIfGiven("system_prompt", fields.system_prompt, object);
  if (!fields.request_json.empty()) {
    object["request"] = json::parse(fields.request_json, nullptr, false);
  }
  return CanonicalJson(object);
}

std::string ScoringJson(const ScoringFields& fields) {
  json object = json::object();
  object["scorer"] = fields.scorers;
  SetIfGiven("scorer_command", fields.scorer_command, object);
  SetIfGiven("target_field", fields.target_field, object);
  SetIfGiven("extract_regex", fields.extract_regex, object);
  SetIfGiven("extract", fields.extract, object);
  return CanonicalJson(object);
}

std::string SelectionJson(const SelectionFields& fields) {
  json object = json::object();
  object["runs"] = fields.runs;
  if (fields.num_samples > 0) object["num_samples"] = fields.num_samples;
  if (!fields.sample_ids.empty()) object["sample_id"] = fields.sample_ids;
  if (fields.shuffle) object["shuffle"] = true;
  SetIfGiven("shard", fields.shard, object);
  return CanonicalJson(object);
}

absl::StatusOr<std::vector<JsonDifference>> DiffJson(
    absl::string_view old_json, absl::string_view new_json) {
  auto old_leaves = Leaves(old_json);
  if (!old_leaves.ok()) return old_leaves.status();
  auto new_leaves = Leaves(new_json);
  if (!new_leaves.ok()) return new_leaves.status();
  std::map<std::string, JsonDifference> by_key;
  for (auto& [key, value] : *old_leaves) by_key[key].old_json = value;
  for (auto& [key, value] : *new_leaves) by_key[key].new_json = value;
  std::vector<JsonDifference> differences;
  for (auto& [key, difference] : by_key) {
    if (difference.old_json == difference.new_json) continue;
    difference.key = key;
    differences.push_back(std::move(difference));
  }
  return differences;
}

absl::StatusOr<std::string> BenchmarkId(absl::string_view pattern,
                                        absl::string_view dataset,
                                        absl::string_view model,
                                        absl::string_view method) {
  std::string present(pattern);
  if (model.empty()) Omit("model", present);
  if (method.empty()) Omit("method", present);
  absl::StatusOr<std::string> id = FillPlaceholders(
      present, {{"dataset", dataset}, {"model", model}, {"method", method}});
  if (id.ok() && id->empty()) {
    return absl::InvalidArgumentError("the benchmark id is empty");
  }
  return id;
}

std::string FileNameSafe(absl::string_view text) {
  std::string safe(text);
  for (char& c : safe) {
    const bool kept = absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                      c == '.' || c == '_' || c == '-';
    if (!kept) c = '_';
  }
  return safe;
}

std::string RunId(absl::Time start, absl::TimeZone zone,
                  absl::string_view dataset, absl::string_view model,
                  absl::string_view method, absl::string_view identity_hash) {
  std::string id = absl::FormatTime("%Y%m%d", start, zone);
  for (const absl::string_view name : {dataset, model, method}) {
    if (!name.empty()) absl::StrAppend(&id, "_", FileNameSafe(name));
  }
  const std::string hash =
      absl::StrCat("_", identity_hash.substr(0, kRunIdHashDigits));
  if (id.size() + hash.size() > kRunIdBytesMax) {
    id.resize(kRunIdBytesMax - hash.size());
  }
  return id + hash;
}

std::string ShardName(absl::string_view shard) {
  return absl::StrReplaceAll(shard, {{"/", "of"}});
}

absl::StatusOr<std::string> FreeRunId(
    absl::string_view base,
    const std::function<bool(const std::string&)>& taken) {
  std::string id(base);
  for (int suffix = 2; taken(id); ++suffix) {
    if (suffix > kRunIdSuffixMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("all of ", base, "_2 to ", base, "_", kRunIdSuffixMax,
                       " are taken; move old journals away"));
    }
    id = absl::StrCat(base, "_", suffix);
  }
  return id;
}

}  // namespace runner
