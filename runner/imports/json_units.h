// A JSON text divided into its parts, each given as soon as it is whole: of a
// text that is cut, all parts before the cut.
#ifndef RUNNER_IMPORTS_JSON_UNITS_H_
#define RUNNER_IMPORTS_JSON_UNITS_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace runner {

struct JsonUnit {
  // The member of the top level that it is, or is in; empty in a top-level
  // array.
  std::string section;
  bool divided = false;  // A part of the section, and not the whole of it.
  std::string key;       // Of a part of an object.
  nlohmann::json value;
};

struct JsonUnitsEnd {
  bool whole = false;   // The text is one JSON value, to its end.
  bool closed = false;  // There is a whole value, whatever comes behind it.
  // Unless `whole`: where it stops being one, and why, printable and short.
  uint64_t offset = 0;
  std::string why;
  bool too_large = false;  // That is why: of `values_max`.
};

// Calls `visit` for each member of the top-level object; for those that
// `divided` names, if they are arrays or objects, for each of their parts. The
// parts of a top-level array are given in the same way. `begun` is called for
// each section's name, also of one that is cut. Nothing may nest deeper than
// kJsonDepthMax, and no unit hold more than `values_max` values, at any depth.
// Of equal keys all are given.
JsonUnitsEnd ReadJsonUnits(
    absl::string_view text, absl::Span<const absl::string_view> divided,
    size_t values_max, absl::FunctionRef<void(absl::string_view section)> begun,
    absl::FunctionRef<void(JsonUnit unit)> visit);

// Python writes NaN, Infinity and -Infinity, which are no JSON, and halves of
// characters ("\ud83d"). Replaces them in place, so that no offset changes: the
// infinite ones by null, NaN by a text that ReadJsonUnits and NullMissing take
// for null, the halves by U+FFFD. Strings do not go beyond a line, as in all
// JSON.
void MendPythonJson(std::string& text);

// Makes null of what was NaN, in a value that was parsed by other means. At
// most kJsonDepthMax deep.
void NullMissing(nlohmann::json& value);

}  // namespace runner

#endif  // RUNNER_IMPORTS_JSON_UNITS_H_
