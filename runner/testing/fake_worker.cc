// A worker for tests. It answers each request with the request's prompt, and
// misbehaves where it is told to.
//
//   fake_worker [--arithmetic] [--log=FILE] [--fault=KIND:ID]…
//
//   --arithmetic      the answer is the value of a prompt such as "12 * 3"
//                     (+, -, *, / of two integers)
//   --log=FILE        appends "RUN ID OCCURRENCE ATTEMPT\n" for each request,
//   in
//                     one write, before anything else is done with it
//   --pids=FILE       appends "worker PID\n", and "grandchild PID\n"
//   --fault=KIND:ID   misbehaves at the query ID ("*": at every one); may be
//                     given often. The kinds are in kFaults below.
//   --first-attempt   faults happen at attempt 1 only
//   --slow=MS         waits before each answer
//   --hold=N:FILE     waits, at queries whose ids end in a number of N or more,
//                     until there is a FILE: so a test knows what has not ended
//   --scorer          scores answers instead (worker_scorer.h): "judge" is
//                     whether the output is the target, "length" its length
//   --scores          adds scores, usage, cost, reasoning and metadata
//   --state           the answer is "<how many answers before>:<prompt>", and
//   is
//                     given as state, too; goes on from a restored state
//   --grandchild      starts a process that sleeps, in the worker's group
//   --daemon          starts one in a session of its own
//   --stderr=BYTES    writes so much to stderr before each answer
//   --exit=CODE       exits at once, --exit-later=MS:CODE after a while
//   --ignore-term     does not end on SIGTERM, nor at the end of its input
//
// ID is the query's "id" ("question_id", "task_id"), OCCURRENCE its
// "occurrence" if it has one, else 0.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::json;

struct Fault {
  std::string kind;
  std::string id;
};

struct Flags {
  bool arithmetic = false, scorer = false, scores = false, state = false;
  bool first_attempt = false, grandchild = false, daemon = false;
  bool ignore_term = false;
  std::string log, pids, exit, exit_later, hold_file;
  int slow_ms = 0;
  long hold_from = 0;
  size_t stderr_bytes = 0;
  std::vector<Fault> faults;
} flags;

struct Request {
  Json json;
  std::string id;        // To be given back.
  std::string query_id;  // The dataset's.
  std::string prompt;
};

void Say(const std::string& text) {
  std::cout << text << std::flush;
  if (!std::cout) _exit(0);  // Nobody listens any more.
}

void SayLine(const Json& json) { Say(json.dump() + "\n"); }

Json AnswerTo(const Request& request, const std::string& output) {
  return {{"id", request.id}, {"output", output}};
}

void Pause(int ms) { usleep(ms * 1000); }

// "q12" ends in 12, "q" in 0.
long NumberAtTheEnd(const std::string& id) {
  const size_t before = id.find_last_not_of("0123456789");
  return atol(id.c_str() + (before == std::string::npos ? 0 : before + 1));
}

void HoldIfTold(const std::string& query_id) {
  if (flags.hold_file.empty()) return;
  if (NumberAtTheEnd(query_id) < flags.hold_from) return;
  while (access(flags.hold_file.c_str(), F_OK) != 0) Pause(2);
}

[[noreturn]] void PauseForEver() {
  for (;;) pause();
}

void AppendTo(const std::string& path, const std::string& line) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (fd < 0 || write(fd, line.data(), line.size()) < 0) {
    perror(path.c_str());
    _exit(1);
  }
  close(fd);
}

void SayOversizeLine() {
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 100; ++i) Say(piece);
  Say("\n");
}

std::string Nested(int depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

std::string RawAnswer(const Request& request, const std::string& fields) {
  return "{\"id\":\"" + request.id + "\"," + fields + "}\n";
}

// What each kind does. What returns has given the answer that it gives.
const std::map<std::string, std::function<void(const Request&)>> kFaults = {
    {"die", [](const Request&) { _exit(3); }},
    {"crash", [](const Request&) { raise(SIGSEGV); }},
    {"hang", [](const Request&) { PauseForEver(); }},
    {"ask-and-hang",
     [](const Request&) {
       std::cerr << "asked\n" << std::flush;
       PauseForEver();
     }},
    {"garbage", [](const Request&) { Say("Traceback: this is no JSON\n"); }},
    {"array", [](const Request&) { Say("[1,2]\n"); }},
    {"nul", [](const Request&) { Say(std::string("\0\0\0\n", 4)); }},
    {"half",
     [](const Request& r) {
       Say("{\"id\":\"" + r.id + "\",\"out");
       _exit(0);
     }},
    {"close-stdout",
     [](const Request&) {
       close(1);
       PauseForEver();
     }},
    {"oversize", [](const Request&) { SayOversizeLine(); }},
    {"invalid-utf8",
     [](const Request& r) { Say(RawAnswer(r, "\"output\":\"\xff\xfe\"")); }},
    {"deep",
     [](const Request& r) {
       Say(RawAnswer(r, "\"output\":\"\",\"metadata\":" + Nested(100000)));
     }},
    {"wrong-types",
     [](const Request& r) { Say(RawAnswer(r, "\"output\":7")); }},
    {"no-output", [](const Request& r) { Say(RawAnswer(r, "\"x\":7")); }},
    {"huge-number",
     [](const Request& r) {
       Say(RawAnswer(r, "\"output\":\"\",\"cost\":1e300"));
     }},
    {"negative-usage",
     [](const Request& r) {
       Say(RawAnswer(r, "\"output\":\"\",\"usage\":{\"prompt_tokens\":-1}"));
     }},
    {"wrong-id",
     [](const Request& r) {
       Say("{\"id\":\"" + r.id + "0\",\"output\":\"\"}\n");
     }},
    {"twice",
     [](const Request& r) {
       SayLine(AnswerTo(r, r.prompt));
       SayLine(AnswerTo(r, r.prompt));
     }},
    {"exit-after",
     [](const Request& r) {
       SayLine(AnswerTo(r, r.prompt));
       _exit(0);
     }},
    {"null", [](const Request& r) { Say(RawAnswer(r, "\"output\":null")); }},
    {"retryable",
     [](const Request& r) {
       SayLine(
           {{"id", r.id},
            {"error",
             {{"type", "busy"}, {"message", "later"}, {"retryable", true}}}});
     }},
    {"permanent",
     [](const Request& r) {
       SayLine({{"id", r.id},
                {"error",
                 {{"type", "refused"},
                  {"message", "never"},
                  {"retryable", false}}}});
     }},
};

std::string Calculate(const std::string& prompt) {
  long long a = 0, b = 0;
  char op = 0;
  if (sscanf(prompt.c_str(), "%lld %c %lld", &a, &op, &b) != 3) return "?";
  if (op == '+') return std::to_string(a + b);
  if (op == '-') return std::to_string(a - b);
  if (op == '*') return std::to_string(a * b);
  if (op == '/' && b != 0) return std::to_string(a / b);
  return "?";
}

void AddExtras(Json* answer) {
  (*answer)["scores"] = {{"b", 0.5}, {"a", 1}};
  (*answer)["usage"] = {{"prompt_tokens", 11},
                        {"completion_tokens", 5},
                        {"cached_tokens", 3},
                        {"reasoning_tokens", 2}};
  (*answer)["cost"] = 0.25;
  (*answer)["reasoning"] = "because";
  (*answer)["metadata"] = {{"k", {1, 2}}};
}

// The fault that is due at this request, or null.
const Fault* DueFault(const Request& request) {
  if (flags.first_attempt && request.json["attempt"] != 1) return nullptr;
  for (const Fault& fault : flags.faults) {
    if (fault.id == "*" || fault.id == request.query_id) return &fault;
  }
  return nullptr;
}

// Whether the output is the target, and how long it is.
void SayScores(const Request& request) {
  const Json& output = request.json["output"];
  const std::string text = output.is_string() ? output.get<std::string>() : "";
  SayLine({{"id", request.id},
           {"scores",
            {{"judge", output == request.json["target"] ? 1 : 0},
             {"length", text.size()}}},
           {"unparsed", output.is_null()}});
}

void Serve(const Request& request, long* answers) {
  if (!flags.log.empty()) {
    const Json& query = request.json["query"];
    const int occurrence = query.is_object() ? query.value("occurrence", 0) : 0;
    AppendTo(flags.log, request.json["run"].dump() + " " + request.query_id +
                            " " + std::to_string(occurrence) + " " +
                            request.json["attempt"].dump() + "\n");
  }
  if (flags.slow_ms > 0) Pause(flags.slow_ms);
  HoldIfTold(request.query_id);
  for (size_t i = 0; i < flags.stderr_bytes; i += 64) {
    std::cerr << std::string(63, 'e') << '\n';
  }
  if (const Fault* fault = DueFault(request)) {
    kFaults.at(fault->kind)(request);
    return;
  }
  if (flags.scorer) return SayScores(request);
  std::string output =
      flags.arithmetic ? Calculate(request.prompt) : request.prompt;
  if (flags.state) output = std::to_string(*answers) + ":" + output;
  Json answer = AnswerTo(request, output);
  ++*answers;
  if (flags.state) answer["state"] = {{"answers", *answers}};
  if (flags.scores) AddExtras(&answer);
  SayLine(answer);
}

std::string QueryId(const Json& query) {
  if (!query.is_object()) return "?";
  for (const char* name : {"id", "question_id", "task_id"}) {
    const auto id = query.find(name);
    if (id == query.end()) continue;
    return id->is_string() ? id->get<std::string>() : id->dump();
  }
  return "?";
}

void SpawnSleeper(bool new_session) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (new_session) {
      setsid();
      if (fork() != 0) _exit(0);
    }
    if (!flags.pids.empty()) {
      AppendTo(flags.pids, "grandchild " + std::to_string(getpid()) + "\n");
    }
    signal(SIGTERM, SIG_IGN);
    PauseForEver();
  }
}

bool Take(const std::string& word, const std::string& name,
          std::string* value) {
  if (word.compare(0, name.size(), name) != 0) return false;
  *value = word.substr(name.size());
  return true;
}

bool ParseFlag(const std::string& word) {
  const std::map<std::string, bool*> switches = {
      {"--arithmetic", &flags.arithmetic},
      {"--scorer", &flags.scorer},
      {"--scores", &flags.scores},
      {"--state", &flags.state},
      {"--first-attempt", &flags.first_attempt},
      {"--grandchild", &flags.grandchild},
      {"--daemon", &flags.daemon},
      {"--ignore-term", &flags.ignore_term}};
  const auto found = switches.find(word);
  if (found != switches.end()) return *found->second = true;
  std::string value;
  if (Take(word, "--log=", &flags.log)) return true;
  if (Take(word, "--pids=", &flags.pids)) return true;
  if (Take(word, "--exit=", &flags.exit)) return true;
  if (Take(word, "--exit-later=", &flags.exit_later)) return true;
  if (Take(word, "--slow=", &value)) {
    flags.slow_ms = atoi(value.c_str());
    return true;
  }
  if (Take(word, "--hold=", &value)) {
    const size_t colon = value.find(':');
    if (colon == std::string::npos) return false;
    flags.hold_from = atol(value.c_str());
    flags.hold_file = value.substr(colon + 1);
    return true;
  }
  if (Take(word, "--stderr=", &value)) {
    flags.stderr_bytes = strtoull(value.c_str(), nullptr, 10);
    return true;
  }
  if (!Take(word, "--fault=", &value)) return false;
  const size_t colon = value.find(':');
  if (colon == std::string::npos) return false;
  flags.faults.push_back({value.substr(0, colon), value.substr(colon + 1)});
  return kFaults.count(flags.faults.back().kind) != 0;
}

void Begin() {
  if (!flags.exit.empty()) {
    std::cerr << "exiting at once\n";
    _exit(atoi(flags.exit.c_str()));
  }
  if (!flags.exit_later.empty()) {
    const size_t colon = flags.exit_later.find(':');
    Pause(atoi(flags.exit_later.c_str()));
    _exit(atoi(flags.exit_later.c_str() + colon + 1));
  }
  if (flags.ignore_term) signal(SIGTERM, SIG_IGN);
  if (!flags.pids.empty()) {
    AppendTo(flags.pids, "worker " + std::to_string(getpid()) + "\n");
  }
  if (flags.grandchild) SpawnSleeper(/*new_session=*/false);
  if (flags.daemon) SpawnSleeper(/*new_session=*/true);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (ParseFlag(argv[i])) continue;
    std::cerr << "fake_worker: unknown flag " << argv[i] << '\n';
    return 2;
  }
  Begin();
  long answers = 0;
  std::string line;
  while (std::getline(std::cin, line)) {
    Request request;
    request.json = Json::parse(line);
    if (request.json.contains("restore")) {
      answers = request.json["restore"].value("answers", 0L);
      continue;
    }
    request.id = request.json["id"];
    request.prompt = request.json.value("prompt", "");
    request.query_id = request.json.contains("query_id")
                           ? request.json["query_id"].get<std::string>()
                           : QueryId(request.json["query"]);
    Serve(request, &answers);
  }
  if (flags.ignore_term) PauseForEver();
}
