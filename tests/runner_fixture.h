// For tests of the real program: a directory in which bench-runner runs with
// fake_worker, and the processes that run there.
//
//   Workplace place;
//   place.WriteDataset(100);
//   RunnerProcess runner = place.Start({"--workers", "8"});
//   place.WaitForCalls(30, runner);
//   runner.Kill9();
//   EXPECT_EQ(place.Run(), 0);
//   EXPECT_EQ(place.ResultsWithoutTiming(), expected);
#ifndef TESTS_RUNNER_FIXTURE_H_
#define TESTS_RUNNER_FIXTURE_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace runner {

// Of every wait for something that must happen.
inline constexpr absl::Duration kPatience = absl::Seconds(150);

// A child process. Killed and reaped at the latest by the destructor.
// Not thread-safe.
class RunnerProcess {
 public:
  // Starts `words` in `directory`, with stdin empty, and stdout and stderr
  // going to files. `stderr_file` is a terminal or a named pipe instead of one
  // of them; err() is empty then.
  RunnerProcess(const std::vector<std::string>& words,
                const std::string& directory,
                const std::string& stderr_file = "");
  RunnerProcess(RunnerProcess&& other) noexcept;
  ~RunnerProcess();

  void Signal(int signal) const;
  // SIGKILL, and waits until it is dead. False if it had ended before.
  bool Kill9();
  // Its exit code, or minus the signal that ended it. One that does not end
  // within kPatience fails the test.
  int WaitExit();
  // Waits so long, or until it has ended, which is true then.
  bool EndsWithin(absl::Duration time);

  pid_t pid() const { return pid_; }
  int pid_fd() const { return pid_fd_; }  // Readable once it has ended.
  // What it has written so far.
  std::string out() const;
  std::string err() const;
  // After its end: the most memory that it had in RAM.
  int64_t rss_kib_max() const { return rss_kib_max_; }

 private:
  void Reap();

  std::string out_path_, err_path_;
  pid_t pid_ = -1;
  int pid_fd_ = -1;
  bool reaped_ = false;
  int exit_ = 0;
  int64_t rss_kib_max_ = 0;
};

// A query of a run, as tests name it: "run/id/occurrence".
using QueryName = std::string;

// A new temporary directory, removed at the end. Not thread-safe.
class Workplace {
 public:
  Workplace();
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;
  ~Workplace();

  // Options of each Start and Run, without "--": change them at will. Unless
  // they say otherwise the worker is `./worker`, which starts fake_worker with
  // `worker_flags`: another behaviour is no other configuration.
  std::map<std::string, std::string> options;
  std::vector<std::string> worker_flags = {"--arithmetic", "--log=calls.log"};

  // Words before the program's, such as a tracer's, wherever it is started.
  std::vector<std::string> run_under;

  // questions.jsonl: "q1".."q<n>" with an input such as "7 * 12" and its value
  // as the target. Every 10th target is wrong, so that scores differ.
  void WriteDataset(int questions);
  static std::string Question(int number);  // One line of it.
  void Write(const std::string& name, const std::string& text) const;
  std::string Read(const std::string& name) const;
  bool Exists(const std::string& name) const;
  std::string Path(const std::string& name) const;

  // `bench-runner run` with `options` and `more`; see RunnerProcess on
  // `stderr_file`.
  RunnerProcess Start(const std::vector<std::string>& more = {},
                      const std::string& stderr_file = "") const;
  // The same to its end: the exit code. out() and err() are then its own.
  int Run(const std::vector<std::string>& more = {});
  // bench-runner with these words alone.
  int RunProgram(const std::vector<std::string>& words);
  const std::string& out() const { return out_; }
  const std::string& err() const { return err_; }

  // The requests that reached a worker, in order.
  std::vector<QueryName> Calls() const;
  std::map<QueryName, int> CallCounts() const;
  // Waits until there were so many, or `runner` has ended: false then.
  bool WaitForCalls(size_t calls, RunnerProcess& runner) const;
  // Waits until stderr of `runner` holds `text`; false when it ends without.
  bool WaitForMessage(const std::string& text, RunnerProcess& runner) const;

  // Waits until `condition` holds, which is asked for again whenever a file
  // right in `folder` changes; false when `runner` ends without.
  bool WaitForFiles(const std::string& folder, RunnerProcess& runner,
                    const std::function<bool()>& condition) const;

  // Journals by name, without "latest" and "replaced".
  std::vector<std::string> Journals() const;
  // The one journal; fails the test if there is not exactly one.
  std::string JournalDirectory() const;
  // How often each query was listed in doubt, from the records of the one
  // journal, or of `journal`, a path from here.
  std::map<QueryName, int> InDoubtCounts() const;
  std::map<QueryName, int> InDoubtCounts(const std::string& journal) const;
  // Each of `questions` queries was asked, and none again but those in doubt,
  // once more for each listing.
  void ExpectAskedOnceButInDoubt(size_t questions) const;
  // Every record of the journal `name`, its bytes.
  std::vector<std::string> Records(const std::string& name) const;

  std::string Results() const { return Read("results.json"); }
  // results.json with the member "timing" cut out, then results.jsonl and
  // results.csv: the bytes that must be the same however a benchmark was run.
  // Of another benchmark than the only one: `stem`.json and so on.
  std::string ResultsWithoutTiming(const std::string& stem = "results") const;
  // A number in results.json, by its path such as "/metrics/numeric/mean".
  double ResultNumber(const std::string& pointer) const;
  std::string ResultText(const std::string& pointer) const;

  // Living processes (zombies are dead) that work in this directory: workers,
  // what they started, runners.
  std::vector<std::string> LivingProcesses() const;
  // Waits until there are none; false after kPatience.
  bool EverybodyIsGone() const;

 private:
  void WriteWorker() const;

  std::string directory_;
  std::string out_, err_;
};

}  // namespace runner

#endif  // TESTS_RUNNER_FIXTURE_H_
