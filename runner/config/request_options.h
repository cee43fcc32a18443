// What an HTTP evaluator is asked besides the prompt, as the options say it.
#ifndef RUNNER_CONFIG_REQUEST_OPTIONS_H_
#define RUNNER_CONFIG_REQUEST_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace runner {

// Of a file that an option's value names with @, or --request-json.
inline constexpr size_t kOptionFileBytesMax = 4 << 20;

struct RequestOptions {
  std::string prompt_template;  // The text itself; empty: the input field.
  std::string system_prompt;
  absl::optional<double> temperature;
  absl::optional<double> top_p;
  absl::optional<uint64_t> max_tokens;
  std::vector<std::string> stop;
  std::string json;  // --request-json: what the file holds, canonical.
};

// What is sent with every request, as one canonical JSON object: what the file
// says, and over it what the options say. Empty when that is nothing.
std::string ChatParametersJson(const RequestOptions& options);

// `value`, or what the file holds that it names as "@FILE". InvalidArgument.
absl::StatusOr<std::string> TextOrFile(absl::string_view value);

// What the file holds, as canonical JSON. InvalidArgument, also for what
// CheckChatParameters refuses.
absl::StatusOr<std::string> ReadRequestJson(absl::string_view path);

// "TEXT", or ["A", "B"] for several: 1 to kStopsMax, none empty.
inline constexpr size_t kStopsMax = 16;
absl::StatusOr<std::vector<std::string>> ParseStop(absl::string_view value);

// Requests per second: "5", "0.5/s", "300/min", "10000/h".
absl::StatusOr<double> ParseRate(absl::string_view value);

}  // namespace runner

#endif  // RUNNER_CONFIG_REQUEST_OPTIONS_H_
