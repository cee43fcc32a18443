// One thread, 1 KiB records, durable at the callback: AppendAsync in mode each
// beside two plain loops that keep the same promise, and a sync Append.
//
//   bazel run --config=opt //bench:async_bench
//
// All run interleaved in one process, and the medians are compared: on a shared
// machine only the ratios carry over. Files lie in $BENCH_DIR, else in the
// working directory, which must be on the disk that is to be measured.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "bench/workload.h"
#include "journal/journal.h"

namespace {

using bench::kRecordBytes;
using bench::MakeRecord;
using bench::Scratch;

constexpr int kAsyncRecords = 1'000'000;  // In one repetition.
constexpr int kLoopRecords = 2000;
constexpr size_t kBatchBytes = 1 << 20;
constexpr int kRepetitions = 5;
constexpr off_t kFillStep = 1 << 20;
constexpr double kTargetRate = 1'000'000;

double Seconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "async_bench: %s\n", what.c_str());
  std::exit(1);
}

// Write at the end, fdatasync, repeat, into space that the loop zero-writes
// itself, as the journal does. Records a second.
double RawLoop(size_t write_bytes, int writes) {
  const std::string path = Scratch("raw");
  const std::string data(write_bytes, 'x');
  const std::vector<char> zeros(kFillStep);
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) Fail("cannot create " + path);
  off_t filled = 0;
  off_t offset = 0;
  const double start = Seconds();
  for (int i = 0; i < writes; ++i) {
    while (offset + static_cast<off_t>(write_bytes) > filled) {
      if (pwrite(fd, zeros.data(), kFillStep, filled) != kFillStep ||
          fdatasync(fd) != 0) {
        Fail("filling failed");
      }
      filled += kFillStep;
    }
    if (pwrite(fd, data.data(), write_bytes, offset) !=
            static_cast<ssize_t>(write_bytes) ||
        fdatasync(fd) != 0) {
      Fail("writing failed");
    }
    offset += static_cast<off_t>(write_bytes);
  }
  const double took = Seconds() - start;
  close(fd);
  std::filesystem::remove(path);
  return writes * static_cast<double>(write_bytes / kRecordBytes) / took;
}

// What is measured is from the first append to the last callback.
double JournalLoop(int records, bool async) {
  const std::string record = MakeRecord();
  const std::string directory = Scratch("journal");
  journal::WriterOptions options;
  options.sync_mode = journal::SyncMode::kEach;
  auto writer = journal::Writer::Open(directory, options);
  if (!writer.ok()) Fail(writer.status().ToString());
  journal::RecordView view;
  view.type = 1;
  view.body = record;
  // The callbacks': one thread calls them all.
  struct {
    int left;
    std::promise<void> done;
  } progress = {records, {}};
  const double start = Seconds();
  for (int i = 0; i < records; ++i) {
    if (async) {
      const absl::Status queued = (*writer)->AppendAsync(
          view, [&progress](absl::StatusOr<journal::Lsn> lsn) {
            if (!lsn.ok()) Fail(lsn.status().ToString());
            if (--progress.left == 0) progress.done.set_value();
          });
      if (!queued.ok()) Fail(queued.ToString());
    } else if (const auto lsn = (*writer)->Append(view); !lsn.ok()) {
      Fail(lsn.status().ToString());
    }
  }
  if (async) progress.done.get_future().wait();
  const double took = Seconds() - start;
  if (const auto closed = (*writer)->Close(); !closed.ok()) {
    Fail(closed.ToString());
  }
  std::filesystem::remove_all(directory);
  return records / took;
}

double Median(std::vector<double> rates) {
  std::nth_element(rates.begin(), rates.begin() + rates.size() / 2,
                   rates.end());
  return rates[rates.size() / 2];
}

void Print(const char* name, const std::vector<double>& rates,
           double reference) {
  const auto [least, most] = std::minmax_element(rates.begin(), rates.end());
  std::printf("%-26s %10.0f records/s  (%.0f to %.0f)  %8.2f x raw\n", name,
              Median(rates), *least, *most, Median(rates) / reference);
}

}  // namespace

int main() {
  std::vector<double> raw, batched, append, async;
  for (int i = 0; i < kRepetitions; ++i) {
    raw.push_back(RawLoop(kRecordBytes, kLoopRecords));
    append.push_back(JournalLoop(kLoopRecords, /*async=*/false));
    batched.push_back(
        RawLoop(kBatchBytes, kAsyncRecords / (kBatchBytes / kRecordBytes)));
    async.push_back(JournalLoop(kAsyncRecords, /*async=*/true));
  }
  const double one = Median(raw);
  Print("raw, each record", raw, one);
  Print("journal, Append", append, one);
  Print("raw, 1 MiB at a time", batched, one);
  Print("journal, AppendAsync", async, one);
  const double rate = Median(async);
  std::printf("AppendAsync / raw 1 MiB at a time: %.2f\n",
              rate / Median(batched));
  std::printf("%.0f records/s, target %.0f: %s\n", rate, kTargetRate,
              rate >= kTargetRate ? "pass" : "FAIL");
  return rate >= kTargetRate ? 0 : 1;
}
