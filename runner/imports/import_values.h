// Single values as other systems write them: times, numbers, names, and
// configurations that may hold secrets.
#ifndef RUNNER_IMPORTS_IMPORT_VALUES_H_
#define RUNNER_IMPORTS_IMPORT_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace runner {

// Seconds since 1970, or a text: "2026-01-02T03:04:05.678+00:00", the same with
// a space, or without a zone, which is local time then; "20260102_030405".
// Nothing for what is none, or not between 2000 and 2200.
absl::optional<absl::Time> ImportTime(const nlohmann::json& value);

// A finite number of at most `max`, not negative; nothing for anything else.
absl::optional<double> ImportNumber(const nlohmann::json& value, double max);
// The same for a count, which a double may hold.
absl::optional<uint64_t> ImportCount(const nlohmann::json& value, uint64_t max);
// A finite number of at most kImportedScoreMax in either direction; true is 1,
// false is 0.
inline constexpr double kImportedScoreMax = 1e15;
absl::optional<double> ImportScore(const nlohmann::json& value);

// An id or a name: a text, or a number as text; empty for anything else.
std::string ImportName(const nlohmann::json& value);
// A name that consists of digits as the number that it is.
absl::optional<uint64_t> NumberOfName(absl::string_view name);

// Canonical JSON in which values are replaced whose keys sound like a secret
// (api_key, token, password). Longer than kImportedConfigBytesMax, its size.
inline constexpr size_t kImportedConfigBytesMax = 256 << 10;
std::string ImportConfig(const nlohmann::json& config);

// What is said where more is in a file than is kept of it.
std::string MoreThan(size_t limit, absl::string_view what);

}  // namespace runner

#endif  // RUNNER_IMPORTS_IMPORT_VALUES_H_
