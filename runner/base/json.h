// JSON as the runner uses it: parsed without exceptions and with bounded depth,
// written in one canonical form.
//
//   absl::StatusOr<nlohmann::json> row = ParseJson(text);
//   const nlohmann::json* answer = FindPath(*row, "gpt-4.solution");
//   std::string text = RenderText(*answer);
//
// Files that only pass texts on need no more than nlohmann/json_fwd.hpp, which
// is what this header includes.
#ifndef RUNNER_BASE_JSON_H_
#define RUNNER_BASE_JSON_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace runner {

// How deep objects and arrays may nest. What walks a parsed value may recurse.
inline constexpr int kJsonDepthMax = 128;

// Parses one JSON text. Of equal keys in an object the last counts. Invalid
// UTF-8, numbers that no double can hold, and anything deeper than
// kJsonDepthMax are errors. InvalidArgument: "column N: what" (bytes, from 1).
absl::StatusOr<nlohmann::json> ParseJson(absl::string_view text);

// Whether there are at most `values_max` brackets and commas outside of
// strings, counted before the text is parsed, so that a finely divided text
// costs no more memory than its length warrants. InvalidArgument if not.
absl::Status CheckJsonValueCount(absl::string_view text, size_t values_max);

// Canonical form: keys sorted by their bytes, no spaces, strings in UTF-8 with
// only what must be escaped escaped, integers in decimal, other numbers in the
// shortest form that reads back equal; a number without a fraction is written
// as an integer (1.0 is 1, -0.0 is 0). Invalid UTF-8 becomes U+FFFD.
std::string CanonicalJson(const nlohmann::json& value);
absl::StatusOr<std::string> CanonicalJson(absl::string_view text);

// The value at a dotted path ("a.b.0"), null when there is none. A key that is
// the whole path, dots included, goes before the steps; a number steps into an
// array.
const nlohmann::json* FindPath(const nlohmann::json& value,
                               absl::string_view dotted_path);
// The same, with the steps given: none of them is split at dots.
const nlohmann::json* FindPath(const nlohmann::json& value,
                               absl::Span<const std::string> steps);

// A value as text for a prompt or a score: strings as they are, null as the
// empty string, all else as canonical JSON.
std::string RenderText(const nlohmann::json& value);

// A quoted JSON string. Invalid UTF-8 becomes U+FFFD.
std::string JsonString(absl::string_view text);
void AppendJsonString(absl::string_view text, std::string& out);

// A JSON number as CanonicalJson writes it; "null" for infinities and NaN.
std::string JsonNumber(double value);

}  // namespace runner

#endif  // RUNNER_BASE_JSON_H_
