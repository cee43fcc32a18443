// A chat/completions server for tests: answers from recorded answers, counts
// what it was asked, and misbehaves by plan, down to single bytes.
//
//   FakeOpenAiOptions options;
//   options.answers = {{"7 * 12", "84"}};
//   options.faults = {Fault::kReset, Fault::kStall};
//   auto server = FakeOpenAiServer::Start(options);
//   … server->base_url() …
//   server->stats().answered
#ifndef RUNNER_TESTING_FAKE_OPENAI_SERVER_H_
#define RUNNER_TESTING_FAKE_OPENAI_SERVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace runner {

enum class Fault {
  kRetrySeconds,     // 429, "Retry-After: 1".
  kRetryFraction,    // 429, "Retry-After: 0.05".
  kRetryMs,          // 429, "Retry-After-Ms: 40".
  kRetryImfDate,     // 429, the three forms of a date, one second from now.
  kRetryRfc850Date,  //
  kRetryAsctime,     //
  kTooMany,          // 429 that says nothing more.
  kQuota,            // 429 insufficient_quota: permanent.
  kServerError,      // 500.
  kUnavailable,      // 503, an HTML page.
  kBadRequest,       // 400: permanent.
  kStall,            // Nothing until the client goes away.
  kStallHeader,      // The header, then nothing.
  kCutBody,          // Half of the body that Content-Length promises.
  kCutChunks,        // A chunked body without its end.
  kWrongJson,        // 200 with half a JSON text, complete as HTTP.
  kNotJson,          // 200 with a page.
  kEmptyBody,        // 200 with nothing.
  kNoChoices,        // 200 with a JSON object that is no completion.
  kErrorIn200,       // 200 whose body is {"error": {"code": 503}}.
  kReset,            // The connection is reset before anything is said.
  kResetLate,        // The same, within the body.
  kGarbage,          // Bytes that are no HTTP.
  kKeyEcho,          // 500 that repeats the Authorization header.
  kHugeBody,         // 200 with a body without an end.
  // Whole answers, though odd ones: counted as answered.
  kNullContent,  // "content": null.
  kTrickle,      // A byte at a time.
};

struct FaultName {
  Fault fault;
  const char* name;
};
// Every fault, by the name it has in flags and statistics.
const std::vector<FaultName>& FaultNames();

struct FakeAnswer {
  absl::optional<std::string> output;  // nullopt: "content": null.
  std::string reasoning = {};
};

// "model\nprompt".
std::string FakeKey(absl::string_view model, absl::string_view prompt);

struct FakeOpenAiOptions {
  // By FakeKey(model, prompt), or, for every model, by prompt: the text of the
  // last message. One that is not here gets 404.
  std::map<std::string, FakeAnswer> answers;

  // Which calls go wrong: of `fault_rate` of them one of `faults`, drawn by a
  // hash of (fault_seed, model, prompt, how often it was asked before), and
  // never more than `faults_in_row_max` of one model and prompt in a row.
  std::vector<Fault> faults;
  double fault_rate = 1;
  uint32_t faults_in_row_max = UINT32_MAX;
  uint64_t fault_seed = 1;

  absl::Duration latency;  // Before each answer.
  std::string api_key;     // Set: anything else gets 401.
  uint16_t port = 0;       // 0: any free one.
  // More than this under way at once get 429.
  uint32_t concurrency_max = UINT32_MAX;
};

struct FakeOpenAiStats {
  uint64_t calls = 0;
  uint64_t answered = 0;       // Whole answers, given to the kernel to the end.
  uint64_t prompt_tokens = 0;  // Of what was answered, as are the others.
  uint64_t completion_tokens = 0;
  uint64_t concurrent_max = 0;
  std::map<std::string, uint64_t> faults;  // By name.
  // By FakeKey: how often it was answered.
  std::map<std::string, uint64_t> answered_by_prompt;
};

// {"prompt": "…", "output": "…" or null, "reasoning": "…"} a line.
// InvalidArgument, NotFound.
absl::StatusOr<std::map<std::string, FakeAnswer>> ReadFakeAnswers(
    const std::string& path);

// How a fake server counts the tokens of a text: its bytes.
uint64_t FakeTokens(absl::string_view text);

// Thread-safe. Listens on 127.0.0.1, a thread a connection, at most
// kFakeConnectionsMax. GET /stats answers with the counts as JSON.
inline constexpr int kFakeConnectionsMax = 2048;
class FakeOpenAiServer {
 public:
  static absl::StatusOr<std::unique_ptr<FakeOpenAiServer>> Start(
      FakeOpenAiOptions options);
  virtual ~FakeOpenAiServer() = default;  // Ends every connection.

  virtual std::string base_url() const = 0;  // "http://127.0.0.1:PORT/v1".
  virtual FakeOpenAiStats stats() const = 0;
  // The bodies of all calls so far, in order of arrival, the newest
  // kFakeBodiesMax.
  static constexpr size_t kFakeBodiesMax = 1000;
  virtual std::vector<std::string> bodies() const = 0;
  // Waits until there were so many calls; false after a minute.
  virtual bool WaitForCalls(uint64_t calls) const = 0;
};

}  // namespace runner

#endif  // RUNNER_TESTING_FAKE_OPENAI_SERVER_H_
