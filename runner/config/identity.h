// What a benchmark is, as canonical JSON: what must be the same for results to
// belong together, how they are scored, and which of them are asked for.
#ifndef RUNNER_CONFIG_IDENTITY_H_
#define RUNNER_CONFIG_IDENTITY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace runner {

// Hex digits of a hash that people and results are shown, of its 64.
inline constexpr int kShownHashDigits = 16;
inline constexpr int kRunIdHashDigits = 8;

// The identity options of one benchmark. An empty member is not set and does
// not appear in the JSON, so that an option added later changes no old hash.
struct IdentityFields {
  std::string evaluator = {};
  std::string model = {};
  std::string method = {};
  std::string id_field = {};
  std::string input_field = {};
  std::string response_field = {};
  std::string worker_command = {};
  std::string prompt_template = {};  // The text, wherever it came from.
  std::string system_prompt = {};
  std::string request_json = {};  // An object: ChatParametersJson.
  uint64_t seed = 0;
};
std::string IdentityJson(const IdentityFields& fields);

struct ScoringFields {
  std::string target_field = {};
  std::string extract_regex = {};
  std::string extract = {};
  std::vector<std::string> scorers = {};  // As asked for, in order.
  std::string scorer_command = {};
};
std::string ScoringJson(const ScoringFields& fields);

struct SelectionFields {
  uint32_t runs = 1;
  uint64_t num_samples = 0;  // 0: all.
  std::vector<std::string> sample_ids = {};
  bool shuffle = false;
  std::string shard = {};  // "2/4"; empty: the whole.
};
std::string SelectionJson(const SelectionFields& fields);

// A key (dotted where objects nest) whose value differs. A side that does not
// have the key has an empty text.
struct JsonDifference {
  std::string key;
  std::string old_json;
  std::string new_json;
};

// What differs between two JSON objects, sorted by key. Arrays are compared
// whole. InvalidArgument when a text is not a JSON object.
absl::StatusOr<std::vector<JsonDifference>> DiffJson(
    absl::string_view old_json, absl::string_view new_json);

inline constexpr absl::string_view kDefaultBenchmarkId =
    "{dataset}_{model}_{method}";

// `pattern` filled in. A placeholder without a value goes together with the
// `_` before it (or, at the start, after it). InvalidArgument for an unknown
// placeholder and when nothing is left.
absl::StatusOr<std::string> BenchmarkId(absl::string_view pattern,
                                        absl::string_view dataset,
                                        absl::string_view model,
                                        absl::string_view method);

// A run id's longest length, so that it is a file name with room for suffixes.
inline constexpr size_t kRunIdBytesMax = 200;

// `{YYYYMMDD}_{dataset}_{model}_{method}_{hash8}`: an absent model or method
// is omitted, other characters than [A-Za-z0-9._-] become `_`, and what is too
// long loses the end of its names, never date or hash.
std::string RunId(absl::Time start, absl::TimeZone zone,
                  absl::string_view dataset, absl::string_view model,
                  absl::string_view method, absl::string_view identity_hash);

// "2of4" for shard "2/4", as run ids and result files name it.
std::string ShardName(absl::string_view shard);

// `base`, or the first of `base_2`, `base_3`, ... that `taken` denies.
// ResourceExhausted after kRunIdSuffixMax.
inline constexpr int kRunIdSuffixMax = 100000;
absl::StatusOr<std::string> FreeRunId(
    absl::string_view base,
    const std::function<bool(const std::string&)>& taken);

// `text` with other characters than [A-Za-z0-9._-] as `_`.
std::string FileNameSafe(absl::string_view text);

}  // namespace runner

#endif  // RUNNER_CONFIG_IDENTITY_H_
