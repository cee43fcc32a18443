// What a journal costs as it grows: records of one size in mode batch, folded
// into one bit each and 64 bytes for each failed one, snapshots made by
// themselves; for each power of ten up to --records, and for that.
//
//   bazel run --config=opt //bench:scale_bench -- --records=10000000
//
//   --records=N        the last journal's (1000000)
//   --record_bytes=N   each body's, a third of it random (256)
//   --appenders=N      threads that each wait for their append; 0: one that
//                      does not wait (0)
//   --sync_records=N   WriterOptions::sync_records (50)
//   --directory=DIR    on the disk that is to be measured (.)
//   --process_io       count what this process wrote, not what the disk did:
//                      for a disk that others write to meanwhile
//
// Every phase is a process of its own, so that its peak of memory is its own:
// one appends and is killed, then some open the journal again, read from the
// disk, and are killed, too.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "journal/journal.h"

namespace {

namespace fs = std::filesystem;

constexpr int kFailedEvery = 100;
constexpr size_t kFailedBytes = 64;
constexpr uint64_t kSnapshotLogBytes = 64 << 20;
constexpr int kReopenings = 5;
constexpr int kSettleSecondsMax = 120;
constexpr double kMiB = 1 << 20;

// Judged from here on: what a small journal costs is its first segments.
constexpr uint64_t kJudgedFrom = 1'000'000;
constexpr double kReopenSecondsMax = 0.2;
constexpr double kReopenMiBMax = 64;
constexpr double kWriterMiBMax = 96;
constexpr double kWrittenPerByteMax = 3.3;  // At 256 bytes a record
constexpr double kWrittenLargeMax = 2.7;    // and from 1 KiB on.
constexpr double kLinearMax = 1.1;          // From one row to the next.

struct Flags {
  uint64_t records = 1'000'000;
  size_t record_bytes = 256;
  int appenders = 0;
  uint32_t sync_records = 50;
  std::string directory = ".";
  bool process_io = false;
};

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "scale_bench: %s\n", what.c_str());
  std::exit(1);
}

double Seconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// ---------------------------------------------------------------------------
// The application

// A number, a third that nothing compresses, and the rest.
std::string Body(uint64_t number, size_t bytes) {
  std::string body(std::max(bytes, sizeof(number)), '\0');
  std::memcpy(body.data(), &number, sizeof(number));
  uint64_t mix = number * 0x9e3779b97f4a7c15u + 1;
  size_t at = sizeof(number);
  for (; at < body.size() / 3; ++at) {
    mix ^= mix << 13;
    mix ^= mix >> 7;
    mix ^= mix << 17;
    body[at] = static_cast<char>(mix >> 56);
  }
  constexpr char kRest[] = R"({"id":"question","output":"the same again")";
  for (; at < body.size(); ++at) body[at] = kRest[at % (sizeof(kRest) - 1)];
  return body;
}

// What a benchmark's runner keeps: which are done, and how some failed.
class Progress final : public journal::Folder {
 public:
  uint32_t version() const override { return 1; }
  void Reset() override {
    done_.clear();
    failed_.clear();
    count_ = 0;
  }
  absl::Status Restore(absl::string_view state) override {
    uint64_t words = 0;
    const size_t head = sizeof(count_) + sizeof(words);
    if (state.size() < head) return absl::DataLossError("too short");
    std::memcpy(&count_, state.data(), sizeof(count_));
    std::memcpy(&words, state.data() + sizeof(count_), sizeof(words));
    if (words > (state.size() - head) / sizeof(uint64_t)) {
      return absl::DataLossError("too short");
    }
    const size_t bytes = words * sizeof(uint64_t);
    done_.resize(words);
    std::memcpy(done_.data(), state.data() + head, bytes);
    failed_.assign(state.data() + head + bytes, state.size() - head - bytes);
    return absl::OkStatus();
  }
  void Fold(const journal::Record& record) override {
    uint64_t number = 0;
    std::memcpy(&number, record.body.data(), sizeof(number));
    if (number / 64 >= done_.size()) done_.resize(number / 64 + 1);
    done_[number / 64] |= uint64_t{1} << number % 64;
    ++count_;
    if (number % kFailedEvery == 0) {
      failed_.append(record.body.data(),
                     std::min(record.body.size(), kFailedBytes));
      failed_.resize((failed_.size() + kFailedBytes - 1) / kFailedBytes *
                     kFailedBytes);
    }
  }
  std::string Save() override {
    const uint64_t words = done_.size();
    std::string state;
    state.reserve(sizeof(count_) + sizeof(words) + words * sizeof(uint64_t) +
                  failed_.size());
    state.append(reinterpret_cast<const char*>(&count_), sizeof(count_));
    state.append(reinterpret_cast<const char*>(&words), sizeof(words));
    state.append(reinterpret_cast<const char*>(done_.data()),
                 words * sizeof(uint64_t));
    return state += failed_;
  }
  uint64_t count() const { return count_; }

 private:
  uint64_t count_ = 0;
  std::vector<uint64_t> done_;
  std::string failed_;
};

// How far snapshots have come.
class Watcher final : public journal::WriterListener {
 public:
  void OnBackgroundError(const absl::Status& error) override {
    Fail(error.ToString());
  }
  void OnSnapshot(journal::Lsn last_lsn) override { snapshot_lsn = last_lsn; }
  std::atomic<journal::Lsn> snapshot_lsn = 0;
};

// ---------------------------------------------------------------------------
// The machine

struct Written {
  double bytes = 0;
  double flushes = 0;
};

// Of the disk that holds the directory; nothing where that is none.
bool ReadDisk(const std::string& directory, Written* written) {
  struct stat info = {};
  if (stat(directory.c_str(), &info) != 0) Fail("no directory " + directory);
  std::ifstream in("/sys/dev/block/" + std::to_string(major(info.st_dev)) +
                   ":" + std::to_string(minor(info.st_dev)) + "/stat");
  std::array<double, 17> field = {};
  int fields = 0;
  while (fields < 17 && in >> field[fields]) ++fields;
  written->bytes = field[6] * 512;
  written->flushes = field[15];
  return fields > 7;
}

double ReadProcess() {
  std::ifstream in("/proc/self/io");
  for (std::string name, value; in >> name >> value;) {
    if (name == "write_bytes:") return std::stod(value);
  }
  return 0;
}

void SyncFileSystem(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || syncfs(fd) != 0) Fail("cannot sync " + directory);
  close(fd);
}

// So that what is read comes from the disk.
void DropCaches(const std::string& directory) {
  SyncFileSystem(directory);
  for (const auto& file : fs::directory_iterator(directory)) {
    const int fd = open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
  }
}

double DiskMiB(const std::string& directory) {
  double bytes = 0;
  for (const auto& file : fs::directory_iterator(directory)) {
    struct stat info = {};
    if (stat(file.path().c_str(), &info) == 0) bytes += info.st_blocks * 512.0;
  }
  return bytes / kMiB;
}

// A journal as a killed writer left it, again and again: opening changes its
// newest segment and adds files.
class Relic {
 public:
  explicit Relic(const std::string& directory)
      : directory_(directory), copy_(directory + ".newest") {
    for (const auto& file : fs::directory_iterator(directory)) {
      names_.insert(file.path().filename());
      if (file.path().extension() == ".seg") {
        newest_ = std::max(newest_, file.path().filename().string());
      }
    }
    fs::copy_file(directory_ + "/" + newest_, copy_);
  }
  ~Relic() { fs::remove(copy_); }

  void Restore() {
    std::vector<fs::path> added;
    for (const auto& file : fs::directory_iterator(directory_)) {
      if (names_.count(file.path().filename()) == 0) added.push_back(file);
    }
    for (const fs::path& path : added) fs::remove(path);
    fs::copy_file(copy_, directory_ + "/" + newest_,
                  fs::copy_options::overwrite_existing);
  }

 private:
  const std::string directory_, copy_;
  std::set<std::string> names_;
  std::string newest_;
};

// What a phase tells before it is killed.
struct Report {
  double seconds = 0;
  double process_bytes = 0;
  uint64_t fsyncs = 0;  // Rotations' included, snapshots' not.
  uint64_t snapshots = 0;
  uint64_t states = 0;
  uint64_t state_lsn = 0;
  double peak_mib = 0;
  double cpu_seconds = 0;
};

// Runs it in a child that is killed when it has told.
Report RunAndKill(const std::function<Report()>& phase) {
  int ends[2];
  if (pipe(ends) != 0) Fail("no pipe");
  const pid_t child = fork();
  if (child < 0) Fail("no process");
  if (child == 0) {
    close(ends[0]);
    const Report report = phase();
    if (write(ends[1], &report, sizeof(report)) != sizeof(report)) _exit(1);
    for (;;) pause();
  }
  close(ends[1]);
  Report report;
  const ssize_t got = read(ends[0], &report, sizeof(report));
  close(ends[0]);
  kill(child, SIGKILL);
  int status = 0;
  struct rusage usage = {};
  wait4(child, &status, 0, &usage);
  if (got != sizeof(report)) Fail("a phase failed");
  report.peak_mib = usage.ru_maxrss / 1024.0;
  report.cpu_seconds = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
                       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  return report;
}

// ---------------------------------------------------------------------------
// Phases

struct Journal {
  Progress progress;
  Watcher watcher;
  std::unique_ptr<journal::Writer> writer;
};

// Lives until the process is killed.
Journal& Open(const Flags& flags, const std::string& directory) {
  Journal& opened = *new Journal;
  journal::WriterOptions options;
  options.sync_mode = journal::SyncMode::kBatch;
  options.sync_records = flags.sync_records;
  options.snapshots.log_bytes = kSnapshotLogBytes;
  options.folder = &opened.progress;
  options.listener = &opened.watcher;
  auto writer = journal::Writer::Open(directory, options);
  if (!writer.ok()) Fail(writer.status().ToString());
  opened.writer = *std::move(writer);
  return opened;
}

void Append(const Flags& flags, journal::Writer& writer, uint64_t first,
            uint64_t step, uint64_t end) {
  for (uint64_t number = first; number < end; number += step) {
    const std::string body = Body(number, flags.record_bytes);
    const journal::RecordView record = {.type = 1, .body = body};
    absl::Status status;
    if (flags.appenders == 0) {
      status = writer.AppendAsync(record, [](absl::StatusOr<journal::Lsn> lsn) {
        if (!lsn.ok()) Fail(lsn.status().ToString());
      });
    } else {
      status = writer.Append(record).status();
    }
    if (!status.ok()) Fail(status.ToString());
  }
}

// Until what is sealed and in no snapshot is too little for one more.
void Settle(const Flags& flags, const Journal& opened, uint64_t records) {
  const double log_bytes = records * (flags.record_bytes + 48.0);
  if (log_bytes < 3.0 * kSnapshotLogBytes) return;
  const uint64_t behind = 3.0 * kSnapshotLogBytes / log_bytes * records;
  const double deadline = Seconds() + kSettleSecondsMax;
  while (opened.watcher.snapshot_lsn + behind < records) {
    if (Seconds() > deadline) Fail("snapshots do not catch up");
    usleep(10'000);
  }
}

Report AppendPhase(const Flags& flags, const std::string& directory,
                   uint64_t records) {
  Report report;
  Journal& opened = Open(flags, directory);
  const double start = Seconds();
  const int appenders = std::max(flags.appenders, 1);
  std::vector<std::thread> threads;
  for (int i = 0; i < appenders; ++i) {
    threads.emplace_back(
        [&, i] { Append(flags, *opened.writer, i, appenders, records); });
  }
  for (std::thread& thread : threads) thread.join();
  // What is queued has no LSN yet to wait for.
  while (opened.writer->statistics().records < records) usleep(100);
  if (!opened.writer->Sync().ok()) Fail("cannot sync");
  report.seconds = Seconds() - start;
  Settle(flags, opened, records);
  const journal::WriterStatistics counted = opened.writer->statistics();
  report.process_bytes = ReadProcess();
  report.fsyncs = counted.fsyncs + 3 * counted.rotations;
  report.snapshots = counted.snapshots;
  report.states = counted.states;
  return report;
}

Report ReopenPhase(const Flags& flags, const std::string& directory,
                   uint64_t records) {
  Report report;
  const double start = Seconds();
  const Journal& opened = Open(flags, directory);
  report.seconds = Seconds() - start;
  report.state_lsn = opened.writer->recovery_report().state_lsn;
  if (opened.progress.count() != records) Fail("records are not there");
  return report;
}

struct Row {
  uint64_t records = 0;
  Report append;
  double written_per_byte = 0;
  double flushes = 0;
  double disk_mib = 0;
  // Of all: the least is what it takes, the rest waited for the machine.
  double least_reopen = 0;
  double median_reopen = 0;
  double reopen_cpu = 0;  // The least, too.
  double reopen_mib = 0;
  uint64_t tail_records = 0;
};

Row Measure(const Flags& flags, uint64_t records) {
  const std::string directory =
      flags.directory + "/bench_scale_" + std::to_string(getpid());
  fs::remove_all(directory);
  Row row;
  row.records = records;
  SyncFileSystem(flags.directory);
  Written before, after;
  const bool disk = ReadDisk(flags.directory, &before) && !flags.process_io;
  row.append =
      RunAndKill([&] { return AppendPhase(flags, directory, records); });
  SyncFileSystem(flags.directory);
  ReadDisk(flags.directory, &after);
  const double payload = static_cast<double>(records) * flags.record_bytes;
  row.written_per_byte =
      (disk ? after.bytes - before.bytes : row.append.process_bytes) / payload;
  row.flushes =
      disk ? after.flushes - before.flushes : double(row.append.fsyncs);
  row.disk_mib = DiskMiB(directory);
  std::vector<double> reopenings, cpu;
  Relic relic(directory);
  for (int i = 0; i < kReopenings; ++i) {
    relic.Restore();
    DropCaches(directory);
    const Report report =
        RunAndKill([&] { return ReopenPhase(flags, directory, records); });
    reopenings.push_back(report.seconds);
    cpu.push_back(report.cpu_seconds);
    row.reopen_mib = std::max(row.reopen_mib, report.peak_mib);
    row.tail_records = records - std::min(records, report.state_lsn);
  }
  std::sort(reopenings.begin(), reopenings.end());
  row.least_reopen = reopenings.front();
  row.reopen_cpu = *std::min_element(cpu.begin(), cpu.end());
  row.median_reopen = reopenings[kReopenings / 2];
  fs::remove_all(directory);
  return row;
}

// ---------------------------------------------------------------------------
// What came of it

bool Judge(const char* what, double value, double most, uint64_t records) {
  const bool pass = value <= most;
  std::printf("%-36s at %8zu: %8.3f, at most %6.3f  %s\n", what,
              size_t{records}, value, most, pass ? "pass" : "FAIL");
  return pass;
}

bool JudgeAll(const Flags& flags, const std::vector<Row>& rows) {
  bool pass = true;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    if (row.records < kJudgedFrom) continue;
    const auto judge = [&](const char* what, double value, double most) {
      pass &= Judge(what, value, most, row.records);
    };
    judge("reopening, seconds (the least)", row.least_reopen,
          kReopenSecondsMax);
    judge("reopening, MiB", row.reopen_mib, kReopenMiBMax);
    judge("writing and snapshots, MiB", row.append.peak_mib, kWriterMiBMax);
    judge("written for each payload byte", row.written_per_byte,
          flags.record_bytes < 1024 ? kWrittenPerByteMax : kWrittenLargeMax);
    if (i > 0 && rows[i - 1].records >= kJudgedFrom / 10) {
      judge("of what the one before took",
            row.written_per_byte / rows[i - 1].written_per_byte, kLinearMax);
    }
  }
  return pass;
}

bool ParseFlag(const std::string& argument, Flags* flags) {
  const size_t equals = argument.find('=');
  const std::string name = argument.substr(0, equals);
  const std::string value =
      equals == std::string::npos ? "" : argument.substr(equals + 1);
  if (name == "--process_io") return flags->process_io = true;
  if (name == "--directory") {
    flags->directory = value;
    return !value.empty();
  }
  char* end = nullptr;
  const uint64_t number = std::strtoull(value.c_str(), &end, 10);
  if (value.empty() || *end != '\0') return false;
  if (name == "--records") {
    flags->records = number;
  } else if (name == "--record_bytes") {
    flags->record_bytes = number;
  } else if (name == "--appenders") {
    flags->appenders = static_cast<int>(number);
  } else if (name == "--sync_records") {
    flags->sync_records = static_cast<uint32_t>(number);
  } else {
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    if (!ParseFlag(argv[i], &flags)) {
      Fail(std::string("what is ") + argv[i] + "?");
    }
  }
  Written ignored;
  if (flags.records == 0 || flags.record_bytes == 0) Fail("nothing to append");
  if (flags.process_io || !ReadDisk(flags.directory, &ignored)) {
    std::printf(
        "Written bytes are those of /proc/self/io: without the file system's "
        "own.\n");
  }
  std::printf("%9s %11s %8s %9s %6s %6s %8s %9s %8s %8s %7s %8s %9s\n",
              "records", "records/s", "written", "flush/1k", "snaps", "states",
              "peak MiB", "disk MiB", "reopen", "median", "CPU", "MiB", "tail");
  std::vector<Row> rows;
  for (uint64_t records = std::min<uint64_t>(1000, flags.records);;
       records = std::min(records * 10, flags.records)) {
    rows.push_back(Measure(flags, records));
    const Row& row = rows.back();
    std::printf(
        "%9zu %11.0f %7.2fx %9.2f %6zu %6zu %8.1f %9.1f %7.3fs %7.3fs %6.3fs "
        "%8.1f %9zu\n",
        size_t{row.records}, row.records / row.append.seconds,
        row.written_per_byte, 1000 * row.flushes / row.records,
        size_t{row.append.snapshots}, size_t{row.append.states},
        row.append.peak_mib, row.disk_mib, row.least_reopen, row.median_reopen,
        row.reopen_cpu, row.reopen_mib, size_t{row.tail_records});
    std::fflush(stdout);
    if (records == flags.records) break;
  }
  return JudgeAll(flags, rows) ? 0 : 1;
}
