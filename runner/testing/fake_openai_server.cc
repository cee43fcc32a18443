#include "runner/testing/fake_openai_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <fstream>
#include <functional>
#include <list>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "runner/base/hashing.h"
#include "runner/base/json.h"
#include "runner/base/system_call.h"

namespace runner {
namespace {

using nlohmann::json;

constexpr size_t kRequestHeaderBytesMax = 64 << 10;
constexpr size_t kRequestBodyBytesMax = 64 << 20;
constexpr absl::Duration kWaitMax = absl::Seconds(60);
constexpr absl::Duration kTrickleInterval = absl::Microseconds(200);
constexpr size_t kHugePiece = 1 << 20;

struct Request {
  std::string method, path, authorization, body;
};

// A connection's bytes. Every wait ends when the server does.
class Connection {
 public:
  Connection(int fd, int stop_fd) : fd_(fd), stop_fd_(stop_fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Connection() { close(fd_); }

  // False at the end of the connection or of the server.
  bool Read(Request* request) {
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (buffer_.size() > kRequestHeaderBytesMax || !Receive()) return false;
    }
    const std::string header = buffer_.substr(0, end);
    buffer_.erase(0, end + 4);
    const size_t space = header.find(' ');
    request->method = header.substr(0, space);
    request->path =
        header.substr(space + 1, header.find(' ', space + 1) - space - 1);
    request->authorization = HeaderOf(header, "authorization:");
    size_t length = 0;
    if (!absl::SimpleAtoi(HeaderOf(header, "content-length:"), &length)) {
      length = 0;
    }
    if (length > kRequestBodyBytesMax) return false;
    while (buffer_.size() < length) {
      if (!Receive()) return false;
    }
    request->body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return true;
  }

  bool Send(absl::string_view bytes) {
    while (!bytes.empty()) {
      if (!Wait(POLLOUT)) return false;
      const ssize_t sent =
          send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // Until the client has gone, or the server stops.
  void AwaitEnd() {
    while (Receive()) buffer_.clear();
  }

  // What close() sends is a reset.
  void ResetOnClose() {
    const linger at_once = {1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

  // False if the server stops meanwhile.
  bool Pause(absl::Duration time) {
    pollfd stop = {stop_fd_, POLLIN, 0};
    const timespec left = absl::ToTimespec(time);
    return ppoll(&stop, 1, &left, nullptr) == 0;
  }

 private:
  static std::string HeaderOf(const std::string& header,
                              absl::string_view name) {
    const size_t at =
        absl::AsciiStrToLower(header).find(absl::StrCat("\r\n", name));
    if (at == std::string::npos) return "";
    const size_t begin = at + 2 + name.size();
    const size_t end = std::min(header.find("\r\n", begin), header.size());
    return std::string(
        absl::StripAsciiWhitespace(header.substr(begin, end - begin)));
  }

  bool Wait(short events) {
    pollfd both[] = {{fd_, events, 0}, {stop_fd_, POLLIN, 0}};
    while (poll(both, 2, -1) < 0) {
      if (errno != EINTR) return false;
    }
    return both[1].revents == 0;
  }

  bool Receive() {
    char bytes[16 << 10];
    if (!Wait(POLLIN)) return false;
    const ssize_t received = recv(fd_, bytes, sizeof bytes, 0);
    if (received <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(received));
    return true;
  }

  const int fd_;
  const int stop_fd_;
  std::string buffer_;
};

std::string Response(int status, absl::string_view headers,
                     absl::string_view body) {
  return absl::StrCat("HTTP/1.1 ", status, " X\r\nDate: ",
                      absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::Now(),
                                       absl::UTCTimeZone()),
                      "\r\nContent-Type: application/json\r\nContent-Length: ",
                      body.size(), "\r\n", headers, "\r\n", body);
}

std::string ErrorBody(absl::string_view type, absl::string_view message) {
  return CanonicalJson(json{{"error",
                             {{"type", std::string(type)},
                              {"code", std::string(type)},
                              {"message", std::string(message)}}}});
}

std::string TooMany(absl::string_view headers) {
  return Response(429, headers,
                  ErrorBody("rate_limit_exceeded", "slow down, please"));
}

std::string TooManyUntil(const char* format) {
  return TooMany(
      absl::StrCat("Retry-After: ",
                   absl::FormatTime(format, absl::Now() + absl::Seconds(1),
                                    absl::UTCTimeZone()),
                   "\r\n"));
}

const char* NameOf(Fault fault) {
  for (const FaultName& entry : FaultNames()) {
    if (entry.fault == fault) return entry.name;
  }
  return "";
}

// One call as the server understands it.
struct Call {
  std::string model, prompt;
};

absl::optional<Call> ReadCall(const std::string& body) {
  const absl::StatusOr<json> request = ParseJson(body);
  if (!request.ok() || !request->is_object()) return absl::nullopt;
  const json* messages = FindPath(*request, "messages");
  const json* model = FindPath(*request, "model");
  if (messages == nullptr || !messages->is_array() || messages->empty() ||
      model == nullptr) {
    return absl::nullopt;
  }
  const json* content = FindPath(messages->back(), "content");
  if (content == nullptr) return absl::nullopt;
  return Call{RenderText(*model), RenderText(*content)};
}

std::string CompletionBody(const Call& call, const FakeAnswer& answer) {
  json message = {{"role", "assistant"}, {"content", nullptr}};
  if (answer.output.has_value()) message["content"] = *answer.output;
  if (!answer.reasoning.empty()) {
    message["reasoning_content"] = answer.reasoning;
  }
  const uint64_t prompt = FakeTokens(call.prompt);
  const uint64_t completion = FakeTokens(answer.output.value_or(""));
  const json body = {
      {"id", "chatcmpl-" + Xxh3Hex(call.prompt)},
      {"object", "chat.completion"},
      {"model", call.model},
      {"choices",
       {{{"index", 0}, {"message", message}, {"finish_reason", "stop"}}}},
      {"usage",
       {{"prompt_tokens", prompt},
        {"completion_tokens", completion},
        {"total_tokens", prompt + completion},
        {"prompt_tokens_details", {{"cached_tokens", prompt / 2}}},
        {"completion_tokens_details",
         {{"reasoning_tokens", FakeTokens(answer.reasoning)}}}}}};
  return CanonicalJson(body);
}

class Server final : public FakeOpenAiServer {
 public:
  explicit Server(FakeOpenAiOptions options) : options_(std::move(options)) {}
  ~Server() override;

  absl::Status Listen();
  std::string base_url() const override {
    return absl::StrCat("http://127.0.0.1:", port_, "/v1");
  }
  FakeOpenAiStats stats() const override ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return stats_;
  }
  std::vector<std::string> bodies() const override ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return {bodies_.begin(), bodies_.end()};
  }
  bool WaitForCalls(uint64_t calls) const override ABSL_LOCKS_EXCLUDED(mutex_) {
    const auto enough = [&] {
      mutex_.AssertReaderHeld();
      return stats_.calls >= calls;
    };
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&enough), kWaitMax);
  }

 private:
  void Accept();
  void Serve(int fd);
  // These return false when the connection is over.
  bool Answer(Connection& connection, const Request& request);
  bool AnswerChat(Connection& connection, const Request& request);
  bool SendAnswer(Connection& connection, const Call& call,
                  const FakeAnswer& answer, bool slowly);
  bool Misbehave(Fault fault, Connection& connection, const Request& request,
                 const std::string& whole);
  absl::optional<Fault> NextFault(const Call& call)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountAnswer(const Call& call, const FakeAnswer& answer, int n)
      ABSL_LOCKS_EXCLUDED(mutex_);
  std::string StatsJson() const;

  const FakeOpenAiOptions options_;
  int listen_fd_ = -1;
  int stop_fd_ = -1;
  uint16_t port_ = 0;
  std::thread accepting_;

  struct History {
    uint64_t calls = 0;
    uint32_t faults_in_row = 0;
  };
  mutable absl::Mutex mutex_;
  FakeOpenAiStats stats_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> bodies_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, History> history_ ABSL_GUARDED_BY(mutex_);
  uint64_t concurrent_ ABSL_GUARDED_BY(mutex_) = 0;
  int connections_ ABSL_GUARDED_BY(mutex_) = 0;
};

std::string KeyOf(const Call& call) { return FakeKey(call.model, call.prompt); }

Server::~Server() {
  if (stop_fd_ >= 0) eventfd_write(stop_fd_, 1);
  if (accepting_.joinable()) accepting_.join();
  const auto none = [this] {
    mutex_.AssertReaderHeld();
    return connections_ == 0;
  };
  {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&none));
  }
  if (listen_fd_ >= 0) close(listen_fd_);
  if (stop_fd_ >= 0) close(stop_fd_);
}

absl::Status Server::Listen() {
  stop_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  listen_fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(options_.port);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const int on = 1;
  setsockopt(listen_fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (stop_fd_ < 0 || listen_fd_ < 0 ||
      bind(listen_fd_, generic, sizeof address) != 0 ||
      listen(listen_fd_, SOMAXCONN) != 0 ||
      getsockname(listen_fd_, generic, &size) != 0) {
    return ErrnoStatus("cannot listen on 127.0.0.1");
  }
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { Accept(); });
  return absl::OkStatus();
}

void Server::Accept() {
  for (;;) {
    pollfd both[] = {{listen_fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    if (poll(both, 2, -1) < 0 && errno != EINTR) return;
    if (both[1].revents != 0) return;
    if (both[0].revents == 0) continue;
    const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    {
      absl::MutexLock lock(&mutex_);
      if (connections_ >= kFakeConnectionsMax) {
        close(fd);
        continue;
      }
      ++connections_;
    }
    std::thread([this, fd] { Serve(fd); }).detach();
  }
}

void Server::Serve(int fd) {
  {
    Connection connection(fd, stop_fd_);
    Request request;
    while (connection.Read(&request) && Answer(connection, request)) {
    }
  }
  // The server waits for this, and is gone right after.
  absl::MutexLock lock(&mutex_);
  --connections_;
}

bool Server::Answer(Connection& connection, const Request& request) {
  if (request.method == "GET" && request.path == "/stats") {
    return connection.Send(Response(200, "", StatsJson()));
  }
  if (request.method != "POST" ||
      !absl::StartsWith(request.path, "/v1/chat/completions")) {
    return connection.Send(
        Response(404, "", ErrorBody("not_found", "no such path")));
  }
  {
    absl::MutexLock lock(&mutex_);
    ++stats_.calls;
    ++concurrent_;
    stats_.concurrent_max = std::max(stats_.concurrent_max, concurrent_);
    bodies_.push_back(request.body);
    if (bodies_.size() > kFakeBodiesMax) bodies_.pop_front();
  }
  const bool goes_on = AnswerChat(connection, request);
  absl::MutexLock lock(&mutex_);
  --concurrent_;
  return goes_on;
}

bool Server::AnswerChat(Connection& connection, const Request& request) {
  if (!options_.api_key.empty() &&
      request.authorization != "Bearer " + options_.api_key) {
    return connection.Send(
        Response(401, "",
                 ErrorBody("invalid_api_key",
                           "wrong key given: " + request.authorization)));
  }
  const absl::optional<Call> call = ReadCall(request.body);
  if (!call.has_value()) {
    return connection.Send(
        Response(400, "", ErrorBody("invalid_request", "no chat request")));
  }
  auto answer = options_.answers.find(KeyOf(*call));
  if (answer == options_.answers.end()) {
    answer = options_.answers.find(call->prompt);
  }
  if (answer == options_.answers.end()) {
    return connection.Send(Response(
        404, "", ErrorBody("no_recorded_answer", "no answer is recorded")));
  }
  absl::optional<Fault> fault;
  {
    absl::MutexLock lock(&mutex_);
    fault = NextFault(*call);
    if (concurrent_ > options_.concurrency_max) fault = Fault::kTooMany;
    if (fault.has_value()) ++stats_.faults[NameOf(*fault)];
  }
  if (!connection.Pause(options_.latency)) return false;
  FakeAnswer said = answer->second;
  if (fault == Fault::kNullContent) said.output = absl::nullopt;
  const bool odd = fault == Fault::kNullContent || fault == Fault::kTrickle;
  if (!fault.has_value() || odd) {
    return SendAnswer(connection, *call, said, fault == Fault::kTrickle);
  }
  return Misbehave(*fault, connection, request, CompletionBody(*call, said));
}

bool Server::SendAnswer(Connection& connection, const Call& call,
                        const FakeAnswer& answer, bool slowly) {
  const std::string response = Response(200, "", CompletionBody(call, answer));
  // Counted ahead: who has the answer must find it counted.
  CountAnswer(call, answer, 1);
  bool sent = true;
  if (slowly) {
    for (size_t i = 0; i < response.size() && sent; ++i) {
      sent = connection.Pause(kTrickleInterval) &&
             connection.Send(absl::string_view(&response[i], 1));
    }
  } else {
    sent = connection.Send(response);
  }
  if (!sent) CountAnswer(call, answer, -1);
  return sent;
}

bool Server::Misbehave(Fault fault, Connection& connection,
                       const Request& request, const std::string& whole) {
  const std::string good = Response(200, "", whole);
  const std::string header = good.substr(0, good.size() - whole.size());
  const std::string half = whole.substr(0, whole.size() / 2);
  switch (fault) {
    case Fault::kRetrySeconds:
      return connection.Send(TooMany("Retry-After: 1\r\n"));
    case Fault::kRetryFraction:
      return connection.Send(TooMany("Retry-After: 0.05\r\n"));
    case Fault::kRetryMs:
      return connection.Send(
          TooMany("Retry-After-Ms: 40\r\nRetry-After: 7\r\n"));
    case Fault::kRetryImfDate:
      return connection.Send(TooManyUntil("%a, %d %b %Y %H:%M:%S GMT"));
    case Fault::kRetryRfc850Date:
      return connection.Send(TooManyUntil("%A, %d-%b-%y %H:%M:%S GMT"));
    case Fault::kRetryAsctime:
      return connection.Send(TooManyUntil("%a %b %e %H:%M:%S %Y"));
    case Fault::kTooMany:
      return connection.Send(TooMany(""));
    case Fault::kQuota:
      return connection.Send(Response(
          429, "", ErrorBody("insufficient_quota", "the quota is used up")));
    case Fault::kServerError:
      return connection.Send(
          Response(500, "", ErrorBody("server_error", "it broke")));
    case Fault::kUnavailable:
      return connection.Send(
          Response(503, "", "<html>\x1b[31mdown\x1b[0m</html>"));
    case Fault::kBadRequest:
      return connection.Send(
          Response(400, "", ErrorBody("invalid_request_error", "no")));
    case Fault::kStall:
      connection.AwaitEnd();
      return false;
    case Fault::kStallHeader:
      connection.Send(header);
      connection.AwaitEnd();
      return false;
    case Fault::kCutBody:
      connection.Send(header + half);
      return false;
    case Fault::kCutChunks:
      connection.Send(
          absl::StrCat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                       absl::Hex(half.size()), "\r\n", half, "\r\n"));
      return false;
    case Fault::kWrongJson:
      return connection.Send(Response(200, "", half));
    case Fault::kNotJson:
      return connection.Send(Response(200, "", "<html>\x1b[31mhi</html>"));
    case Fault::kEmptyBody:
      return connection.Send(Response(200, "", ""));
    case Fault::kNoChoices:
      return connection.Send(Response(200, "", "{\"choices\":[]}"));
    case Fault::kErrorIn200:
      return connection.Send(Response(
          200, "", "{\"error\":{\"code\":503,\"message\":\"upstream\"}}"));
    case Fault::kReset:
      connection.ResetOnClose();
      return false;
    case Fault::kResetLate:
      connection.Send(header + half);
      connection.ResetOnClose();
      return false;
    case Fault::kGarbage:
      connection.Send("\x01\x02 no HTTP at all\r\n\r\n");
      return false;
    case Fault::kKeyEcho:
      return connection.Send(Response(
          500, "",
          ErrorBody(absl::StrCat("who-is-", request.authorization),
                    absl::StrCat("cannot take ", request.authorization))));
    case Fault::kHugeBody: {
      connection.Send("HTTP/1.1 200 OK\r\n\r\n{\"choices\":[\"");
      const std::string piece(kHugePiece, 'x');
      while (connection.Send(piece)) {
      }
      return false;
    }
    case Fault::kNullContent:
    case Fault::kTrickle:
      break;
  }
  return false;
}

absl::optional<Fault> Server::NextFault(const Call& call) {
  History& history = history_[KeyOf(call)];
  const uint64_t draw = Xxh3(absl::StrCat(options_.fault_seed, "\n",
                                          KeyOf(call), "\n", history.calls++));
  constexpr uint64_t kParts = 1 << 20;
  const double part = static_cast<double>(draw % kParts) / kParts;
  if (options_.faults.empty() || part >= options_.fault_rate ||
      history.faults_in_row >= options_.faults_in_row_max) {
    history.faults_in_row = 0;
    return absl::nullopt;
  }
  ++history.faults_in_row;
  return options_.faults[draw / kParts % options_.faults.size()];
}

void Server::CountAnswer(const Call& call, const FakeAnswer& answer, int n) {
  absl::MutexLock lock(&mutex_);
  stats_.answered += n;
  stats_.answered_by_prompt[KeyOf(call)] += n;
  stats_.prompt_tokens += n * FakeTokens(call.prompt);
  stats_.completion_tokens += n * FakeTokens(answer.output.value_or(""));
}

std::string Server::StatsJson() const {
  const FakeOpenAiStats now = stats();
  return CanonicalJson(json{{"calls", now.calls},
                            {"answered", now.answered},
                            {"prompt_tokens", now.prompt_tokens},
                            {"completion_tokens", now.completion_tokens},
                            {"concurrent_max", now.concurrent_max},
                            {"faults", now.faults}});
}

}  // namespace

const std::vector<FaultName>& FaultNames() {
  static const auto* const names =
      new std::vector<FaultName>{{Fault::kRetrySeconds, "retry-seconds"},
                                 {Fault::kRetryFraction, "retry-fraction"},
                                 {Fault::kRetryMs, "retry-ms"},
                                 {Fault::kRetryImfDate, "retry-imf-date"},
                                 {Fault::kRetryRfc850Date, "retry-rfc850-date"},
                                 {Fault::kRetryAsctime, "retry-asctime"},
                                 {Fault::kTooMany, "too-many"},
                                 {Fault::kQuota, "quota"},
                                 {Fault::kServerError, "server-error"},
                                 {Fault::kUnavailable, "unavailable"},
                                 {Fault::kBadRequest, "bad-request"},
                                 {Fault::kStall, "stall"},
                                 {Fault::kStallHeader, "stall-header"},
                                 {Fault::kCutBody, "cut-body"},
                                 {Fault::kCutChunks, "cut-chunks"},
                                 {Fault::kWrongJson, "wrong-json"},
                                 {Fault::kNotJson, "not-json"},
                                 {Fault::kEmptyBody, "empty-body"},
                                 {Fault::kNoChoices, "no-choices"},
                                 {Fault::kErrorIn200, "error-in-200"},
                                 {Fault::kReset, "reset"},
                                 {Fault::kResetLate, "reset-late"},
                                 {Fault::kGarbage, "garbage"},
                                 {Fault::kKeyEcho, "key-echo"},
                                 {Fault::kHugeBody, "huge-body"},
                                 {Fault::kNullContent, "null-content"},
                                 {Fault::kTrickle, "trickle"}};
  return *names;
}

std::string FakeKey(absl::string_view model, absl::string_view prompt) {
  return absl::StrCat(model, "\n", prompt);
}

absl::StatusOr<std::map<std::string, FakeAnswer>> ReadFakeAnswers(
    const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(path);
  std::map<std::string, FakeAnswer> answers;
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty()) continue;
    const absl::StatusOr<json> entry = ParseJson(line);
    const json* prompt = entry.ok() ? FindPath(*entry, "prompt") : nullptr;
    const json* output = entry.ok() ? FindPath(*entry, "output") : nullptr;
    if (prompt == nullptr || output == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": no prompt and output"));
    }
    FakeAnswer& answer = answers[RenderText(*prompt)];
    if (!output->is_null()) answer.output = RenderText(*output);
    const json* reasoning = FindPath(*entry, "reasoning");
    if (reasoning != nullptr) answer.reasoning = RenderText(*reasoning);
  }
  return answers;
}

uint64_t FakeTokens(absl::string_view text) { return text.size(); }

absl::StatusOr<std::unique_ptr<FakeOpenAiServer>> FakeOpenAiServer::Start(
    FakeOpenAiOptions options) {
  auto server = std::make_unique<Server>(std::move(options));
  absl::Status status = server->Listen();
  if (!status.ok()) return status;
  return std::unique_ptr<FakeOpenAiServer>(std::move(server));
}

}  // namespace runner
