#include "runner/evaluators/openai/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <limits>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "runner/base/text.h"

namespace runner {
namespace {

// How long the thread sleeps at most when nothing happens.
constexpr int kPollMsMax = 1000;

// libcurl's global state, once for the process; never given back, since other
// threads may use it at the end.
absl::Status InitializeCurl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_ALL);
  if (code == CURLE_OK) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("libcurl: ", curl_easy_strerror(code)));
}

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using EasyHandle = std::unique_ptr<CURL, EasyDeleter>;
using MultiHandle = std::unique_ptr<CURLM, MultiDeleter>;
using HeaderList = std::unique_ptr<curl_slist, ListDeleter>;

// One request on its way.
struct Exchange {
  std::string body;
  size_t body_sent = 0;
  absl::Duration timeout;
  HttpClient::Done done;
  EasyHandle easy;
  size_t body_bytes_max = 0;
  size_t header_bytes = 0;
  bool too_large = false;
  HttpResponse response;
};

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const size_t bytes = size * count;
  std::string& body = exchange.response.body;
  if (bytes > exchange.body_bytes_max - body.size()) {
    exchange.too_large = true;
    return CURL_WRITEFUNC_ERROR;
  }
  body.append(data, bytes);
  return bytes;
}

// One line of the header at a time.
size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const size_t bytes = size * count;
  exchange.header_bytes += bytes;
  if (exchange.header_bytes > kHeaderBytesMax) {
    exchange.too_large = true;
    return 0;
  }
  const absl::string_view line(data, bytes);
  const size_t colon = line.find(':');
  // The line of the status begins another header: that of a proxy, or of
  // 100 Continue, came before.
  if (colon == absl::string_view::npos || line.substr(0, 5) == "HTTP/") {
    if (line.substr(0, 5) == "HTTP/") exchange.response.headers.clear();
    return bytes;
  }
  exchange.response.headers[absl::AsciiStrToLower(line.substr(0, colon))] =
      std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)));
  return bytes;
}

// The body is read by this and cannot be rewound, so that libcurl, which
// silently repeats a request whose reused connection dies, fails instead.
size_t OnRead(char* out, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const size_t bytes =
      std::min(size * count, exchange.body.size() - exchange.body_sent);
  std::memcpy(out, exchange.body.data() + exchange.body_sent, bytes);
  exchange.body_sent += bytes;
  return bytes;
}

HttpOutcome OutcomeOf(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return HttpOutcome::kComplete;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpOutcome::kTimeout;
    case CURLE_URL_MALFORMAT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_LOGIN_DENIED:
      return HttpOutcome::kRefused;
    default:
      return HttpOutcome::kConnection;
  }
}

std::string ErrorText(CURLcode code) {
  // It was about to be sent again (OnRead).
  if (code == CURLE_SEND_FAIL_REWIND) {
    return "the connection was closed before an answer came";
  }
  return curl_easy_strerror(code);
}

class CurlClient final : public HttpClient {
 public:
  explicit CurlClient(HttpClientOptions options)
      : options_(std::move(options)) {}
  ~CurlClient() override { Stop(); }

  absl::Status Begin();
  void Post(std::string body, absl::Duration timeout, Done done) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Stop() override ABSL_LOCKS_EXCLUDED(mutex_, stop_mutex_);

 private:
  using ExchangePtr = std::unique_ptr<Exchange>;

  // All of these run on the thread.
  void Loop();
  void SendQueued() ABSL_LOCKS_EXCLUDED(mutex_);
  void Send(ExchangePtr exchange);
  bool SetOptions(CURL* easy, Exchange& exchange);
  void FinishDone();
  void Finish(ExchangePtr exchange, CURLcode code);
  void StopAll() ABSL_LOCKS_EXCLUDED(mutex_);
  static void Fail(Exchange& exchange, HttpOutcome outcome, std::string error);

  const HttpClientOptions options_;
  MultiHandle multi_;
  HeaderList headers_;
  std::thread thread_;

  // The thread's.
  std::map<CURL*, ExchangePtr> under_way_;
  std::vector<EasyHandle> idle_;  // At most as many as were under way at once.

  absl::Mutex stop_mutex_;  // One Stop at a time.
  absl::Mutex mutex_;
  std::deque<ExchangePtr> queue_ ABSL_GUARDED_BY(mutex_);
  bool stop_ ABSL_GUARDED_BY(mutex_) = false;
};

absl::Status CurlClient::Begin() {
  absl::Status status = InitializeCurl();
  if (!status.ok()) return status;
  multi_.reset(curl_multi_init());
  if (multi_ == nullptr) {
    return absl::ResourceExhaustedError("libcurl: no memory for the client");
  }
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS,
                    static_cast<long>(options_.connections_max));
  std::vector<std::string> headers = options_.headers;
  headers.emplace_back("Content-Type: application/json");
  headers.emplace_back("Accept: application/json");
  headers.emplace_back("Expect:");  // A large body is sent without asking.
  for (const std::string& header : headers) {
    curl_slist* longer = curl_slist_append(headers_.get(), header.c_str());
    if (longer == nullptr) {
      return absl::ResourceExhaustedError("libcurl: no memory for a header");
    }
    headers_.release();
    headers_.reset(longer);
  }
  try {
    thread_ = std::thread([this] { Loop(); });
  } catch (const std::system_error& error) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no thread for HTTP: ", error.what()));
  }
  return absl::OkStatus();
}

void CurlClient::Post(std::string body, absl::Duration timeout, Done done) {
  auto exchange = std::make_unique<Exchange>();
  exchange->body = std::move(body);
  exchange->timeout = timeout;
  exchange->body_bytes_max = options_.body_bytes_max;
  exchange->done = std::move(done);
  {
    absl::MutexLock lock(&mutex_);
    if (!stop_) queue_.push_back(std::move(exchange));
  }
  if (exchange != nullptr) {
    Fail(*exchange, HttpOutcome::kStopped, "the client was stopped");
    return;
  }
  curl_multi_wakeup(multi_.get());
}

void CurlClient::Stop() {
  absl::MutexLock stopping(&stop_mutex_);
  {
    absl::MutexLock lock(&mutex_);
    stop_ = true;
  }
  if (!thread_.joinable()) return;
  curl_multi_wakeup(multi_.get());
  thread_.join();
}

void CurlClient::Loop() {
  // Signals are for other threads; a connection that breaks while OpenSSL
  // writes to it would raise SIGPIPE here.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      if (stop_) break;
    }
    SendQueued();
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    FinishDone();
    curl_multi_poll(multi_.get(), nullptr, 0, kPollMsMax, nullptr);
  }
  StopAll();
}

void CurlClient::SendQueued() {
  std::deque<ExchangePtr> queued;
  {
    absl::MutexLock lock(&mutex_);
    queued.swap(queue_);
  }
  for (ExchangePtr& exchange : queued) Send(std::move(exchange));
}

void CurlClient::Send(ExchangePtr exchange) {
  if (!idle_.empty()) {
    exchange->easy = std::move(idle_.back());
    idle_.pop_back();
  } else {
    exchange->easy.reset(curl_easy_init());
  }
  CURL* const easy = exchange->easy.get();
  if (easy == nullptr || !SetOptions(easy, *exchange) ||
      curl_multi_add_handle(multi_.get(), easy) != CURLM_OK) {
    Fail(*exchange, HttpOutcome::kConnection, "libcurl: out of memory");
    return;
  }
  under_way_[easy] = std::move(exchange);
}

bool CurlClient::SetOptions(CURL* easy, Exchange& exchange) {
  const auto ms = [](absl::Duration time) {
    // 0 would be no limit.
    return static_cast<long>(std::clamp<int64_t>(
        absl::ToInt64Milliseconds(time), 1, std::numeric_limits<int>::max()));
  };
  bool ok = true;
  const auto set = [easy, &ok](CURLoption option, auto value) {
    ok = curl_easy_setopt(easy, option, value) == CURLE_OK && ok;
  };
  set(CURLOPT_URL, options_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  // One request a connection at a time: a connection that breaks costs one.
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_ACCEPT_ENCODING, "");  // All that are built in.
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDSIZE_LARGE,
      static_cast<curl_off_t>(exchange.body.size()));
  set(CURLOPT_READFUNCTION, &OnRead);
  set(CURLOPT_READDATA, static_cast<void*>(&exchange));
  set(CURLOPT_WRITEFUNCTION, &OnBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
  set(CURLOPT_HEADERFUNCTION, &OnHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(&exchange));
  set(CURLOPT_TIMEOUT_MS, ms(exchange.timeout));
  set(CURLOPT_CONNECTTIMEOUT_MS,
      ms(std::min(exchange.timeout, kConnectTimeout)));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  return ok;
}

void CurlClient::FinishDone() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    // The message goes when its handle is removed.
    const CURLcode code = message->data.result;
    auto found = under_way_.find(message->easy_handle);
    if (found == under_way_.end()) continue;
    ExchangePtr exchange = std::move(found->second);
    under_way_.erase(found);
    curl_multi_remove_handle(multi_.get(), exchange->easy.get());
    Finish(std::move(exchange), code);
  }
}

void CurlClient::Finish(ExchangePtr exchange, CURLcode code) {
  CURL* const easy = exchange->easy.get();
  HttpResponse& response = exchange->response;
  long status = 0;
  curl_off_t us = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &us);
  response.status = static_cast<int>(status);
  response.latency = absl::Microseconds(us);
  response.outcome =
      exchange->too_large ? HttpOutcome::kTooLarge : OutcomeOf(code);
  if (response.outcome == HttpOutcome::kTooLarge) {
    response.error = absl::StrCat("the answer is larger than ",
                                  options_.body_bytes_max, " bytes");
  } else if (code != CURLE_OK) {
    response.error = ErrorText(code);
  }
  curl_easy_reset(easy);
  idle_.push_back(std::move(exchange->easy));
  exchange->done(std::move(response));
}

void CurlClient::StopAll() {
  for (auto& [easy, exchange] : under_way_) {
    curl_multi_remove_handle(multi_.get(), easy);
    Fail(*exchange, HttpOutcome::kStopped, "the client was stopped");
  }
  under_way_.clear();
  idle_.clear();
  std::deque<ExchangePtr> queued;
  {
    absl::MutexLock lock(&mutex_);
    queued.swap(queue_);
  }
  for (const ExchangePtr& exchange : queued) {
    Fail(*exchange, HttpOutcome::kStopped, "the client was stopped");
  }
}

void CurlClient::Fail(Exchange& exchange, HttpOutcome outcome,
                      std::string error) {
  HttpResponse response;
  response.outcome = outcome;
  response.error = std::move(error);
  exchange.done(std::move(response));
}

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string UrlPart(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  std::string copy(text);
  curl_free(text);
  return copy;
}

// Whether a parameter's name says that its value is not for everybody.
bool HoldsKey(absl::string_view query) {
  for (const absl::string_view parameter : absl::StrSplit(query, '&')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(parameter, absl::MaxSplits('=', 1));
    const std::string name = absl::AsciiStrToLower(parts.first);
    for (const absl::string_view word :
         {"key", "token", "secret", "password", "signature", "sig", "auth"}) {
      if (absl::StrContains(name, word)) return true;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpClient>> HttpClient::Create(
    HttpClientOptions options) {
  auto client = std::make_unique<CurlClient>(std::move(options));
  absl::Status status = client->Begin();
  if (!status.ok()) return status;
  return std::unique_ptr<HttpClient>(std::move(client));
}

absl::StatusOr<std::string> ChatCompletionsUrl(const std::string& base_url) {
  const std::unique_ptr<CURLU, UrlDeleter> url(curl_url());
  if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, base_url.c_str(),
                                     0) != CURLUE_OK) {
    return absl::InvalidArgumentError(absl::StrCat(
        Quoted(base_url), " is no URL such as http://localhost:8000/v1"));
  }
  const std::string scheme = UrlPart(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    return absl::InvalidArgumentError(absl::StrCat(
        "the URL's scheme ", Quoted(scheme), " is neither http nor https"));
  }
  if (!UrlPart(url.get(), CURLUPART_USER).empty() ||
      !UrlPart(url.get(), CURLUPART_PASSWORD).empty()) {
    return absl::InvalidArgumentError(
        "the URL holds a user or password, which would be journaled; use "
        "--api-key or OPENAI_API_KEY");
  }
  if (HoldsKey(UrlPart(url.get(), CURLUPART_QUERY))) {
    return absl::InvalidArgumentError(
        "the URL's query holds a key, which would be journaled; use --api-key "
        "or OPENAI_API_KEY");
  }
  std::string path = UrlPart(url.get(), CURLUPART_PATH);
  while (!path.empty() && path.back() == '/') path.pop_back();
  absl::StrAppend(&path, "/chat/completions");
  curl_url_set(url.get(), CURLUPART_PATH, path.c_str(), 0);
  curl_url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0);
  return UrlPart(url.get(), CURLUPART_URL);
}

}  // namespace runner
