// Target T14: what exporting a benchmark's results costs, in time and memory:
// a journal is written, then read and published as results.json, .jsonl and
// .csv in a process of its own, so that its peak of memory is its own.
//
//   bazel run --config=opt //bench:export_bench -- --results=1000000
//
//   --results=N       results in the journal (1000000)
//   --output_bytes=N  of each answer (1024)
//   --exports=N       how often; the median counts (3)
//   --directory=DIR   on the disk that is to be measured (.)

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "journal/file_system.h"
#include "runner/results/results_writer.h"
#include "runner/storage/attempt_records.h"
#include "runner/storage/benchmark_journal.h"
#include "runner/storage/result_store.h"

namespace {

namespace fs = std::filesystem;

constexpr double kMegabyte = 1e6;
constexpr double kMiB = 1 << 20;
constexpr double kMegabytesPerSecondMin = 300;
constexpr double kPeakMiBMax = 128;

constexpr size_t kStartsAtOnce = 256;

struct Flags {
  uint32_t results = 1'000'000;
  uint32_t output_bytes = 1024;
  uint32_t exports = 3;
  std::string directory = ".";
};

[[noreturn]] void Fail(absl::string_view what) {
  std::fprintf(stderr, "export_bench: %s\n", std::string(what).c_str());
  std::exit(1);
}

void Must(const absl::Status& status) {
  if (!status.ok()) Fail(status.message());
}

double Seconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

runner::QueryKey KeyOf(uint32_t index) {
  return {.run = 1, .index = index, .id = absl::StrCat("q", index)};
}

// Text as models write it: lines, quotes, something beyond ASCII.
std::string Output(uint32_t index, size_t bytes) {
  constexpr absl::string_view kText =
      "She has 16 - 3 - 4 = 9 eggs left \xE2\x80\x93 \"fresh duck eggs\".\n";
  std::string output = absl::StrCat("Query ", index, ": ");
  while (output.size() < bytes) output.append(kText.data(), kText.size());
  output.resize(bytes - bytes % kText.size());
  return output;
}

void WriteJournal(const Flags& flags, const std::string& directory) {
  runner::BenchmarkInfo info;
  info.benchmark_id = "export";
  info.run_id = "export";
  info.identity_json = "{}";
  info.identity_hash = std::string(64, 'a');
  info.scoring_hash = std::string(64, 'b');
  std::vector<runner::RowInfo> rows;
  for (uint32_t i = 0; i < flags.results; ++i) {
    rows.push_back({.id = KeyOf(i).id, .content_hash = i});
  }
  runner::BenchmarkJournal::Options options;
  options.sync_mode = journal::SyncMode::kNone;
  auto journal =
      runner::BenchmarkJournal::Create(directory, info, rows, options);
  Must(journal.status());
  Must((*journal)->BeginSession({}));
  for (uint32_t i = 0; i < flags.results; i += kStartsAtOnce) {
    std::vector<runner::EvaluationRequest> requests;
    std::vector<runner::AttemptStartRecord> starts;
    for (uint32_t j = i; j < flags.results && j < i + kStartsAtOnce; ++j) {
      runner::EvaluationRequest request;
      request.key = KeyOf(j);
      request.attempt = 1;
      starts.push_back(runner::MakeStart(request));
      requests.push_back(std::move(request));
    }
    Must((*journal)->RecordStarts(absl::MakeSpan(starts), /*durable=*/false));
    for (const runner::EvaluationRequest& request : requests) {
      runner::EvaluationResult result;
      result.output = Output(request.key.index, flags.output_bytes);
      result.usage = {
          .prompt_tokens = 100, .completion_tokens = 200, .metered = true};
      result.cost = 0.001;
      Must((*journal)->RecordResponse(request, result));
      Must((*journal)->RecordScore(
          request.key, {{"numeric", request.key.index % 2}}, false, "9"));
    }
  }
  Must((*journal)->Close());
}

struct Cost {
  double seconds = 0;
  double peak_mib = 0;
};

void Export(const Flags& flags, const std::string& journal,
            const std::string& results) {
  runner::JournalAccess access;
  access.file_system = journal::FileSystem::Posix();
  auto store = runner::ResultStore::Load(journal, std::string(64, 'b'), access);
  Must(store.status());
  runner::ResultsInfo info;
  info.scorers = {{.name = "numeric"}};
  info.identity_hash = std::string(64, 'a');
  info.scoring_hash = std::string(64, 'b');
  for (uint32_t i = 0; i < flags.results; ++i) info.order.push_back(i);
  auto written =
      runner::WriteResults(**store, info, results, *access.file_system);
  Must(written.status());
  if (written->completed != flags.results) Fail("not all results are there");
}

template <typename Action>
Cost InItsOwnProcess(Action action) {
  const double begin = Seconds();
  const pid_t child = fork();
  if (child < 0) Fail("fork");
  if (child == 0) {
    action();
    std::_Exit(0);
  }
  int status = 0;
  struct rusage usage = {};
  if (wait4(child, &status, 0, &usage) != child || status != 0) {
    Fail("the process failed");
  }
  return {.seconds = Seconds() - begin,
          .peak_mib = static_cast<double>(usage.ru_maxrss) * 1024 / kMiB};
}

Flags ParseFlags(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    absl::string_view arg = argv[i];
    bool ok = false;
    if (absl::ConsumePrefix(&arg, "--results=")) {
      ok = absl::SimpleAtoi(arg, &flags.results);
    } else if (absl::ConsumePrefix(&arg, "--output_bytes=")) {
      ok = absl::SimpleAtoi(arg, &flags.output_bytes);
    } else if (absl::ConsumePrefix(&arg, "--exports=")) {
      ok = absl::SimpleAtoi(arg, &flags.exports) && flags.exports > 0;
    } else if (absl::ConsumePrefix(&arg, "--directory=")) {
      flags.directory = std::string(arg);
      ok = true;
    }
    if (!ok) Fail(absl::StrCat("what is ", argv[i], "?"));
  }
  return flags;
}

int Main(const Flags& flags) {
  std::string place = flags.directory + "/export_bench_XXXXXX";
  if (mkdtemp(place.data()) == nullptr) Fail("mkdtemp");
  const std::string journal = place + "/journal";
  const std::string results = place + "/results.json";
  const Cost writing = InItsOwnProcess([&] { WriteJournal(flags, journal); });
  std::printf("journal of %u results, %u bytes each: %.1f s\n", flags.results,
              flags.output_bytes, writing.seconds);
  std::vector<double> seconds;
  double peak_mib = 0;
  for (uint32_t i = 0; i < flags.exports; ++i) {
    const Cost cost = InItsOwnProcess([&] { Export(flags, journal, results); });
    seconds.push_back(cost.seconds);
    peak_mib = std::max(peak_mib, cost.peak_mib);
  }
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  const double lines =
      static_cast<double>(fs::file_size(place + "/results.jsonl"));
  const double table =
      static_cast<double>(fs::file_size(place + "/results.csv"));
  const double rate = lines / kMegabyte / median;
  std::printf(
      "export: %.2f s (%.2f to %.2f), %.0f MB of lines, %.0f MB of "
      "table\n",
      median, seconds.front(), seconds.back(), lines / kMegabyte,
      table / kMegabyte);
  const bool fast = rate >= kMegabytesPerSecondMin;
  const bool small = peak_mib <= kPeakMiBMax;
  std::printf(
      "T14  %.0f MB/s of lines (>= %.0f: %s), peak %.0f MiB (<= %.0f: "
      "%s)\n",
      rate, kMegabytesPerSecondMin, fast ? "pass" : "FAIL", peak_mib,
      kPeakMiBMax, small ? "pass" : "FAIL");
  fs::remove_all(place);
  return fast && small ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return Main(ParseFlags(argc, argv)); }
