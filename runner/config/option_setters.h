// Setters of option rows, by the type of the member of RunOptions they fill.
#ifndef RUNNER_CONFIG_OPTION_SETTERS_H_
#define RUNNER_CONFIG_OPTION_SETTERS_H_

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "runner/config/option_values.h"
#include "runner/config/options.h"

namespace runner {

inline constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

template <auto kMember>
absl::Status SetText(absl::string_view value, RunOptions& options) {
  options.*kMember = std::string(value);
  return absl::OkStatus();
}

template <auto kMember>
absl::Status SetField(absl::string_view value, RunOptions& options) {
  options.fields.*kMember = std::string(value);
  return absl::OkStatus();
}

template <auto kMember, uint64_t kMin, uint64_t kMax>
absl::Status SetCount(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<uint64_t> count = ParseCount(value, kMin, kMax);
  if (!count.ok()) return count.status();
  auto& member = options.*kMember;
  member = static_cast<std::decay_t<decltype(member)>>(*count);
  return absl::OkStatus();
}

template <auto kMember>
absl::Status SetList(absl::string_view value, RunOptions& options) {
  auto list = ParseList(value);
  if (!list.ok()) return list.status();
  options.*kMember = *std::move(list);
  return absl::OkStatus();
}

template <auto kMember>
absl::Status SetSwitch(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<bool> on = ParseBool(value);
  if (!on.ok()) return on.status();
  options.*kMember = *on;
  return absl::OkStatus();
}

enum class Zero { kAllowed, kRefused };

template <auto kMember, Zero kZero>
absl::Status SetDuration(absl::string_view value, RunOptions& options) {
  const absl::StatusOr<absl::Duration> duration = ParseDuration(value);
  if (!duration.ok()) return duration.status();
  if (kZero == Zero::kRefused && *duration == absl::ZeroDuration()) {
    return absl::InvalidArgumentError("must be more than 0");
  }
  options.*kMember = *duration;
  return absl::OkStatus();
}

}  // namespace runner

#endif  // RUNNER_CONFIG_OPTION_SETTERS_H_
