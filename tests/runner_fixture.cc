#include "tests/runner_fixture.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "journal/reader.h"
#include "runner/storage/record_codec.h"

namespace runner {
namespace {

namespace fs = std::filesystem;

// Where Bazel starts tests, these lie at their labels' paths.
constexpr char kRunner[] = "runner/bench-runner";
constexpr char kWorker[] = "runner/testing/fake_worker";

// Also of files in /proc, whose process may be gone: what can be read.
std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Program(const char* path) {
  return (fs::current_path() / path).string();
}

int PollMs(absl::Time until) {
  const absl::Duration left = std::max(until - absl::Now(), absl::Duration());
  return static_cast<int>(
      absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))));
}

[[noreturn]] void Exec(const std::vector<std::string>& words,
                       const std::string& directory, const std::string& out,
                       const std::string& err) {
  std::vector<char*> argv;
  for (const std::string& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  const int in = open("/dev/null", O_RDONLY);
  const int out_fd = open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int err_fd = open(err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (in < 0 || out_fd < 0 || err_fd < 0 || chdir(directory.c_str()) != 0 ||
      dup2(in, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(err_fd, 2) < 0) {
    _exit(127);
  }
  // What a run without a journal puts there must be found.
  setenv("TMPDIR", directory.c_str(), 1);
  unsetenv("NO_COLOR");
  setenv("TERM", "xterm", 1);
  execvp(argv[0], argv.data());
  _exit(127);
}

// Waits for changes in a directory's files and for a process's end.
class Watch {
 public:
  Watch(const std::string& path, int pid_fd) : pid_fd_(pid_fd) {
    fd_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    EXPECT_GE(inotify_add_watch(fd_, path.c_str(),
                                IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVE),
              0);
  }
  ~Watch() { close(fd_); }

  // False when the process has ended or patience has.
  bool Until(const std::function<bool()>& condition) {
    const absl::Time until = absl::Now() + kPatience;
    for (;;) {
      char events[4096];
      while (read(fd_, events, sizeof events) > 0) {
      }
      if (condition()) return true;
      pollfd both[] = {{fd_, POLLIN, 0}, {pid_fd_, POLLIN, 0}};
      const int ready = poll(both, 2, PollMs(until));
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) return false;
      if (both[1].revents != 0) return condition();
    }
  }

 private:
  int fd_ = -1;
  const int pid_fd_;
};

void ForEachRecord(const std::string& directory,
                   const std::function<void(const journal::Record&)>& visit) {
  auto reader = journal::Reader::Open(directory, {});
  ASSERT_TRUE(reader.ok()) << reader.status();
  journal::ReadResult next = (*reader)->Next();
  for (; next.outcome == journal::ReadOutcome::kRecord;
       next = (*reader)->Next()) {
    visit(next.record);
  }
  EXPECT_EQ(next.outcome, journal::ReadOutcome::kEnd) << directory;
}

std::string NameOf(const QueryKey& key) {
  return absl::StrCat(key.run, "/", key.id, "/", key.occurrence);
}

}  // namespace

// ---------------------------------------------------------------------------
// RunnerProcess

RunnerProcess::RunnerProcess(const std::vector<std::string>& words,
                             const std::string& directory,
                             const std::string& stderr_file) {
  static std::atomic<int> count{0};
  const std::string base = absl::StrCat(directory, "/process", ++count);
  out_path_ = base + ".stdout";
  if (stderr_file.empty()) err_path_ = base + ".stderr";
  pid_ = fork();
  if (pid_ == 0) {
    Exec(words, directory, out_path_,
         stderr_file.empty() ? err_path_ : stderr_file);
  }
  EXPECT_GT(pid_, 0);
  // glibc 2.36 declares pidfd_open without C linkage.
  pid_fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  EXPECT_GE(pid_fd_, 0);
}

RunnerProcess::RunnerProcess(RunnerProcess&& other) noexcept
    : out_path_(std::move(other.out_path_)),
      err_path_(std::move(other.err_path_)),
      pid_(other.pid_),
      pid_fd_(std::exchange(other.pid_fd_, -1)),
      reaped_(std::exchange(other.reaped_, true)),
      exit_(other.exit_),
      rss_kib_max_(other.rss_kib_max_) {}

RunnerProcess::~RunnerProcess() {
  Kill9();
  if (pid_fd_ >= 0) close(pid_fd_);
}

void RunnerProcess::Signal(int signal) const {
  if (!reaped_) kill(pid_, signal);
}

bool RunnerProcess::Kill9() {
  if (reaped_) return false;
  kill(pid_, SIGKILL);
  Reap();
  return exit_ == -SIGKILL;
}

int RunnerProcess::WaitExit() {
  if (!EndsWithin(kPatience)) {
    ADD_FAILURE() << "the runner does not end; it said:\n" << err();
    Kill9();
  }
  return exit_;
}

bool RunnerProcess::EndsWithin(absl::Duration time) {
  if (reaped_) return true;
  timespec left = absl::ToTimespec(time);
  pollfd end = {pid_fd_, POLLIN, 0};
  // An interrupted wait is one of zero length, which nobody minds here.
  if (ppoll(&end, 1, &left, nullptr) <= 0) return false;
  Reap();
  return true;
}

void RunnerProcess::Reap() {
  int status = 0;
  rusage usage = {};
  pid_t reaped;
  do {
    reaped = wait4(pid_, &status, 0, &usage);
  } while (reaped < 0 && errno == EINTR);
  EXPECT_EQ(reaped, pid_);
  reaped_ = true;
  exit_ = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  rss_kib_max_ = usage.ru_maxrss;
}

std::string RunnerProcess::out() const { return ReadFile(out_path_); }
std::string RunnerProcess::err() const { return ReadFile(err_path_); }

// ---------------------------------------------------------------------------
// Workplace

Workplace::Workplace() {
  std::string pattern = testing::TempDir() + "/workplace-XXXXXX";
  EXPECT_NE(mkdtemp(pattern.data()), nullptr);
  directory_ = fs::canonical(pattern).string();
  options = {{"dataset", "questions.jsonl"},
             {"results", "results.json"},
             {"scorer", "exact_match"}};
}

Workplace::~Workplace() {
  EXPECT_TRUE(EverybodyIsGone())
      << "left behind: " << absl::StrJoin(LivingProcesses(), ", ");
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

std::string Workplace::Path(const std::string& name) const {
  return directory_ + "/" + name;
}

std::string Workplace::Question(int number) {
  const int a = number * 7 % 100, b = number * 13 % 90 + 1;
  const int answer = number % 10 == 0 ? -1 : a * b;
  return absl::StrCat("{\"id\":\"q", number, "\",\"input\":\"", a, " * ", b,
                      "\",\"target\":\"", answer, "\"}\n");
}

void Workplace::WriteDataset(int questions) {
  std::string text;
  for (int i = 1; i <= questions; ++i) absl::StrAppend(&text, Question(i));
  Write("questions.jsonl", text);
}

void Workplace::Write(const std::string& name, const std::string& text) const {
  std::ofstream file(Path(name), std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  EXPECT_TRUE(file.good()) << Path(name);
}

std::string Workplace::Read(const std::string& name) const {
  return ReadFile(Path(name));
}

bool Workplace::Exists(const std::string& name) const {
  return fs::exists(fs::symlink_status(Path(name)));
}

void Workplace::WriteWorker() const {
  const std::string script =
      absl::StrCat("#!/bin/sh\nexec ", Program(kWorker), " ",
                   absl::StrJoin(worker_flags, " "), "\n");
  // A running runner may be starting it just now.
  if (Read("worker") == script) return;
  Write("worker.new", script);
  fs::permissions(Path("worker.new"), fs::perms::owner_all);
  fs::rename(Path("worker.new"), Path("worker"));
}

RunnerProcess Workplace::Start(const std::vector<std::string>& more,
                               const std::string& stderr_file) const {
  std::vector<std::string> words = run_under;
  words.insert(words.end(), {Program(kRunner), "run"});
  std::map<std::string, std::string> all = options;
  WriteWorker();
  if (all.count("response-field") + all.count("base-url") +
          all.count("evaluator") ==
      0) {
    all.emplace("worker-command", "./worker");
  }
  for (const auto& [name, value] : all) {
    words.push_back("--" + name);
    words.push_back(value);
  }
  words.insert(words.end(), more.begin(), more.end());
  return RunnerProcess(words, directory_, stderr_file);
}

int Workplace::Run(const std::vector<std::string>& more) {
  RunnerProcess runner = Start(more);
  const int exit_code = runner.WaitExit();
  out_ = runner.out();
  err_ = runner.err();
  return exit_code;
}

int Workplace::RunProgram(const std::vector<std::string>& words) {
  std::vector<std::string> all = run_under;
  all.push_back(Program(kRunner));
  all.insert(all.end(), words.begin(), words.end());
  RunnerProcess runner(all, directory_);
  const int exit_code = runner.WaitExit();
  out_ = runner.out();
  err_ = runner.err();
  return exit_code;
}

std::vector<QueryName> Workplace::Calls() const {
  std::vector<QueryName> calls;
  const std::string log = Read("calls.log");
  for (const absl::string_view line :
       absl::StrSplit(log, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    EXPECT_EQ(words.size(), 4u) << "calls.log: " << line;
    if (words.size() == 4) {
      calls.push_back(absl::StrCat(words[0], "/", words[1], "/", words[2]));
    }
  }
  return calls;
}

std::map<QueryName, int> Workplace::CallCounts() const {
  std::map<QueryName, int> counts;
  for (const QueryName& call : Calls()) ++counts[call];
  return counts;
}

bool Workplace::WaitForCalls(size_t calls, RunnerProcess& runner) const {
  return Watch(directory_, runner.pid_fd()).Until([&] {
    const std::string log = Read("calls.log");
    return static_cast<size_t>(std::count(log.begin(), log.end(), '\n')) >=
           calls;
  });
}

bool Workplace::WaitForMessage(const std::string& text,
                               RunnerProcess& runner) const {
  return Watch(directory_, runner.pid_fd()).Until([&] {
    return runner.err().find(text) != std::string::npos;
  });
}

bool Workplace::WaitForFiles(const std::string& folder, RunnerProcess& runner,
                             const std::function<bool()>& condition) const {
  return Watch(folder, runner.pid_fd()).Until(condition);
}

std::vector<std::string> Workplace::Journals() const {
  std::vector<std::string> names;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(Path("journals"), absent)) {
    const std::string name = entry.path().filename().string();
    if (name == "latest" || name == "replaced" || name[0] == '.') continue;
    names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string Workplace::JournalDirectory() const {
  const std::vector<std::string> journals = Journals();
  EXPECT_EQ(journals.size(), 1u) << absl::StrJoin(journals, ", ");
  return journals.empty() ? "" : Path("journals/" + journals.front());
}

std::map<QueryName, int> Workplace::InDoubtCounts() const {
  const std::vector<std::string> journals = Journals();
  EXPECT_EQ(journals.size(), 1u) << absl::StrJoin(journals, ", ");
  if (journals.empty()) return {};
  return InDoubtCounts("journals/" + journals.front());
}

std::map<QueryName, int> Workplace::InDoubtCounts(
    const std::string& journal) const {
  std::map<QueryName, int> counts;
  ForEachRecord(Path(journal), [&](const journal::Record& record) {
    if (record.type != static_cast<uint16_t>(InDoubtRecord::kType)) return;
    const auto in_doubt = Decode<InDoubtRecord>(record.body);
    ASSERT_TRUE(in_doubt.ok()) << in_doubt.status();
    for (const AttemptStartRecord& start : in_doubt->starts) {
      ++counts[NameOf(start.key)];
    }
  });
  return counts;
}

void Workplace::ExpectAskedOnceButInDoubt(size_t questions) const {
  const std::map<QueryName, int> asked = CallCounts();
  const std::map<QueryName, int> in_doubt = InDoubtCounts();
  EXPECT_EQ(asked.size(), questions);
  for (const auto& [query, times] : asked) {
    const auto listed = in_doubt.find(query);
    EXPECT_LE(times, 1 + (listed == in_doubt.end() ? 0 : listed->second))
        << query << " was asked again unlisted";
  }
}

std::vector<std::string> Workplace::Records(const std::string& name) const {
  std::vector<std::string> records;
  ForEachRecord(Path("journals/" + name), [&](const journal::Record& record) {
    records.push_back(
        absl::StrCat(record.lsn, ":", record.type, ":", record.body));
  });
  return records;
}

std::string Workplace::ResultsWithoutTiming(const std::string& stem) const {
  std::string json = Read(stem + ".json");
  constexpr char kBegin[] = "\n  \"timing\": {", kEnd[] = "\n  }";
  const size_t begin = json.find(kBegin);
  const size_t end = json.find(kEnd, begin);
  if (begin == std::string::npos || end == std::string::npos) {
    ADD_FAILURE() << "no timing in results.json: " << json;
    return json;
  }
  json.erase(begin, end + sizeof kEnd - 1 - begin);
  return json + Read(stem + ".jsonl") + Read(stem + ".csv");
}

double Workplace::ResultNumber(const std::string& pointer) const {
  const auto json = nlohmann::json::parse(Results(), nullptr, false);
  const nlohmann::json::json_pointer path(pointer);
  if (json.is_discarded() || !json.contains(path) || !json[path].is_number()) {
    ADD_FAILURE() << "no number " << pointer << " in " << Results();
    return -1;
  }
  return json[path].get<double>();
}

std::string Workplace::ResultText(const std::string& pointer) const {
  const auto json = nlohmann::json::parse(Results(), nullptr, false);
  const nlohmann::json::json_pointer path(pointer);
  if (json.is_discarded() || !json.contains(path) || !json[path].is_string()) {
    ADD_FAILURE() << "no text " << pointer << " in " << Results();
    return "";
  }
  return json[path].get<std::string>();
}

std::vector<std::string> Workplace::LivingProcesses() const {
  std::vector<std::string> living;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    // The working directory of a dead process, zombie or not, is none.
    std::error_code dead;
    const fs::path where = fs::read_symlink(entry.path() / "cwd", dead);
    if (dead || where != directory_) continue;
    std::string command = ReadFile(absl::StrCat("/proc/", pid, "/cmdline"));
    std::replace(command.begin(), command.end(), '\0', ' ');
    living.push_back(absl::StrCat(pid, " ", command));
  }
  return living;
}

bool Workplace::EverybodyIsGone() const {
  const absl::Time until = absl::Now() + kPatience;
  while (!LivingProcesses().empty()) {
    if (absl::Now() > until) return false;
    poll(nullptr, 0, /*timeout_ms=*/2);
  }
  return true;
}

}  // namespace runner
