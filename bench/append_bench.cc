// One thread, 1 KiB records, each durable before the next: the journal beside
// the plainest loop that keeps the same promise.
//
//   bazel run --config=opt //bench:append_bench
//   bazel run --config=opt //bench:append_bench -- --encrypted
//
// With --encrypted also what a key costs: beside the journal that is durable
// each time, and where no disk is waited for (mode none).
//
// The two run interleaved in one process, and the medians are compared: on a
// shared machine only the ratio carries over. Files lie in $BENCH_DIR, else in
// the working directory, which must be on the disk that is to be measured.

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/workload.h"
#include "journal/journal.h"

namespace {

using bench::MakeRecord;
using bench::Scratch;

constexpr int kRecords = 2000;  // In one repetition.
constexpr int kRepetitions = 9;
constexpr off_t kFillStep = 1 << 20;
constexpr double kTarget = 0.9;  // Journal / raw, records per second.

constexpr char kRaw[] = "raw_pwrite_fdatasync";
constexpr char kJournal[] = "journal_append_each";
constexpr char kEncrypted[] = "journal_append_each_encrypted";
constexpr char kNone[] = "journal_append_none";
constexpr char kNoneEncrypted[] = "journal_append_none_encrypted";

// The yardstick: write at the end, fdatasync, repeat, into space that the loop
// zero-writes itself, as the journal does.
void BM_Raw(benchmark::State& state) {
  const std::string record = MakeRecord();
  const std::string path = Scratch("raw");
  const std::vector<char> zeros(kFillStep);
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  off_t filled = 0;
  off_t offset = 0;
  for (auto _ : state) {
    if (offset + static_cast<off_t>(record.size()) > filled) {
      if (pwrite(fd, zeros.data(), kFillStep, filled) != kFillStep ||
          fdatasync(fd) != 0) {
        state.SkipWithError("filling failed");
        break;
      }
      filled += kFillStep;
    }
    if (pwrite(fd, record.data(), record.size(), offset) !=
            static_cast<ssize_t>(record.size()) ||
        fdatasync(fd) != 0) {
      state.SkipWithError("writing failed");
      break;
    }
    offset += static_cast<off_t>(record.size());
  }
  close(fd);
  std::filesystem::remove(path);
  state.SetItemsProcessed(state.iterations());
}

void AppendAll(benchmark::State& state, journal::SyncMode mode,
               const journal::Cipher* cipher) {
  const std::string record = MakeRecord();
  const std::string directory = Scratch("journal");
  journal::WriterOptions options;
  options.sync_mode = mode;
  options.cipher = cipher;
  auto writer = journal::Writer::Open(directory, options);
  if (!writer.ok()) {
    state.SkipWithError(writer.status().ToString().c_str());
    return;
  }
  journal::RecordView view;
  view.type = 1;
  view.body = record;
  for (auto _ : state) {
    const auto lsn = (*writer)->Append(view);
    if (!lsn.ok()) {
      state.SkipWithError(lsn.status().ToString().c_str());
      break;
    }
  }
  if (const absl::Status closed = (*writer)->Close(); !closed.ok()) {
    state.SkipWithError(closed.ToString().c_str());
  }
  std::filesystem::remove_all(directory);
  state.SetItemsProcessed(state.iterations());
}

const journal::Cipher* Key() {
  static const journal::Cipher* const cipher =
      journal::Cipher::FromBytes(std::string(journal::kKeyBytes, 'k'))
          .value()
          .release();
  return cipher;
}

void BM_Journal(benchmark::State& state) {
  AppendAll(state, journal::SyncMode::kEach, nullptr);
}
void BM_Encrypted(benchmark::State& state) {
  AppendAll(state, journal::SyncMode::kEach, Key());
}
void BM_None(benchmark::State& state) {
  AppendAll(state, journal::SyncMode::kNone, nullptr);
}
void BM_NoneEncrypted(benchmark::State& state) {
  AppendAll(state, journal::SyncMode::kNone, Key());
}

// The console's table, and the median rate of each benchmark.
class MedianReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type == Run::RT_Iteration) {
        failed_ |= run.error_occurred;
        const auto rate = run.counters.find("items_per_second");
        if (rate != run.counters.end()) {
          rates_[run.run_name.function_name].push_back(rate->second);
        }
      }
    }
    ConsoleReporter::ReportRuns(runs);
  }
  double Median(const std::string& name) {
    std::vector<double>& rates = rates_[name];
    if (rates.empty()) return 0;
    std::nth_element(rates.begin(), rates.begin() + rates.size() / 2,
                     rates.end());
    return rates[rates.size() / 2];
  }
  bool failed() const { return failed_; }

 private:
  std::map<std::string, std::vector<double>> rates_;
  bool failed_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  // Interleaved unless the command line says otherwise.
  std::string interleave = "--benchmark_enable_random_interleaving=true";
  std::vector<char*> arguments(argv, argv + argc);
  arguments.insert(arguments.begin() + 1, interleave.data());
  const auto flag = std::find_if(
      arguments.begin(), arguments.end(),
      [](const char* each) { return std::string("--encrypted") == each; });
  const bool encrypted = flag != arguments.end();
  if (encrypted) arguments.erase(flag);
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  std::vector<std::pair<const char*, void (*)(benchmark::State&)>> all = {
      {kRaw, &BM_Raw}, {kJournal, &BM_Journal}};
  if (encrypted) {
    all.insert(all.end(), {{kEncrypted, &BM_Encrypted},
                           {kNone, &BM_None},
                           {kNoneEncrypted, &BM_NoneEncrypted}});
  }
  for (const auto& [name, function] : all) {
    benchmark::RegisterBenchmark(name, function)
        ->Iterations(kRecords)
        ->Repetitions(kRepetitions)
        ->UseRealTime()
        ->Unit(benchmark::kMicrosecond);
  }
  MedianReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  const double raw = reporter.Median(kRaw);
  const double journal = reporter.Median(kJournal);
  if (reporter.failed() || raw == 0 || journal == 0) return 1;
  const double ratio = journal / raw;
  std::printf("\n%-28s %8.0f records/s (median of %d)\n", kRaw, raw,
              kRepetitions);
  std::printf("%-28s %8.0f records/s\n", kJournal, journal);
  if (encrypted) {
    for (const char* name : {kEncrypted, kNone, kNoneEncrypted}) {
      std::printf("%-28s %8.0f records/s\n", name, reporter.Median(name));
    }
  }
  std::printf("ratio %.3f, target %.2f: %s\n", ratio, kTarget,
              ratio >= kTarget ? "pass" : "FAIL");
  return ratio >= kTarget ? 0 : 1;
}
