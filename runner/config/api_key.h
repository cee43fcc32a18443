// The API key and the base URL of an HTTP evaluator: where they come from, and
// how the key is kept from showing.
#ifndef RUNNER_CONFIG_API_KEY_H_
#define RUNNER_CONFIG_API_KEY_H_

#include <string>

#include "absl/status/statusor.h"
#include "runner/config/options.h"

namespace runner {

inline constexpr char kOpenAiKeyVariable[] = "OPENAI_API_KEY";
inline constexpr char kOpenAiUrlVariable[] = "OPENAI_BASE_URL";
inline constexpr char kOpenAiUrl[] = "https://api.openai.com/v1";

struct OpenAiEndpoint {
  std::string base_url;
  std::string api_key;  // Empty: none is sent.
};

// What the options say, else the two variables, which other clients of the same
// servers read, too, else OpenAI's own URL, for which a key is needed.
// InvalidArgument; the message does not hold the key. Not safe beside setenv.
absl::StatusOr<OpenAiEndpoint> FindOpenAiEndpoint(const RunOptions& options);

// Overwrites the value of --api-key in the process's own arguments, where `ps`
// shows them. Called before anything else, after the arguments were copied.
void HideApiKey(int argc, char** argv);

}  // namespace runner

#endif  // RUNNER_CONFIG_API_KEY_H_
