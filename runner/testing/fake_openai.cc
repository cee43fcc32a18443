// FakeOpenAiServer as a program, for trying things by hand:
//
//   fake_openai --answers FILE [--port N] [--faults a,b,…] [--fault-rate X]
//               [--faults-in-row N] [--fault-seed N] [--latency 50ms]
//               [--concurrency N] [--api-key KEY]
//
// Prints its base URL, serves until its stdin ends (or a signal comes), and
// then prints what /stats says. FILE has {"prompt", "output"} a line; the names
// of the faults are those in fake_openai_server.cc, "all" is each of them but
// the permanent ones.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "runner/testing/fake_openai_server.h"

namespace {

using runner::FakeOpenAiOptions;
using runner::Fault;

bool AddFaults(absl::string_view names, FakeOpenAiOptions& options) {
  for (const absl::string_view name : absl::StrSplit(names, ',')) {
    bool known = false;
    for (const runner::FaultName& entry : runner::FaultNames()) {
      const bool passes = entry.fault != Fault::kQuota &&
                          entry.fault != Fault::kBadRequest &&
                          entry.fault != Fault::kNullContent;
      if (name == entry.name || (name == "all" && passes)) {
        options.faults.push_back(entry.fault);
        known = true;
      }
    }
    if (!known) return false;
  }
  return true;
}

bool SetAnswers(const std::string& path, FakeOpenAiOptions& options) {
  auto answers = runner::ReadFakeAnswers(path);
  if (!answers.ok()) return false;
  options.answers = *std::move(answers);
  return true;
}

bool SetPort(const std::string& text, FakeOpenAiOptions& options) {
  uint32_t port = 0;
  if (!absl::SimpleAtoi(text, &port) || port > 65535) return false;
  options.port = static_cast<uint16_t>(port);
  return true;
}

using Setter = std::function<bool(const std::string&, FakeOpenAiOptions&)>;

const std::map<std::string, Setter>& Setters() {
  static const auto* const setters = new std::map<std::string, Setter>{
      {"--answers", SetAnswers},
      {"--port", SetPort},
      {"--faults", AddFaults},
      {"--fault-rate",
       [](const std::string& text, FakeOpenAiOptions& options) {
         return absl::SimpleAtod(text, &options.fault_rate);
       }},
      {"--faults-in-row",
       [](const std::string& text, FakeOpenAiOptions& options) {
         return absl::SimpleAtoi(text, &options.faults_in_row_max);
       }},
      {"--fault-seed",
       [](const std::string& text, FakeOpenAiOptions& options) {
         return absl::SimpleAtoi(text, &options.fault_seed);
       }},
      {"--latency",
       [](const std::string& text, FakeOpenAiOptions& options) {
         return absl::ParseDuration(text, &options.latency);
       }},
      {"--concurrency",
       [](const std::string& text, FakeOpenAiOptions& options) {
         return absl::SimpleAtoi(text, &options.concurrency_max);
       }},
      {"--api-key", [](const std::string& text, FakeOpenAiOptions& options) {
         options.api_key = text;
         return true;
       }}};
  return *setters;
}

}  // namespace

int main(int argc, char** argv) {
  FakeOpenAiOptions options;
  for (int i = 1; i < argc; i += 2) {
    const auto setter = Setters().find(argv[i]);
    if (setter == Setters().end() || i + 1 == argc ||
        !setter->second(argv[i + 1], options)) {
      std::fprintf(stderr, "fake_openai: cannot use %s\n", argv[i]);
      return 2;
    }
  }
  const auto server = runner::FakeOpenAiServer::Start(std::move(options));
  if (!server.ok()) {
    std::fprintf(stderr, "fake_openai: %s\n",
                 server.status().ToString().c_str());
    return 1;
  }
  std::printf("%s\n", (*server)->base_url().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  const runner::FakeOpenAiStats stats = (*server)->stats();
  std::printf("calls %llu, answered %llu, at once %llu\n",
              static_cast<unsigned long long>(stats.calls),
              static_cast<unsigned long long>(stats.answered),
              static_cast<unsigned long long>(stats.concurrent_max));
  return 0;
}
