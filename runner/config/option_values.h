// The texts of option values turned into values. Errors say what would be
// right; the caller adds which option it was.
#ifndef RUNNER_CONFIG_OPTION_VALUES_H_
#define RUNNER_CONFIG_OPTION_VALUES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "runner/base/nearest.h"

namespace runner {

// A whole number within [min, max].
absl::StatusOr<uint64_t> ParseCount(absl::string_view text, uint64_t min,
                                    uint64_t max);

absl::StatusOr<double> ParseNumber(absl::string_view text);

// "true", "yes", "on", "1" and their opposites.
absl::StatusOr<bool> ParseBool(absl::string_view text);

// "100ms", "10s", "5m", "2h", "1h30m"; a bare number is seconds. Not negative
// and not infinite.
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);

// "a,b": trimmed, none empty, none twice, at most kListEntriesMax.
inline constexpr size_t kListEntriesMax = 1000;
absl::StatusOr<std::vector<std::string>> ParseList(absl::string_view text);

}  // namespace runner

#endif  // RUNNER_CONFIG_OPTION_VALUES_H_
