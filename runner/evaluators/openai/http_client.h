// Sends requests over HTTP, hundreds at once on one thread.
//
//   auto client = HttpClient::Create(options);
//   (*client)->Post(request, [](HttpResponse response) { … });
#ifndef RUNNER_EVALUATORS_OPENAI_HTTP_CLIENT_H_
#define RUNNER_EVALUATORS_OPENAI_HTTP_CLIENT_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace runner {

// Of all header lines of one response.
inline constexpr size_t kHeaderBytesMax = 256 << 10;

// Until a connection stands, TLS included.
inline constexpr absl::Duration kConnectTimeout = absl::Seconds(30);

struct HttpClientOptions {
  std::string url;  // Where everything is posted to.
  // "Name: value" lines sent each time, such as the authorization; secret.
  std::vector<std::string> headers;
  // Connections kept for the next request.
  int connections_max = 1;
  // Of one response, decompressed.
  size_t body_bytes_max = 16 << 20;
};

enum class HttpOutcome {
  kComplete,    // All of the response is here, whatever its status.
  kTimeout,     // Not within the time that it had.
  kConnection,  // Not connected, reset, or cut off: another attempt may do.
  kTooLarge,    // More than body_bytes_max or kHeaderBytesMax.
  kRefused,     // Another attempt ends the same: the certificate, the URL.
  kStopped,     // By Stop().
};

struct HttpResponse {
  HttpOutcome outcome = HttpOutcome::kComplete;
  std::string error;  // What went wrong, unless kComplete. Holds no header.
  int status = 0;
  // Last value of each, by lower-case name.
  std::map<std::string, std::string> headers;
  std::string body;
  absl::Duration latency;
};

// Thread-safe. Uses the proxies that the environment names (http_proxy,
// https_proxy, all_proxy, no_proxy). Follows no redirect: the headers are for
// one server alone. A request leaves at most once: never does the client send
// it again by itself, for that may be billed twice.
class HttpClient {
 public:
  // Called exactly once, on the client's thread or from within Stop or Post.
  // Must not block for long and must not call Stop.
  using Done = std::function<void(HttpResponse)>;

  // InvalidArgument for a URL that cannot be; ResourceExhausted or Internal
  // when libcurl or the thread cannot be started.
  static absl::StatusOr<std::unique_ptr<HttpClient>> Create(
      HttpClientOptions options);

  virtual ~HttpClient() = default;  // Stops.

  // Begins to post a JSON body. `timeout` is of the whole exchange.
  virtual void Post(std::string body, absl::Duration timeout, Done done) = 0;

  // Ends what is under way with kStopped. Returns when all Done calls have
  // returned.
  virtual void Stop() = 0;
};

// `base_url` with "/chat/completions" behind its path; a query stays.
// InvalidArgument unless it is an http or https URL without a user's name and
// password (which would be journaled).
absl::StatusOr<std::string> ChatCompletionsUrl(const std::string& base_url);

}  // namespace runner

#endif  // RUNNER_EVALUATORS_OPENAI_HTTP_CLIENT_H_
