// Targets T11 to T14: bench-runner at a million queries.
//
//   bazel run --config=opt //bench:runner_bench -- --directory=/disk/to/measure
//
//   --queries=N     in the dataset, of 1 KiB (1000000)
//   --paced=N       of T12, which waits 1 ms for each (100000)
//   --runner=FILE   the program (as built beside this one)
//   --directory=DIR on the disk that is to be measured (.)
//   --shape         for a busy machine: what does not depend on its speed
//   alone,
//                   memory and how much less work a resume is than a start
//
// T11  bench-runner run with recorded responses, from the first start that it
//      journals to the last score, and its peak of memory.
// T13  the same again with some queries more: from the program's start to the
//      first new start that it journals.
// T14  the results of that journal written again: results.jsonl, beside it
//      results.csv.
// T12  in this process, 32 in flight: journaled as by default, and as with
//      --checkpoint-interval 0, by turns; medians.
//
// Processor time stands beside time: others may be at work.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "journal/clock.h"
#include "journal/reader.h"
#include "runner/results/results_writer.h"
#include "runner/storage/record_codec.h"
#include "runner/storage/result_store.h"
#include "runner/study/benchmark_run.h"

namespace {

namespace fs = std::filesystem;

constexpr size_t kRowBytes = 1024;
constexpr int kInFlight = 32;
constexpr auto kAnswerTime = std::chrono::milliseconds(1);
constexpr int kTurns = 3;
constexpr uint32_t kMoreQueries = 1000;

constexpr double kQueriesPerSecondMin = 100'000;
constexpr double kPeakMiBMax = 128;
constexpr double kLongerMax = 1.01;
constexpr double kResumeSecondsMax = 1;
constexpr double kExportMegabytesMin = 300;
constexpr double kResumeWorkMax = 0.8;  // Of a resume without an index.

struct Flags {
  uint32_t queries = 1'000'000;
  uint32_t paced = 100'000;
  std::string runner = "runner/bench-runner";
  std::string directory = ".";
  bool shape = false;
};

[[noreturn]] void Fail(absl::string_view what) {
  std::fprintf(stderr, "runner_bench: %s\n", std::string(what).c_str());
  std::exit(1);
}

void Must(const absl::Status& status) {
  if (!status.ok()) Fail(status.message());
}

// ---------------------------------------------------------------------------
// Processes

struct Cost {
  absl::Time begin;
  double seconds = 0;
  double cpu_seconds = 0;
  double peak_mib = 0;
};

template <typename Action>
Cost InItsOwnProcess(Action action) {
  Cost cost;
  cost.begin = absl::Now();
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
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + time.tv_usec / 1e6;
  };
  cost.seconds = absl::ToDoubleSeconds(absl::Now() - cost.begin);
  cost.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  cost.peak_mib = static_cast<double>(usage.ru_maxrss) / 1024;
  return cost;
}

Cost RunRunner(const Flags& flags, const std::string& place,
               std::vector<std::string> more) {
  std::vector<std::string> words = {flags.runner,       "run",
                                    "--dataset",        place + "/d.jsonl",
                                    "--response-field", "response",
                                    "--scorer",         "exact_match",
                                    "--workers",        absl::StrCat(kInFlight),
                                    "--journal-dir",    place + "/journals",
                                    "--results",        place + "/results.json",
                                    "--quiet"};
  words.insert(words.end(), more.begin(), more.end());
  return InItsOwnProcess([&] {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    std::perror(arguments[0]);
    std::_Exit(127);
  });
}

// ---------------------------------------------------------------------------
// What is asked, and what a journal says of it

void WriteDataset(const std::string& path, uint32_t rows) {
  std::ofstream file(path);
  for (uint32_t i = 0; i < rows; ++i) {
    std::string text = absl::StrCat("Query ", i, ": ");
    while (text.size() < kRowBytes / 2 - 50) {
      text += "She has 16 - 3 - 4 = 9 eggs left, \\\"fresh duck eggs\\\". ";
    }
    file << "{\"id\":\"q" << i << "\",\"input\":\"" << text
         << "\",\"target\":\"9\",\"response\":\"" << text << "\"}\n";
  }
  if (!file.flush()) Fail(absl::StrCat("cannot write ", path));
}

std::string JournalIn(const std::string& place) {
  return fs::canonical(place + "/journals/latest").string();
}

struct SessionTimes {
  absl::Time first_start = absl::InfiniteFuture();
  absl::Time last_score = absl::InfinitePast();
};

// Of the newest session.
SessionTimes ReadTimes(const std::string& journal) {
  auto reader = journal::Reader::Open(journal, {});
  Must(reader.status());
  SessionTimes times;
  for (;;) {
    const journal::ReadResult next = (*reader)->Next();
    if (next.outcome != journal::ReadOutcome::kRecord) return times;
    switch (static_cast<runner::RecordType>(next.record.type)) {
      case runner::RecordType::kSession:
        times = SessionTimes();
        break;
      case runner::RecordType::kAttemptStart: {
        if (times.first_start != absl::InfiniteFuture()) break;
        auto start =
            runner::Decode<runner::AttemptStartRecord>(next.record.body);
        if (start.ok()) times.first_start = start->at;
        break;
      }
      case runner::RecordType::kScore: {
        auto score = runner::Decode<runner::ScoreRecord>(next.record.body);
        if (score.ok()) times.last_score = score->at;
        break;
      }
      default:
        break;
    }
  }
}

void Export(const std::string& journal, const std::string& results,
            uint32_t queries) {
  auto store = runner::ResultStore::Load(journal, "", {});
  Must(store.status());
  runner::ResultsInfo info;
  info.scorers = {{.name = "exact_match"}};
  for (uint32_t i = 0; i < queries; ++i) info.order.push_back(i);
  auto written = runner::WriteResults(**store, info, results,
                                      *journal::FileSystem::Posix());
  Must(written.status());
  if (written->completed != queries) Fail("not all results are there");
}

// ---------------------------------------------------------------------------
// T12

// Answers each request after kAnswerTime.
class PacedEvaluator final : public runner::Evaluator {
 public:
  PacedEvaluator() : thread_([this] { Run(); }) {}
  ~PacedEvaluator() override { Stop(); }

  void Start(runner::EvaluationRequest, Done done) override {
    std::lock_guard<std::mutex> lock(mutex_);
    waiting_.push_back(
        {std::chrono::steady_clock::now() + kAnswerTime, std::move(done)});
    wake_.notify_one();
  }
  int slots() const override { return kInFlight; }
  bool may_be_billed() const override { return false; }
  void Stop() override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
      wake_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
  }

 private:
  struct Waiting {
    std::chrono::steady_clock::time_point due;
    Done done;
  };

  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      Waiting next = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      std::this_thread::sleep_until(next.due);
      runner::EvaluationResult result;
      result.output = "9";
      next.done(std::move(result));
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  bool stop_ = false;
  std::thread thread_;
};

class SilentObserver final : public runner::RunObserver {
 public:
  void OnScored(const runner::QueryKey&,
                const runner::EvaluationResult&) override {}
  void OnError(const runner::QueryKey&, const runner::EvaluationError& error,
               bool) override {
    Fail(error.message);
  }
  void OnUnscored(const runner::QueryKey&, absl::string_view message) override {
    Fail(message);
  }
  void OnNoSpace(absl::string_view message) override { Fail(message); }
};

void RunPaced(const runner::Dataset& dataset, const std::string& directory,
              journal::SyncMode sync) {
  runner::BenchmarkInfo info;
  info.benchmark_id = info.run_id = "paced";
  info.identity_json = "{}";
  info.identity_hash = info.scoring_hash = std::string(64, 'a');
  std::vector<runner::RowInfo> rows;
  runner::RunPlan plan;
  plan.workers = kInFlight;
  for (uint32_t i = 0; i < dataset.size(); ++i) {
    rows.push_back({dataset.id(i), 0, dataset.content_hash(i)});
    plan.rows.push_back({i, i});
  }
  runner::BenchmarkJournal::Options options;
  options.sync_mode = sync;
  auto journal =
      runner::BenchmarkJournal::Create(directory, info, rows, options);
  Must(journal.status());
  Must((*journal)->BeginSession({}));
  auto fields = runner::Fields::Create({}, "", "");
  auto scoring = runner::Scoring::Create({}, {"exact_match"});
  PacedEvaluator evaluator;
  SilentObserver observer;
  runner::RunParts parts;
  parts.journal = journal->get();
  parts.dataset = &dataset;
  parts.fields = &*fields;
  parts.scoring = &*scoring;
  parts.evaluator = &evaluator;
  parts.observer = &observer;
  parts.clock = journal::Clock::Real();
  Must(runner::BenchmarkRun::Create(parts, plan)->Run());
  Must((*journal)->Close());
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// ---------------------------------------------------------------------------

bool Judge(bool passed, const std::string& text) {
  std::printf("%s: %s\n", text.c_str(), passed ? "pass" : "FAIL");
  std::fflush(stdout);
  return passed;
}

bool MeasureRun(const Flags& flags, const std::string& place) {
  const Cost cost =
      RunRunner(flags, place, {"-n", absl::StrCat(flags.queries)});
  const SessionTimes times = ReadTimes(JournalIn(place));
  const double seconds =
      absl::ToDoubleSeconds(times.last_score - times.first_start);
  const double rate = flags.queries / seconds;
  std::printf("start to end: %.1f s, processor %.1f s\n", cost.seconds,
              cost.cpu_seconds);
  return Judge(flags.shape || rate >= kQueriesPerSecondMin,
               absl::StrCat("T11  ", static_cast<int64_t>(rate),
                            " queries/s (>= ", kQueriesPerSecondMin, ")")) &
         Judge(cost.peak_mib <= kPeakMiBMax,
               absl::StrCat("T11  peak ", static_cast<int>(cost.peak_mib),
                            " MiB (<= ", kPeakMiBMax, ")"));
}

bool MeasureResume(const Flags& flags, const std::string& place) {
  const Cost cost = RunRunner(flags, place, {});
  const absl::Duration dispatched =
      ReadTimes(JournalIn(place)).first_start - cost.begin;
  bool passed =
      Judge(flags.shape || dispatched <= absl::Seconds(kResumeSecondsMax),
            absl::StrCat("T13  first new query after ",
                         absl::ToInt64Milliseconds(dispatched),
                         " ms (<= ", kResumeSecondsMax, " s)"));
  passed &= Judge(cost.peak_mib <= kPeakMiBMax,
                  absl::StrCat("T13  peak ", static_cast<int>(cost.peak_mib),
                               " MiB (<= ", kPeakMiBMax, ")"));
  if (!flags.shape) return passed;
  const Cost with = RunRunner(flags, place, {});
  fs::remove_all(place + "/journals/.datasets");
  const Cost without = RunRunner(flags, place, {});
  const double work = with.cpu_seconds / without.cpu_seconds;
  return passed &
         Judge(work <= kResumeWorkMax,
               absl::StrCat("T13  work of a resume with the index ", work,
                            " of one without (<= ", kResumeWorkMax, ")"));
}

bool MeasureExport(const Flags& flags, const std::string& place) {
  const std::string results = place + "/again.json";
  const uint32_t queries = flags.queries + kMoreQueries;
  std::vector<double> seconds, cpu;
  double peak_mib = 0;
  for (int i = 0; i < (flags.shape ? 1 : kTurns); ++i) {
    // To let go of what stood there before takes its own time.
    for (const char* ending : {".json", ".jsonl", ".csv"}) {
      fs::remove(place + "/again" + ending);
    }
    const Cost cost =
        InItsOwnProcess([&] { Export(JournalIn(place), results, queries); });
    seconds.push_back(cost.seconds);
    cpu.push_back(cost.cpu_seconds);
    peak_mib = std::max(peak_mib, cost.peak_mib);
  }
  const double megabytes =
      static_cast<double>(fs::file_size(place + "/again.jsonl")) / 1e6;
  const double rate = megabytes / Median(seconds);
  std::printf("export: %.0f MB of lines in %.1f s, processor %.1f s\n",
              megabytes, Median(seconds), Median(cpu));
  return Judge(flags.shape || rate >= kExportMegabytesMin,
               absl::StrCat("T14  ", static_cast<int>(rate),
                            " MB/s (>= ", kExportMegabytesMin, ")")) &
         Judge(peak_mib <= kPeakMiBMax,
               absl::StrCat("T14  peak ", static_cast<int>(peak_mib),
                            " MiB (<= ", kPeakMiBMax, ")"));
}

bool MeasurePaced(const Flags& flags, const std::string& place) {
  WriteDataset(place + "/paced.jsonl", flags.paced);
  auto dataset = runner::Dataset::Load(place + "/paced.jsonl", {});
  Must(dataset.status());
  const auto run = [&](journal::SyncMode sync, std::vector<double>& seconds,
                       std::vector<double>& cpu) {
    const std::string directory = place + "/paced";
    const Cost cost =
        InItsOwnProcess([&] { RunPaced(**dataset, directory, sync); });
    fs::remove_all(directory);
    seconds.push_back(cost.seconds);
    cpu.push_back(cost.cpu_seconds);
  };
  std::vector<double> batch, batch_cpu, none, none_cpu;
  for (int i = 0; i < kTurns; ++i) {
    run(journal::SyncMode::kBatch, batch, batch_cpu);
    run(journal::SyncMode::kNone, none, none_cpu);
  }
  std::printf(
      "1 ms, %d in flight, %u queries: %.2f s, processor %.2f s; without a "
      "journal %.2f s, %.2f s\n",
      kInFlight, flags.paced, Median(batch), Median(batch_cpu), Median(none),
      Median(none_cpu));
  const double longer = Median(batch) / Median(none);
  return Judge(longer <= kLongerMax,
               absl::StrCat("T12  ", longer,
                            " of the time without (<= ", kLongerMax, ")"));
}

Flags ParseFlags(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    absl::string_view arg = argv[i];
    bool ok = true;
    if (absl::ConsumePrefix(&arg, "--queries=")) {
      ok = absl::SimpleAtoi(arg, &flags.queries) && flags.queries > 0;
    } else if (absl::ConsumePrefix(&arg, "--paced=")) {
      ok = absl::SimpleAtoi(arg, &flags.paced) && flags.paced > 0;
    } else if (absl::ConsumePrefix(&arg, "--runner=")) {
      flags.runner = std::string(arg);
    } else if (absl::ConsumePrefix(&arg, "--directory=")) {
      flags.directory = std::string(arg);
    } else if (arg == "--shape") {
      flags.shape = true;
    } else {
      ok = false;
    }
    if (!ok) Fail(absl::StrCat("what is ", argv[i], "?"));
  }
  return flags;
}

int Main(const Flags& flags) {
  std::string place = flags.directory + "/runner_bench_XXXXXX";
  if (mkdtemp(place.data()) == nullptr) Fail("mkdtemp");
  WriteDataset(place + "/d.jsonl", flags.queries + kMoreQueries);
  bool passed = MeasureRun(flags, place);
  passed &= MeasureResume(flags, place);
  passed &= MeasureExport(flags, place);
  if (!flags.shape) passed &= MeasurePaced(flags, place);
  fs::remove_all(place);
  return passed ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) { return Main(ParseFlags(argc, argv)); }
